"""Look for what was put behind pixels, where only a decoder would know that they have ended.

Entropy-coded data of a JPEG file end at a marker, and the pixels of a WebP file with their chunk; decoders skip what
the pixels leave over. Decoding every photo to find that out would take longer than all else together, so three things
are looked for: text, where compressed pixels look random; what films and metadata begin with; and more restart markers
than there are intervals.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from aurashot.images._containers import START_OF_SCAN, webp_chunks
from aurashot.images._jpeg import FRAMES, MalformedError, scan_end, scan_start
from aurashot.images._size import WEBP_FRAME
from aurashot.images._window import SCAN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from aurashot.images._containers import Part
    from aurashot.images._window import Window

# What films and metadata begin with.
_NOT_PIXELS: Final = re.compile(rb"ftyp[a-zA-Z0-9]{3}|GPS(?:Lat|Lon|Alt| [-+\d]\d)|Exif\0\0(?:II|MM)")
_THEIR_STARTS: Final = (b"ftyp", b"GPS", b"Exif")  # a plain search is many times faster
_LONGEST: Final = 24

# Of random bytes, 95 of 256 are printable: 24 in a row come once in 20 GB, and 6 at one place once in 360.
_PRINTABLE: Final = bytes(0x20 <= byte < 0x7F or byte in {9, 10, 13} for byte in range(256))
_RUN: Final = b"\1" * _LONGEST
_DISTINCT: Final = 8
"""How many different characters a text of that length has at least; an area of one colour repeats a few bytes."""
_TEXT_AT_END: Final = re.compile(rb"[ -~\t\r\n]{6,}\Z")
_DISTINCT_AT_END: Final = 4
_BEFORE_RESTART: Final = 12
_RESTART: Final = re.compile(rb"\xff[\xd0-\xd7]")
_RESTARTS: Final = frozenset(bytes([code]) for code in range(0xD0, 0xD8))
_TAIL: Final = 64
_MOST: Final = 8
"""In a file with more places than these, the pixels are encoded anew."""


class Suspect(NamedTuple):
    """Compressed data with something in it that does not look compressed.

    Attributes:
        start: Where the data start.
        found: Where the last of what was found starts.
        end: Where the data end, before a marker.
    """

    start: int
    found: int
    end: int


def suspects(window: Window, parts: Sequence[Part], media_type: str) -> tuple[Suspect, ...]:
    """Return compressed data of a JPEG or WebP file that may have something behind the pixels.

    Raises:
        MalformedError: A scan has more restart markers than intervals.
    """
    if media_type not in _SPANS:
        return ()
    found = [suspect for span in _SPANS[media_type](window, parts) for suspect in _suspects(window, *span)]
    if len(found) > _MOST:
        raise MalformedError("there is text in its pixels")
    return tuple(found)


def _scans(window: Window, parts: Sequence[Part]) -> Iterator[tuple[int, int, int]]:
    """Yield where the data of each scan start and end, and how many restarts they may have."""
    interval, frame = 0, b""
    for part in parts:
        if part.kind == b"\xdd":
            interval = int.from_bytes(part.content[:2])
        elif part.kind in FRAMES:
            frame = window.at(part.start + 4, part.end - part.start - 4)
        elif part.kind == START_OF_SCAN:
            restarts = _intervals(frame, part.content, interval) - 1 if interval else 0
            yield scan_start(part), scan_end(window, part), restarts


def _intervals(frame: bytes, scan: bytes, interval: int) -> int:
    """Return how many restart intervals a scan has (T.81, A.2)."""
    height, width = int.from_bytes(frame[1:3]), int.from_bytes(frame[3:5])
    factors = {frame[at]: divmod(frame[at + 1], 16) for at in range(6, 6 + 3 * frame[5], 3)}
    widest = max(1, *(across for across, _ in factors.values()), 1)
    highest = max(1, *(down for _, down in factors.values()), 1)
    if scan[0] != 1:
        columns, rows = -(-width // (8 * widest)), -(-height // (8 * highest))
    else:
        across, down = factors.get(scan[1], (1, 1))
        columns, rows = -(-width * across // (8 * widest)), -(-height * down // (8 * highest))
    return -(-columns * rows // interval)


def _images(window: Window, parts: Sequence[Part]) -> Iterator[tuple[int, int, int]]:
    """Yield where the compressed pixels in each chunk of a WebP file start and end."""
    for part in parts:
        if part.kind == b"ANMF":
            yield from _images(window, list(webp_chunks(window, part.start + WEBP_FRAME, part.end)))
        elif part.kind in {b"VP8 ", b"VP8L", b"ALPH"}:
            yield part.start + 8, min(part.end, part.start + 8 + part.length), 0


_SPANS: Final[dict[str, Callable[[Window, Sequence[Part]], Iterator[tuple[int, int, int]]]]] = {
    "image/jpeg": _scans,
    "image/webp": _images,
}


def _suspects(window: Window, start: int, end: int, restarts: int) -> Iterator[Suspect]:
    """Yield the last suspicious place in a span of compressed data, or in each of its restart intervals."""
    places: dict[int, int] = {}
    for place in (*_places(window, start, end, restarts), *_text_at_end(window, start, end)):
        after = _next_restart(window, place, end) if restarts else end
        places[after] = max(place, places.get(after, 0))
        if len(places) > _MOST:
            raise MalformedError("there is text in its pixels")
    for after, place in places.items():
        yield Suspect(start, place, after)
    if restarts and (extra := _extra_restart(window, start, end, restarts)) is not None:
        yield Suspect(start, extra, end)


def _places(window: Window, start: int, end: int, restarts: int) -> Iterator[int]:
    held, offset = b"", start
    for block in window.blocks(start, end, SCAN):
        data, base = held + block, offset - len(held)
        yield from (base + place for place in _found(data))
        marks = _RESTART.finditer(data) if restarts else ()
        yield from (base + mark.start() - _BEFORE_RESTART for mark in marks if _is_text(data, mark.start()))
        held = data[-_LONGEST:]
        offset += len(block)


def _extra_restart(window: Window, start: int, end: int, restarts: int) -> int | None:
    """Return where the first restart marker is that follows the last interval."""
    held, offset = b"", start
    for block in window.blocks(start, end, SCAN):
        data, base = held + block, offset - len(held)
        marks = [mark.start() for mark in _RESTART.finditer(data)]
        if len(marks) > restarts:
            return base + marks[restarts]
        restarts -= len(marks)
        held = data[-1:]
        offset += len(block)
    return None


def _found(data: bytes) -> Iterator[int]:
    """Yield where in a block texts start, and what films and metadata begin with."""
    if any(begin in data for begin in _THEIR_STARTS):
        yield from (found.start() for found in _NOT_PIXELS.finditer(data))
    marked = data.translate(_PRINTABLE)
    at = marked.find(_RUN)
    while at >= 0:
        after = marked.find(b"\0", at)
        after = len(data) if after < 0 else after
        if len(set(data[at:after])) >= _DISTINCT:
            yield at
        at = marked.find(_RUN, after)


def _is_text(data: bytes, end: int) -> bool:
    before = data[max(0, end - _BEFORE_RESTART) : end]
    return len(before) == _BEFORE_RESTART and all(before.translate(_PRINTABLE)) and len(set(before)) >= _DISTINCT_AT_END


def _text_at_end(window: Window, start: int, end: int) -> Iterator[int]:
    tail = window.at(max(start, end - _TAIL), min(_TAIL, end - start))
    text = _TEXT_AT_END.search(tail)
    if text and len(set(text[0])) >= _DISTINCT_AT_END:
        yield end - len(text[0])


def _next_restart(window: Window, start: int, end: int) -> int:
    for block in window.blocks(start, end):
        if found := _RESTART.search(block):
            return start + found.start()
        start += len(block)
        if block.endswith(b"\xff") and start < end and window.at(start, 1) in _RESTARTS:
            return start - 1
    return end
