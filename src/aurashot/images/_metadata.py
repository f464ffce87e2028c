"""Find and remove metadata that identifies people or places, without changing a pixel.

What stays is listed, rather than what goes: the parts that decide how the image looks, its ICC profile among them.
EXIF (with the GPS position), XMP, IPTC, comments, texts, times, embedded second images, trailing data and everything
unknown are left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, BinaryIO

from aurashot.images._containers import Part, is_last, read_at, walk, webp_chunks
from aurashot.images._orientation import (
    UPRIGHT,
    XMP_PREFIX,
    Statements,
    stated_in_exif,
    stated_in_png_text,
    stated_in_xmp,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# By the longest content that a chunk may legally have; pixels, animation data and ICC profiles have no limit.
_PNG_LIMITS = {
    4: b"gAMA sBIT cICP",
    1: b"sRGB",
    6: b"bKGD",
    8: b"acTL cLLI",
    9: b"pHYs",
    13: b"IHDR",
    24: b"mDCV",
    26: b"fcTL",
    28: b"iDOT",
    32: b"cHRM",
    256: b"tRNS",
    512: b"hIST",
    768: b"PLTE",
    2**31: b"IDAT IEND fdAT iCCP",
}
_PNG_KEPT = {kind: longest for longest, kinds in _PNG_LIMITS.items() for kind in kinds.split()}
_WEBP_PIXELS = frozenset((b"VP8 ", b"VP8L", b"ALPH"))
_WEBP_KEPT = frozenset((b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP", b""))
_JPEG_KEPT = {b"\xe0": b"JFIF\0", b"\xe2": b"ICC_PROFILE\0", b"\xee": b"Adobe"}  # of the application segments
_JPEG_LONGEST = {b"\xe0": 18, b"\xee": 16}  # a longer JFIF segment has a second image in it
# What cameras write after the end: padding, further images (CIPA DC-007), a film, and the trailers of some makers.
_JPEG_TAILS = re.compile(rb"\0|\xff\xd8|....ftyp|....mpvd|SEF|QDIOBS|cm\d", re.DOTALL)
# What films and metadata begin with, in a scan: there it was put behind the pixels, before another end mark.
_NOT_PIXELS = re.compile(rb"ftyp[a-zA-Z0-9]{3}|xmpmeta|GPS(?:Lat|Lon|Alt| [-+\d]\d)|Exif\0\0(?:II|MM)")
_THEIR_STARTS = (b"ftyp", b"xmpm", b"GPS", b"Exif")  # a plain search is many times faster
_LONGEST_OF_THEM = 8
_CHUNK = 256 * 1024
_JPEG_MAY_IDENTIFY = frozenset(bytes([code]) for code in (*range(0xE0, 0xF0), 0xFE))  # APP0 to APP15, COM

_SIGNATURE_SIZE = {"image/jpeg": 2, "image/png": 8, "image/webp": 12}
_VP8X_FLAGS = 20  # offset in the file; VP8X comes first
_EXIF_AND_XMP = 0x0C
_WEBP_FRAME = 24  # bytes before the chunks of a frame: its own head, and where, how large and for how long it is shown

_METADATA_LIMIT = 1024 * 1024


def _keeps_jpeg(part: Part) -> bool:
    if part.kind not in _JPEG_MAY_IDENTIFY:
        return True
    short = part.end - part.start <= _JPEG_LONGEST.get(part.kind, 0xFFFF + 2)
    return short and part.kind in _JPEG_KEPT and part.content.startswith(_JPEG_KEPT[part.kind])


def _keeps_all(_: Part) -> bool:
    return True


_KEEPS: dict[str, Callable[[Part], bool]] = {
    "image/jpeg": _keeps_jpeg,
    "image/png": lambda part: part.end - part.start - 12 <= _PNG_KEPT.get(part.kind, -1),
    "image/webp": lambda part: part.kind in _WEBP_KEPT,
}
_PNG_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
_STATING = {"image/jpeg": (b"\xe1",), "image/png": (b"eXIf", *_PNG_TEXTS), "image/webp": (b"EXIF", b"XMP ")}
_HEADS = {"image/jpeg": 4, "image/png": 8, "image/webp": 8}  # bytes before the content of a part
_TAILS = {"image/png": 4}  # bytes after it


@dataclass(frozen=True, slots=True)
class Survey:
    """What one walk through a file has found.

    Attributes:
        complete: Whether the end of the file is there.
        identifying: Whether it has metadata to remove. Never true for a GIF, which no camera makes.
        orientation: The orientation that EXIF or XMP states, 1 to 8; 1 is upright.
        lossless: Whether it is a lossless WebP.
        doubtful: Whether copying its parts could copy what was put between them: what follows the first end mark is
            nothing that is known, or a part holds what does not belong there.
    """

    complete: bool = False
    identifying: bool = False
    doubtful: bool = False
    orientation: int = UPRIGHT
    lossless: bool = False


def survey(file: BinaryIO, media_type: str) -> Survey:
    """Look through a JPEG, PNG, WebP or GIF file from part to part; nothing is decoded."""
    found, stated, end = Survey(), Statements(), 0
    for part in walk(file, media_type):
        end = part.end
        found = Survey(
            complete=is_last(part, media_type),
            identifying=found.identifying or _is_identifying(file, part, media_type),
            doubtful=found.doubtful or (media_type == "image/jpeg" and _is_doubtful_scan(file, part)),
            lossless=found.lossless or _is_lossless(part),
        )
        _state(stated, file, part, media_type)
    trailing = media_type in _KEEPS and end != file.seek(0, 2)
    unknown_tail = trailing and media_type == "image/jpeg" and not _JPEG_TAILS.match(read_at(file, end, 16))
    identifying, doubtful = found.identifying or trailing or found.doubtful, found.doubtful or unknown_tail
    return replace(found, identifying=identifying, doubtful=doubtful, orientation=stated.orientation)


def _is_identifying(file: BinaryIO, part: Part, media_type: str) -> bool:
    """Whether a part, or what is in a frame of a WebP animation, is metadata."""
    if media_type == "image/webp" and part.kind == b"ANMF":
        return any(inner.kind not in _WEBP_PIXELS for inner in _chunks_of_frame(file, part))
    return not _KEEPS.get(media_type, _keeps_all)(part)


def _chunks_of_frame(file: BinaryIO, part: Part) -> Iterator[Part]:
    return webp_chunks(file, part.start + _WEBP_FRAME, part.end)


def _is_doubtful_scan(file: BinaryIO, part: Part) -> bool:
    """Whether a segment of a JPEG file is a scan, with more than pixels in it."""
    for offset in range(part.start, part.end, _CHUNK) if part.kind == b"\xda" else ():
        data = read_at(file, offset, min(_CHUNK + _LONGEST_OF_THEM, part.end - offset))
        if any(begin in data for begin in _THEIR_STARTS) and _NOT_PIXELS.search(data):
            return True
    return False


def _is_lossless(part: Part) -> bool:
    frame_data = part.content[16:20] if part.kind == b"ANMF" else part.kind
    return frame_data == b"VP8L"


def _state(stated: Statements, file: BinaryIO, part: Part, media_type: str) -> None:
    """Add what a part states about the orientation."""
    if part.kind not in _STATING.get(media_type, ()):
        return
    start = part.start + _HEADS[media_type]
    content = read_at(file, start, min(part.end - _TAILS.get(media_type, 0) - start, _METADATA_LIMIT))
    if part.kind in _PNG_TEXTS:
        if found := stated_in_png_text(part.kind, content):
            stated.add(*found)
    elif part.kind == b"XMP " or content.startswith(XMP_PREFIX):
        stated.add("XMP", stated_in_xmp(content))
    else:
        stated.add("EXIF", stated_in_exif(content))


def without_metadata(file: BinaryIO, media_type: str) -> bytes:
    """Return a complete JPEG, PNG or WebP file without identifying metadata; its pixels are kept byte for byte."""
    kept = bytearray(read_at(file, 0, _SIGNATURE_SIZE[media_type]))
    for part in walk(file, media_type):
        if media_type == "image/webp" and part.kind == b"ANMF":
            kept += _frame_of_pixels(file, part)
        elif _KEEPS[media_type](part):
            kept += read_at(file, part.start, part.end - part.start)
    if media_type == "image/webp":
        _fix_webp_header(kept)
    return bytes(kept)


def _frame_of_pixels(file: BinaryIO, part: Part) -> bytes:
    """Return a frame of a WebP animation with its pixels only."""
    head = read_at(file, part.start, _WEBP_FRAME)
    inner = [chunk for chunk in _chunks_of_frame(file, part) if chunk.kind in _WEBP_PIXELS]
    pixels = b"".join(read_at(file, chunk.start, chunk.end - chunk.start) for chunk in inner)
    length = _WEBP_FRAME - 8 + len(pixels)
    return head[:4] + length.to_bytes(4, "little") + head[8:] + pixels


def _fix_webp_header(webp: bytearray) -> None:
    webp[4:8] = (len(webp) - 8).to_bytes(4, "little")
    if webp.startswith(b"VP8X", 12):
        webp[_VP8X_FLAGS] &= ~_EXIF_AND_XMP
