"""Write the facts about an image into its file, as XMP, and read them back; the pixels are not touched.

Photo libraries, search engines and social networks read the IPTC's digital source type, which says that an image was
made by a model. The facts of the sidecar are in the same packet, so that an image whose sidecar was lost can still say
how it was made.

What is left out of the file, as files are passed on: URLs, which can be signed, and tags, which name your users. An
image that is sent to the service has none of it, as uploads are stripped of metadata.

In a PNG file the packet is an `iTXt` chunk after the header, in a JPEG file a segment after JFIF's and EXIF's, in a
WebP file a chunk at the end. All other parts of the file stay byte for byte, with one exception: a WebP file says in
its header which parts it has. GIF files are not written to. Nor are files with signed content credentials (C2PA), which
any change makes invalid.
"""

from __future__ import annotations

import io
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aurashot.characters._parts import (
    JPEG,
    PNG,
    PNG_HEADER_END,
    WEBP,
    Change,
    changed,
    parts_of,
    png_chunk,
    png_keyword,
    png_text,
    type_of,
)
from aurashot.characters._sidecar import Sidecar, digest_of, read_sidecar
from aurashot.characters._xmp import (
    DESCRIPTION,
    FACTS,
    LARGEST,
    SOURCE_TYPE,
    facts_packet,
    read_packet,
    without_padding,
)
from aurashot.errors import InvalidImageError
from aurashot.images._orientation import XMP_PREFIX
from aurashot.images._size import extent_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aurashot.images._containers import Part

