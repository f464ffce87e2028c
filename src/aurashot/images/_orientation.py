"""The orientation that a photo states in its metadata: in EXIF, in XMP, or in a profile that ImageMagick wrote.

EXIF comes first, as in Pillow and in browsers; XMP counts where EXIF states none. Sources: TIFF 6.0, section 2;
Exif 3.0, 4.6.5; XMP part 2, 3.2; PNG third edition, 11.3.3; ImageMagick's coders/png.c (`Raw profile type …`).
"""

from __future__ import annotations

import binascii
import re
import zlib
from itertools import islice
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

UPRIGHT: Final = 1
XMP_PREFIX: Final = b"http://ns.adobe.com/xap/1.0/\0"
"""Begins a JPEG segment with XMP."""

Source = Literal["EXIF", "profile", "XMP"]
_SOURCES: Final[tuple[Source, ...]] = ("EXIF", "profile", "XMP")

_TAG: Final = 0x0112
_SIZES: Final = {1: 1, 3: 2, 4: 4, 6: 1, 8: 2, 9: 4}  # bytes of a value, by its TIFF type; SHORT is the usual one
_EXIF_PREFIX: Final = re.compile(rb"(?:Exif\0.){0,2}", re.DOTALL)
_TIFF_NAMESPACE: Final = re.compile(rb"xmlns:([\w.-]+)\s*=\s*[\"']http://ns\.adobe\.com/tiff/1\.0/[\"']")
_LONGEST_TEXT: Final = 1024 * 1024
_MOST_METADATA: Final = 4 * 1024 * 1024
"""Bytes of metadata of a file in which orientations are looked for, decompressed."""
_MOST_PREFIXES: Final = 8

_PNG_PROFILES: Final[dict[bytes, Source]] = {
    b"Raw profile type exif": "profile",
    b"Raw profile type APP1": "profile",
    b"Raw profile type xmp": "XMP",
}
_PNG_XMP: Final = b"XML:com.adobe.xmp"


class Statements:
    """What the metadata of a file have stated so far; of two statements of a source, the first counts."""

    def __init__(self) -> None:
        self._stated: dict[Source, int] = {}
        self.left: int = _MOST_METADATA
        """How many bytes of metadata are still looked at."""

    def add(self, source: Source, orientation: int | None) -> None:
        """Add what a source states, if it states any."""
        if orientation is not None:
            self._stated.setdefault(source, orientation)

    @property
    def orientation(self) -> int:
        """The orientation that counts, 1 to 8."""
        return next((self._stated[source] for source in _SOURCES if source in self._stated), UPRIGHT)


def stated_in_exif(exif: bytes) -> int | None:
    """Return the orientation (1 to 8) that EXIF data state, and None when they state none or are broken."""
    start = _EXIF_PREFIX.match(exif)
    tiff = exif[start.end() if start else 0 :]
    if not tiff.startswith((b"II", b"MM")):
        return None
    order: Literal["little", "big"] = "little" if tiff.startswith(b"II") else "big"

    def number(offset: int, size: int) -> int:
        return int.from_bytes(tiff[offset : offset + size], order)

    directory = number(4, 4)
    end = min(directory + 2 + 12 * number(directory, 2), len(tiff) - 9)
    entries = range(directory + 2, end, 12)
    entry = next((entry for entry in entries if number(entry, 2) == _TAG), len(tiff))
    return _valid(number(entry + 8, _SIZES.get(number(entry + 2, 2), 2)))


def stated_in_xmp(xmp: bytes) -> int | None:
    """Return the orientation (1 to 8) that XMP states, as an attribute or an element, in any encoding of Unicode."""
    text = xmp.replace(b"\0", b"")
    found_prefixes = islice(_TIFF_NAMESPACE.finditer(text), _MOST_PREFIXES)
    prefixes = {b"tiff", *(prefix[1] for prefix in found_prefixes)}
    names = b"|".join(re.escape(prefix) for prefix in sorted(prefixes))
    found = re.search(rb"\b(?:" + names + rb"):Orientation\s*(?:=\s*[\"']|>)\s*([1-8])\s*[\"'<]", text)
    return int(found[1]) if found else None


def stated_in_png_text(kind: bytes, chunk: bytes, longest: int) -> tuple[tuple[Source, int | None], int] | None:
    """Return what a text chunk of a PNG file states, with its source, and the length of the text.

    Args:
        kind: The kind of the chunk.
        chunk: Its content.
        longest: How much of the text is decompressed.

    Returns:
        None when it is another text.
    """
    keyword, _, rest = chunk.partition(b"\0")
    source = "XMP" if keyword == _PNG_XMP else _PNG_PROFILES.get(keyword)
    if source is None:
        return None
    text = _TEXTS[kind](rest, min(longest, _LONGEST_TEXT))
    stated = stated_in_xmp(text) if keyword == _PNG_XMP else _stated_in_profile(text)
    return (source, stated), len(text)


def stated_in_profiles(info: Iterable[tuple[object, object]]) -> int | None:
    """Return what the profiles of ImageMagick state in the `info` of a Pillow image."""
    names = {name.decode() for name, source in _PNG_PROFILES.items() if source == "profile"}
    found = (_stated_in_profile(text.encode("latin-1", "replace")) for name, text in _texts(info) if name in names)
    return next((one for one in found if one is not None), None)


def _texts(info: Iterable[tuple[object, object]]) -> Iterable[tuple[str, str]]:
    return ((name, text) for name, text in info if isinstance(name, str) and isinstance(text, str))


def _stated_in_profile(text: bytes) -> int | None:
    """Read a profile: its type, its length, and its bytes in hexadecimal, separated by line ends."""
    name, _length, *digits = [*text.split(), b"", b""]
    try:
        profile = binascii.unhexlify(b"".join(digits))
    except binascii.Error:
        return None
    if profile.startswith(XMP_PREFIX) or name == b"xmp":
        return stated_in_xmp(profile)
    return stated_in_exif(profile)


def _inflated(data: bytes, longest: int) -> bytes:
    try:
        return zlib.decompressobj().decompress(data, longest) if longest > 0 else b""
    except zlib.error:
        return b""


def _international(rest: bytes, longest: int) -> bytes:
    """Return the text of an iTXt chunk, after its flags, its language and its translated keyword."""
    text = rest[2:].split(b"\0", 2)[-1]
    return _inflated(text, longest) if rest.startswith(b"\x01") else text


def _valid(orientation: int) -> int | None:
    return orientation if orientation in range(1, 9) else None


_TEXTS: Final[dict[bytes, Callable[[bytes, int], bytes]]] = {
    b"tEXt": lambda rest, _: rest,
    b"zTXt": lambda rest, longest: _inflated(rest[1:], longest),
    b"iTXt": _international,
}
