"""XMP packets: the facts about an image as XML, beside whatever other programs wrote into the same packet.

What is there stays, byte for byte: an element with our properties is put before the end of `rdf:RDF`, and leaves out
the properties that the packet already has. Only what an earlier version of this SDK has written is replaced. A packet
that is not well-formed, that is not UTF-8 or that declares a document type is left alone. Sources: XMP specification,
parts 1 and 3; IPTC Photo Metadata Standard 2025.1.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple
from xml.parsers.expat import ExpatError, ParserCreate
from xml.sax.saxutils import escape

from aurashot.errors import InvalidImageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aurashot.characters._sidecar import Sidecar

RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_XML: Final = "http://www.w3.org/XML/1998/namespace"
OURS: Final = "urn:aurashot:xmp:1:"
_PREFIXES: Final = {
    "aurashot": OURS,
    "dc": "http://purl.org/dc/elements/1.1/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
}
SOURCE_TYPE: Final = "Iptc4xmpExt:DigitalSourceType"
FACTS: Final = "aurashot:Facts"
DESCRIPTION: Final = "dc:description"
_NAMES: Final = {uri: prefix for prefix, uri in _PREFIXES.items()}
LARGEST: Final = 1024 * 1024
"""Bytes of a packet that is read."""
_DEEPEST: Final = 100
_MOST: Final = 10_000
"""Properties of a packet."""

# Not allowed in XML at all (XML 1.0, 2.2).
_FORBIDDEN: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_HEAD: Final = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n<x:xmpmeta xmlns:x="adobe:ns:meta/">\n'
_TAIL: Final = '</x:xmpmeta>\n<?xpacket end="r"?>'
_BEGIN: Final = f'<rdf:Description xmlns:rdf="{RDF}" rdf:about="" xmlns:aurashot="{OURS}"'
_OWN_BLOCK: Final = re.compile(re.escape(_BEGIN) + r".*?</rdf:Description>\n?", re.DOTALL)
_PADDING: Final = re.compile(r"\s+(?=<\?xpacket end=)")


class Packet(NamedTuple):
    """What a packet says.

    Attributes:
        names: Its properties, `dc:description` for instance; those of unknown namespaces by their URI.
        values: The text of the properties that are plain texts or that have one text in several languages.
    """

    names: frozenset[str]
    values: Mapping[str, str]


def facts_packet(sidecar: Sidecar, facts: str, existing: bytes | None = None) -> bytes:
    """Return a packet with the facts about an image, and with all that an existing one says.

    Args:
        sidecar: The facts.
        facts: The same as JSON.
        existing: The packet that the image has.

    Raises:
        InvalidImageError: The existing packet cannot be added to.
    """
    text = _text(existing) if existing else f'{_HEAD}<rdf:RDF xmlns:rdf="{RDF}">\n</rdf:RDF>\n{_TAIL}'
    text = _without_ours(text)
    before = read_packet(text.encode())
    end = text.rfind("</", 0, text.rfind(":RDF") + 1)
    if end < 0 or not re.match(r"</[\w.-]+:RDF\s*>", text[end:]):
        raise InvalidImageError("The image has XMP metadata that cannot be added to; remove it first")
    added = _description(_properties(sidecar, facts), before.names)
    packet = text[:end] + added + text[end:]
    after = read_packet(packet.encode())
    if not before.names <= after.names or after.values.get(FACTS) != facts:
        raise InvalidImageError("The image has XMP metadata that cannot be added to; remove it first")
    return packet.encode()


def without_padding(packet: bytes) -> bytes:
    """Return a packet without the white space that is kept in it for changes in place."""
    return _PADDING.sub("\n", packet.decode()).encode()


def _text(packet: bytes) -> str:
    if len(packet) > LARGEST:
        raise InvalidImageError(f"The image has XMP metadata of more than {LARGEST:,} bytes; remove it first")
    try:
        return packet.decode()
    except UnicodeDecodeError as error:
        raise InvalidImageError("The image has XMP metadata that is not UTF-8; remove it first") from error


def _without_ours(text: str) -> str:
    """Return a packet without what this SDK wrote, also where another program has written it anew in its own way."""
    if OURS not in text:
        return text
    text = _OWN_BLOCK.sub("", text)
    for prefix in set(re.findall(rf"""xmlns:([\w.-]+)\s*=\s*["']{re.escape(OURS)}["']""", text)):
        name = rf"{re.escape(prefix)}:Facts"
        text = re.sub(rf"<{name}>[^<]*</{name}\s*>\s*", "", text)
        text = re.sub(rf"""\s{name}\s*=\s*(?:"[^"<]*"|'[^'<]*')""", "", text)
    return text


def _properties(sidecar: Sidecar, facts: str) -> dict[str, str]:
    described = {DESCRIPTION: sidecar.description or sidecar.prompt or "", FACTS: facts}
    if sidecar.digital_source_type is None:  # nobody knows where it comes from
        return described
    system = "AuraShot sandbox" if sidecar.sandbox else "AuraShot"
    return {
        SOURCE_TYPE: sidecar.digital_source_type,
        "Iptc4xmpExt:AIPromptInformation": "" if sidecar.sandbox else sidecar.prompt or "",
        "Iptc4xmpExt:AISystemUsed": "" if sidecar.sandbox else system,
        "xmp:CreatorTool": f"{system} ({sidecar.software})",
        "xmp:CreateDate": sidecar.created_at.isoformat(),
        **described,
    }


def _description(properties: Mapping[str, str], taken: frozenset[str]) -> str:
    spaces = "".join(f' xmlns:{prefix}="{uri}"' for prefix, uri in _PREFIXES.items() if uri != OURS)
    lines = [_element(name, text) for name, text in properties.items() if text and name not in taken]
    return f"{_BEGIN}{spaces}>\n" + "".join(lines) + "</rdf:Description>\n"


def _element(name: str, text: str) -> str:
    value = escape(_FORBIDDEN.sub("\ufffd", text))
    if name == DESCRIPTION:  # the only one that is a text in several languages
        value = f'<rdf:Alt><rdf:li xml:lang="x-default">{value}</rdf:li></rdf:Alt>'
    return f"<{name}>{value}</{name}>\n"


def read_packet(packet: bytes) -> Packet:
    """Return what a packet says.

    Raises:
        InvalidImageError: It is not well-formed, too large, or declares a document type.
    """
    reader = _Reader()
    text = _text(packet)
    try:
        reader.parser.Parse(text.strip("\ufeff \t\r\n\0").encode(), True)
    except (ExpatError, _RefusedError, ValueError) as error:
        raise InvalidImageError("The image has XMP metadata that are not well-formed; remove them first") from error
    return Packet(frozenset(reader.names), reader.values)


class _RefusedError(Exception):
    """The packet has what no packet needs."""


class _Reader:
    """Follows the elements of a packet: xmpmeta, RDF, Description, property, and what a property is made of."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.values: dict[str, str] = {}
        self.parser = ParserCreate("utf-8", " ")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters
        self.parser.StartDoctypeDeclHandler = self._refuse
        self._path: list[str] = []
        self._property: str | None = None
        self._pieces: list[str] = []
        self._items = 0

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if len(self._path) >= _DEEPEST:
            raise _RefusedError
        if self._path[-1:] == [f"{RDF} RDF"]:
            for name, value in attributes.items():
                self._note(name, value)
        elif self._path[-2:-1] == [f"{RDF} RDF"]:
            self._property, self._pieces, self._items = tag, [], 0
            self._note(tag, attributes.get(f"{RDF} resource"))
        elif tag == f"{RDF} li":
            self._items += 1
        self._path.append(tag)

    def _end(self, tag: str) -> None:
        self._path.pop()
        if self._property == tag and self._path[-2:-1] == [f"{RDF} RDF"]:
            text = "".join(self._pieces)
            self._note(tag, text.strip() if self._items else text)
            self._property = None

    def _characters(self, text: str) -> None:
        """Keep the text of a plain property, and that of the first item of a list."""
        where = self._path[-1] if self._path else ""
        if self._property is not None and where == (f"{RDF} li" if self._items == 1 else self._property):
            self._pieces.append(text)

    def _refuse(self, *_: object) -> None:
        raise _RefusedError

    def _note(self, tag: str, value: str | None) -> None:
        uri, _, name = tag.rpartition(" ")
        if uri in {"", RDF, _XML}:
            return
        full = f"{_NAMES.get(uri, uri)}:{name}"
        self.names.add(full)
        if len(self.names) > _MOST:
            raise _RefusedError
        if value:
            self.values.setdefault(full, value)