_PNG_KEYWORD: Final = "XML:com.adobe.xmp"
_PNG_XMP: Final = b"XML:com.adobe.xmp\0\0\0\0\0"
_MOST_IN_JPEG: Final = 65_502
"""Bytes of a packet in a JPEG segment (XMP part 3, 1.1.3)."""
_EXTENDED, _XMP_FLAG, _ALPHA_FLAG = b"VP8X", 0x04, 0x10
_LOSSLESS: Final = b"VP8L"
_CREDENTIALS: Final = {PNG: b"caBX", WEBP: b"C2PA", JPEG: b"\xeb"}
"""The kind of part that content credentials are in, by media type."""
_PRIVATE: Final = frozenset(("sha256", "url", "tags"))
_LONG: Final = ("prompt", "description")
_NOT_XML: Final = re.compile("[\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class ImageMetadata:
    """What the XMP metadata of an image say.

    Attributes:
        digital_source_type: How it came about, as a URI of the IPTC's vocabulary.
        description: What it shows.
        sidecar: The facts that this SDK wrote, without URLs and tags; None if there are none.
    """

    digital_source_type: str | None = None
    description: str | None = None
    sidecar: Sidecar | None = None


def with_metadata(image: bytes, sidecar: Sidecar) -> bytes:
    """Return a JPEG, PNG or WebP file with the facts about it; earlier ones are replaced, all other XMP is kept.

    A property that the image has already, a description for instance, stays as it is. In JPEG files, which have 64 KB
    for it, a prompt that is too long is left out.

    Raises:
        InvalidImageError: It is not such a file, is cut short or broken, has XMP metadata that cannot be added to, or
            signed content credentials.
    """
    media_type = type_of(image)
    if media_type not in _WRITERS:
        raise InvalidImageError("The image is a GIF file, which no metadata is written to; convert it to PNG")
    parts = parts_of(image, media_type)
    if any(_has_credentials(part, media_type) for part in parts):
        raise InvalidImageError("The image has signed content credentials, which a change of it would make invalid")
    return changed(image, _WRITERS[media_type](image, parts, sidecar))


def metadata_of(image: bytes) -> ImageMetadata:
    """Return what the XMP metadata of a JPEG, PNG or WebP file say; of a GIF file, nothing.

    Raises:
        InvalidImageError: It is not such a file, is cut short or broken, or its metadata are.
    """
    media_type = type_of(image)
    if media_type not in _FINDERS:
        return ImageMetadata()
    part = _FINDERS[media_type](image, parts_of(image, media_type))
    if part is None:
        return ImageMetadata()
    values = read_packet(_packet(image, part, media_type)).values
    return ImageMetadata(values.get(SOURCE_TYPE), values.get(DESCRIPTION), _sidecar(image, values.get(FACTS)))


def _sidecar(image: bytes, facts: str | None) -> Sidecar | None:
    """Return the facts with the digest of the file, which cannot be in the file itself."""
    try:
        known = json.loads(facts or "")
    except (ValueError, RecursionError):
        return None
    return read_sidecar(json.dumps(known | {"sha256": digest_of(image)}).encode()) if isinstance(known, dict) else None


def _facts(sidecar: Sidecar, *, short: bool = False) -> str:
    """Return the facts that are written into files, as JSON without characters that XML does not have."""
    facts = sidecar.model_dump(mode="json", by_alias=True, exclude=set(_PRIVATE))
    facts["references"] = {
        role: {name: value for name, value in reference.items() if name != "url" and value is not None}
        for role, reference in facts["references"].items()
    }
    facts = {name: value for name, value in facts.items() if not (short and name in _LONG)}
    text = json.dumps(facts, ensure_ascii=False, separators=(",", ":"))
    return _NOT_XML.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _has_credentials(part: Part, media_type: str) -> bool:
    if media_type == JPEG:
        return part.kind == _CREDENTIALS[JPEG] and part.content.startswith(b"JP")
    return part.kind == _CREDENTIALS[media_type]


def _packet(image: bytes, part: Part, media_type: str) -> bytes:
    if media_type == PNG:
        return png_text(image, part, LARGEST)
    if media_type == JPEG:
        return image[part.start + 4 + len(XMP_PREFIX) : part.end]
    return image[part.start + 8 : part.start + 8 + part.length]


def _existing(image: bytes, part: Part | None, media_type: str) -> bytes | None:
    return None if part is None else _packet(image, part, media_type)


def _in_png(image: bytes, parts: Sequence[Part]) -> Part | None:
    return next((part for part in parts if part.kind == b"iTXt" and png_keyword(image, part) == _PNG_KEYWORD), None)


def _in_jpeg(image: bytes, parts: Sequence[Part]) -> Part | None:
    return next((part for part in parts if part.kind == b"\xe1" and image.startswith(XMP_PREFIX, part.start + 4)), None)


def _in_webp(_: bytes, parts: Sequence[Part]) -> Part | None:
    return next((part for part in parts if part.kind == b"XMP "), None)


def _png_changes(image: bytes, parts: Sequence[Part], sidecar: Sidecar) -> list[Change]:
    part = _in_png(image, parts)
    packet = facts_packet(sidecar, _facts(sidecar), _existing(image, part, PNG))
    start, end = (PNG_HEADER_END, PNG_HEADER_END) if part is None else (part.start, part.end)
    return [Change(start, end, png_chunk(b"iTXt", _PNG_XMP + packet))]


def _jpeg_changes(image: bytes, parts: Sequence[Part], sidecar: Sidecar) -> list[Change]:
    part = _in_jpeg(image, parts)
    packet = _fitting(sidecar, _existing(image, part, JPEG))
    segment = b"\xff\xe1" + (2 + len(XMP_PREFIX) + len(packet)).to_bytes(2) + XMP_PREFIX + packet
    if part is not None:
        return [Change(part.start, part.end, segment)]
    at = 2
    for each in parts:
        is_first = each.kind == b"\xe0" or (each.kind == b"\xe1" and each.content.startswith(b"Exif\0"))
        if not is_first or each.start != at:
            break
        at = each.end
    return [Change(at, at, segment)]


def _fitting(sidecar: Sidecar, existing: bytes | None) -> bytes:
    """Return a packet that fits into a segment, if need be without the prompt."""
    packet = facts_packet(sidecar, _facts(sidecar), existing)
    if len(packet) > _MOST_IN_JPEG:
        brief = sidecar.model_copy(update={"prompt": None, "description": ""})
        packet = without_padding(facts_packet(brief, _facts(sidecar, short=True), existing))
    if len(packet) > _MOST_IN_JPEG:
        raise InvalidImageError("The image has so much XMP metadata that nothing can be added; remove it first")
    return packet


def _webp_changes(image: bytes, parts: Sequence[Part], sidecar: Sidecar) -> list[Change]:
    part = _in_webp(image, parts)
    packet = facts_packet(sidecar, _facts(sidecar), _existing(image, part, WEBP))
    chunk = b"XMP " + len(packet).to_bytes(4, "little") + packet + bytes(len(packet) % 2)
    first, end = parts[0], parts[-1].start
    if any(each.start + 8 + each.length > each.end for each in parts[:-1]):
        raise InvalidImageError("The image is cut short or broken; download or copy it again")
    if first.kind == _EXTENDED:
        flags = image[first.start + 8] | _XMP_FLAG
        changes = [Change(first.start + 8, first.start + 9, bytes([flags]))]
    else:
        changes = [Change(first.start, first.start, _webp_header(image, first))]
    if part is not None:
        changes.append(Change(part.start, part.end, chunk))
    else:
        padding = bytes((end - parts[-2].start) % 2)  # of a last chunk that has none
        changes.append(Change(end, end, padding + chunk))
    grown = sum(len(each.content) - (each.end - each.start) for each in changes)
    size = (end - 8 + grown).to_bytes(4, "little")
    return [Change(4, 8, size), *changes]


def _webp_header(image: bytes, first: Part) -> bytes:
    """Return the header that a file of one chunk does not have: what is in it, and its size."""
    extent = extent_of(io.BytesIO(image), WEBP)
    if not (extent.width and extent.height):
        raise InvalidImageError("The image is cut short or broken; download or copy it again")
    has_alpha = first.kind == _LOSSLESS and int.from_bytes(first.content[1:5], "little") >> 28 & 1
    flags = _XMP_FLAG | (_ALPHA_FLAG if has_alpha else 0)
    size = (extent.width - 1).to_bytes(3, "little") + (extent.height - 1).to_bytes(3, "little")
    return _EXTENDED + (10).to_bytes(4, "little") + bytes([flags, 0, 0, 0]) + size


_FINDERS: Final[dict[str, Callable[[bytes, Sequence[Part]], Part | None]]] = {
    PNG: _in_png,
    JPEG: _in_jpeg,
    WEBP: _in_webp,
}
_WRITERS: Final[dict[str, Callable[[bytes, Sequence[Part], Sidecar], list[Change]]]] = {
    PNG: _png_changes,
    JPEG: _jpeg_changes,
    WEBP: _webp_changes,
}
