"""Walk the four container formats from part to part, seeking over the pixels.

A walker yields the parts of a file in order and stops early when the file is cut or broken; `is_last` says whether the
part that it stopped at closes the file. A part's span runs up to the next part.
No walker holds more than a few hundred KiB, whatever the size of the file, and none follows more parts than an image
has: work is bounded by the bytes of a file, and not by into how many parts somebody has cut them.

Sources: PNG third edition, sections 5 and 11; ITU-T T.81, annex B; the WebP container specification; GIF89a.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from aurashot.images._window import SCAN, Window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_PEEK: Final = 24

# A marker is FF and a code, before which FF may be repeated; within entropy-coded data FF 00 is a stuffed byte, and
# FF D0 to D7 are restarts (T.81, B.1.1).
_AFTER_SCAN: Final = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)
_AFTER_INTERVAL: Final = re.compile(rb"\xff[^\x00\xff]", re.DOTALL)
_RESTARTS: Final = frozenset(bytes([code]) for code in range(0xD0, 0xD8))
_INTERVAL: Final = b"\xdd"
START_OF_SCAN, _END_OF_IMAGE = b"\xda", b"\xd9"
_SEGMENTS: Final = frozenset(
    bytes([code]) for code in (*range(0xC0, 0xC8), *range(0xC9, 0xD0), *range(0xD9, 0xF0), 0xFE)
)
_IEND_CRC: Final = b"\xae\x42\x60\x82"


class Part(NamedTuple):
    """A segment (JPEG), chunk (PNG, WebP) or block (GIF): its kind, its span in bytes, and how its content begins."""

    kind: bytes
    start: int
    end: int
    content: bytes = b""
    length: int = 0
    """The length of its content that it states (WebP only: its span is padded, or ends with the file)."""


def walk(window: Window, media_type: str) -> Iterator[Part]:
    """Yield the parts of a JPEG, PNG, WebP or GIF file, after its signature.

    Raises:
        TooManyPartsError: There are more than an image has.
    """
    return _WALKERS[media_type](window)


def is_last(part: Part, media_type: str) -> bool:
    """Whether the part is the one that closes a complete file of that type."""
    return part.kind == _LAST[media_type]


def _png(window: Window) -> Iterator[Part]:
    offset = 8
    while True:
        window.count()
        head = window.at(offset, 8 + _PEEK)
        kind, content = head[4:8], head[8:]
        if len(head) < 12 or not kind.isalpha() or (kind == b"IEND" and content[:4] != _IEND_CRC):
            return
        end = offset + 12 + int.from_bytes(head[:4])
        yield Part(kind, offset, end, content)
        if kind == b"IEND":
            return
        offset = end


def jpeg_parts(window: Window, *, tolerant: bool = False) -> Iterator[Part]:
    """Yield segments that follow each other exactly; a tolerant reader, like viewers, looks for the next one.

    Without a restart interval, a restart marker ends a scan: what follows it is a part of its own, which decoders skip.
    """
    offset: int | None = 2
    marker = _AFTER_INTERVAL
    while offset is not None:
        window.count()
        head = window.at(offset, 4 + _PEEK)
        kind, length = head[1:2], int.from_bytes(head[2:4])
        if head[:2] == b"\xff\xff":
            offset = _end_of_fill(window, offset)
        elif head[:1] == b"\xff" and kind in _RESTARTS and marker is _AFTER_INTERVAL:
            following = _next_marker(window, offset + 2, marker)
            if following is not None:
                yield Part(kind, offset, following)
            offset = following
        elif head[:1] != b"\xff" or kind not in _SEGMENTS:
            offset = _next_marker(window, offset + 1, marker) if tolerant else None
        elif kind == _END_OF_IMAGE:
            yield Part(kind, offset, offset + 2)
            return
        elif length < 2:
            return
        else:
            end = offset + 2 + length
            following = _next_marker(window, end, marker) if kind == START_OF_SCAN else end
            if kind == _INTERVAL:
                marker = _AFTER_SCAN if any(head[4:6]) else _AFTER_INTERVAL
            if following is not None:
                yield Part(kind, offset, following, head[4:])
            offset = following


def _end_of_fill(window: Window, offset: int) -> int:
    """Return where the last byte of a run of FF is."""
    for block in window.blocks(offset, window.size):
        rest = block.lstrip(b"\xff")
        offset += len(block) - len(rest)
        if rest:
            break
    return offset - 1


def _next_marker(window: Window, offset: int, marker: re.Pattern[bytes]) -> int | None:
    """Return where the next marker is: near, in what is buffered, or behind a scan."""
    near = window.rest(offset)
    if found := marker.search(near):
        return offset + found.start()
    held = near[-1:]
    offset += len(near)
    for block in window.blocks(offset, window.size, SCAN):
        searched = held + block
        if found := marker.search(searched):
            return offset - len(held) + found.start()
        held = searched[-1:]
        offset += len(block)
    return None


def _webp(window: Window) -> Iterator[Part]:
    end = 8 + int.from_bytes(window.at(4, 4), "little")
    if end <= window.size:
        yield from webp_chunks(window, 12, end)
        yield Part(_LAST["image/webp"], end, end)


def webp_chunks(window: Window, offset: int, end: int) -> Iterator[Part]:
    """Yield the chunks of a span of a WebP file; of a frame, those within it are counted as well."""
    while offset < end:
        window.count()
        head = window.at(offset, 8 + _PEEK)
        length = int.from_bytes(head[4:8], "little")
        following = offset + 8 + length + length % 2
        yield Part(head[:4], offset, min(following, end), head[8:], length)
        offset = following


def _gif(window: Window) -> Iterator[Part]:
    offset = 13 + colour_table(window.at(10, 1))
    while (head := window.at(offset, 1 + _PEEK))[:1] in _GIF_BLOCKS:
        window.count()
        after = _after_sub_blocks(window, offset + _GIF_BLOCKS[head[:1]](head))
        if after is None:
            return
        yield Part(head[:1], offset, after, head[1:])
        offset = after
    if head[:1] == _LAST["image/gif"]:
        yield Part(head[:1], offset, offset + 1)


def _after_sub_blocks(window: Window, offset: int) -> int | None:
    while block := window.rest(offset):
        at, number, size = 0, 0, len(block)
        while at < size and block[at]:
            at += block[at] + 1
            number += 1
        window.count_blocks(number)
        offset += at
        if at < size:
            return offset + 1
    return None


def colour_table(flags: bytes) -> int:
    """Return the size of the table of colours in a GIF file that its flags announce, in bytes."""
    packed = int.from_bytes(flags)
    return 3 << ((packed & 7) + 1) if packed & 0x80 else 0


# How many bytes of a block come before its sub-blocks.
_GIF_BLOCKS: Final[dict[bytes, Callable[[bytes], int]]] = {
    b"!": lambda _: 2,
    b",": lambda head: 10 + colour_table(head[9:10]) + 1,
}

_WALKERS: Final[dict[str, Callable[[Window], Iterator[Part]]]] = {
    "image/jpeg": jpeg_parts,
    "image/png": _png,
    "image/webp": _webp,
    "image/gif": _gif,
}

_LAST: Final = {"image/jpeg": _END_OF_IMAGE, "image/png": b"IEND", "image/webp": b"", "image/gif": b";"}
