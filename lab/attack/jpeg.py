"""JPEG files with a mark in every place."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from lab.attack.canary import CANARY, profiles

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL import Image

_END = b"\xff\xd9"


def segment(code: int, content: bytes) -> bytes:
    """Return a segment."""
    return bytes([0xFF, code]) + (len(content) + 2).to_bytes(2) + content


def _encoded(image: Image.Image, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", **options)
    return out.getvalue()


def _after_start(jpeg: bytes, extra: bytes) -> bytes:
    return jpeg[:2] + extra + jpeg[2:]


def _before_scan(jpeg: bytes, extra: bytes) -> bytes:
    at = jpeg.index(b"\xff\xda")
    return jpeg[:at] + extra + jpeg[at:]


def _lengthened(jpeg: bytes, marker: bytes) -> bytes:
    """Return the file with the mark behind the fields of a segment."""
    at = jpeg.index(marker)
    length = int.from_bytes(jpeg[at + 2 : at + 4])
    end = at + 2 + length
    return jpeg[: at + 2] + (length + len(CANARY)).to_bytes(2) + jpeg[at + 4 : end] + CANARY + jpeg[end:]


def _tables(jpeg: bytes) -> Iterator[tuple[str, bytes]]:
    text = (CANARY * 3)[:64]
    yield "a quantization table that nothing uses", _before_scan(jpeg, segment(0xDB, b"\x03" + text))
    first = jpeg.index(b"\xff\xdb")
    yield "a quantization table that is replaced", jpeg[:first] + segment(0xDB, b"\0" + text) + jpeg[first:]
    codes = bytes([0] * 7 + [len(CANARY)] + [0] * 8)
    yield "a Huffman table that nothing uses", _before_scan(jpeg, segment(0xC4, b"\x13" + codes + CANARY))
    first = jpeg.index(b"\xff\xc4")
    yield "a Huffman table that is replaced", jpeg[:first] + segment(0xC4, b"\x10" + codes + CANARY) + jpeg[first:]
    yield "a Huffman table behind the scan", jpeg[:-2] + segment(0xC4, b"\x10" + codes + CANARY) + _END


def _scans(image: Image.Image) -> Iterator[tuple[str, bytes]]:
    jpeg, progressive = _encoded(image), _encoded(image, progressive=True)
    restarts = _encoded(image, restart_marker_blocks=1)
    yield "behind the pixels", jpeg[:-2] + CANARY + _END
    yield "behind the pixels, before noise", jpeg[:-2] + CANARY + bytes(range(1, 200)) * 9 + _END
    yield "behind the pixels of a progressive file", progressive[:-2] + CANARY + _END
    scan = progressive.index(b"\xff\xda", progressive.index(b"\xff\xda") + 2)
    table = progressive.rindex(b"\xff\xc4", 0, scan)
    yield "between two scans", progressive[:table] + CANARY + progressive[table:]
    yield "before a restart", restarts.replace(b"\xff\xd1", CANARY + b"\xff\xd1", 1)
    yield "behind one restart too many", restarts[:-2] + b"\xff\xd3" + CANARY + _END
    yield "behind a restart that no interval asks for", jpeg[:-2] + b"\xff\xd0" + CANARY + _END
    yield "a comment between two scans", progressive[:table] + segment(0xFE, CANARY) + progressive[table:]


def planted(image: Image.Image) -> Iterator[tuple[str, bytes]]:
    """Yield each place and a file with the mark in it."""
    jpeg, inks = _encoded(image), _encoded(image.convert("CMYK"))
    for code in (*range(0xE0, 0xF0), 0xFE, 0xDC, 0xDE, 0xDF, 0xF0, 0xF7):
        yield f"segment {code:X}", _after_start(jpeg, segment(code, CANARY))
    heads = (b"Exif\0\0MM\0*\0\0\0\x08\0\0", b"http://ns.adobe.com/xap/1.0/\0", b"http://ns.adobe.com/xmp/extension/\0")
    for head in heads:
        yield f"APP1 {head[:30]!r}", _after_start(jpeg, segment(0xE1, head + CANARY))
    yield "the thumbnail of JFIF", jpeg[:2] + segment(0xE0, jpeg[6:18] + b"\x0a\x01" + CANARY) + jpeg[20:]
    yield "a second JFIF segment", _before_scan(jpeg, segment(0xE0, jpeg[6:20] + CANARY))
    yield "the thumbnail of JFXX", _after_start(jpeg, segment(0xE0, b"JFXX\0\x10" + CANARY))
    yield "a preview in APP2", _after_start(jpeg, segment(0xE2, b"MPF\0" + CANARY))
    yield "behind the fields of Adobe", _lengthened(inks, b"\xff\xee")
    yield "the flags of Adobe", inks.replace(b"Adobe\0\x64\0\0\0\0", b"Adobe" + CANARY[:6])
    for name, marker in {"the frame": b"\xff\xc0", "the scan": b"\xff\xda", "the table": b"\xff\xdb"}.items():
        yield f"behind the fields of {name}", _lengthened(jpeg, marker)
    interval = _encoded(image, restart_marker_blocks=1)
    yield "behind the fields of the interval", _lengthened(interval, b"\xff\xdd")
    yield "behind fill bytes", _after_start(jpeg, b"\xff" * 9 + segment(0xFE, CANARY))
    yield from _tables(jpeg)
    yield from _scans(image)
    for name, profile in profiles().items():
        yield f"a colour profile: {name}", _encoded(image, icc_profile=profile)
    yield "a second colour profile", _before_scan(jpeg, segment(0xE2, b"ICC_PROFILE\0\1\1" + CANARY))
    for name, tail in {"text": CANARY, "zeros": bytes(9) + CANARY, "another image": jpeg + CANARY}.items():
        yield f"behind the end: {name}", jpeg + tail
