"""Walk the four container formats from part to part, seeking over the pixels.

A walker yields the parts of a file in order and stops early when the file is cut or broken; `is_last` says whether the
part that it stopped at closes the file. A part's span runs up to the next part, so that copying spans copies a file.
No walker holds more than a few KiB, whatever the size of the file.

Sources: PNG third edition, sections 5 and 11; ITU-T T.81, annex B; the WebP container specification; GIF89a.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_PEEK = 24
_CHUNK = 16 * 1024

# A marker is FF and a code, before which FF may be repeated; within entropy-coded data FF 00 is a stuffed byte, and
# FF D0 to D7 are restarts (T.81, B.1.1).
_AFTER_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]", re.DOTALL)
_START_OF_SCAN, _END_OF_IMAGE = b"\xda", b"\xd9"
_SEGMENTS = frozenset(bytes([code]) for code in (*range(0xC0, 0xC8), *range(0xC9, 0xD0), *range(0xD9, 0xF0), 0xFE))
_IEND_CRC = b"\xae\x42\x60\x82"


@dataclass(frozen=True, slots=True)
class Part:
    """A segment (JPEG), chunk (PNG, WebP) or block (GIF): its kind, its span in bytes, and how its content begins."""

    kind: bytes
    start: int
    end: int
    content: bytes = b""


def walk(file: BinaryIO, media_type: str) -> Iterator[Part]:
    """Yield the parts of a JPEG, PNG, WebP or GIF file, after its signature."""
    return _WALKERS[media_type](file)


def is_last(part: Part, media_type: str) -> bool:
    """Whether the part is the one that closes a complete file of that type."""
    return part.kind == _LAST[media_type]


def _png(file: BinaryIO) -> Iterator[Part]:
    offset = 8
    while True:
        head = read_at(file, offset, 8 + _PEEK)
        kind, content = head[4:8], head[8:]
        if len(head) < 12 or not kind.isalpha() or (kind == b"IEND" and content[:4] != _IEND_CRC):
            return
        end = offset + 12 + int.from_bytes(head[:4])
        yield Part(kind, offset, end, content)
        if kind == b"IEND":
            return
        offset = end


def jpeg_parts(file: BinaryIO, *, tolerant: bool = False) -> Iterator[Part]:
    """Yield segments that follow each other exactly; a tolerant reader, like viewers, looks for the next one."""
    offset: int | None = 2
    while offset is not None:
        head = read_at(file, offset, 4 + _PEEK)
        kind, length = head[1:2], int.from_bytes(head[2:4])
        if head[:2] == b"\xff\xff":
            offset = _end_of_fill(file, offset)
        elif head[:1] != b"\xff" or kind not in _SEGMENTS:
            offset = _end_of_scan(file, offset + 1) if tolerant else None
        elif kind == _END_OF_IMAGE:
            yield Part(kind, offset, offset + 2)
            return
        elif length < 2:
            return
        else:
            end = offset + 2 + length
            following = _end_of_scan(file, end) if kind == _START_OF_SCAN else end
            if following is not None:
                yield Part(kind, offset, following, head[4:])
            offset = following


def _end_of_fill(file: BinaryIO, offset: int) -> int:
    """Return where the last byte of a run of FF is."""
    file.seek(offset)
    while chunk := file.read(_CHUNK):
        rest = chunk.lstrip(b"\xff")
        offset += len(chunk) - len(rest)
        if rest:
            break
    return offset - 1


def _end_of_scan(file: BinaryIO, offset: int) -> int | None:
    file.seek(offset)
    held = b""
    while chunk := file.read(_CHUNK):
        window = held + chunk
        if found := _AFTER_SCAN.search(window):
            return offset - len(held) + found.start()
        held = window[-1:]
        offset += len(chunk)
    return None


def _webp(file: BinaryIO) -> Iterator[Part]:
    end_of_file = file.seek(0, 2)
    end = 8 + int.from_bytes(read_at(file, 4, 4), "little")
    if end <= end_of_file:
        yield from webp_chunks(file, 12, end)
        yield Part(_LAST["image/webp"], end, end)


def webp_chunks(file: BinaryIO, offset: int, end: int) -> Iterator[Part]:
    """Yield the chunks of a span of a WebP file."""
    while offset < end:
        head = read_at(file, offset, 8 + _PEEK)
        length = int.from_bytes(head[4:8], "little")
        following = offset + 8 + length + length % 2
        yield Part(head[:4], offset, min(following, end), head[8:])
        offset = following


def _gif(file: BinaryIO) -> Iterator[Part]:
    head = read_at(file, 6, 7)
    offset = 13 + _colour_table(head[4:5])
    while (kind := read_at(file, offset, 1)) in _GIF_BLOCKS:
        after = _GIF_BLOCKS[kind](file, offset)
        if after is None:
            return
        yield Part(kind, offset, after)
        offset = after
    if kind == _LAST["image/gif"]:
        yield Part(kind, offset, offset + 1)


def _gif_extension(file: BinaryIO, offset: int) -> int | None:
    return _after_sub_blocks(file, offset + 2)


def _gif_image(file: BinaryIO, offset: int) -> int | None:
    descriptor = read_at(file, offset, 10)
    return _after_sub_blocks(file, offset + 10 + _colour_table(descriptor[9:]) + 1)


def _after_sub_blocks(file: BinaryIO, offset: int) -> int | None:
    file.seek(offset)
    while length := file.read(1):
        if length == b"\0":
            return file.tell()
        file.seek(length[0], 1)
    return None


def _colour_table(flags: bytes) -> int:
    packed = int.from_bytes(flags)
    return 3 << ((packed & 7) + 1) if packed & 0x80 else 0


def read_at(file: BinaryIO, offset: int, size: int) -> bytes:
    """Return bytes from an offset, fewer at the end of the file."""
    file.seek(offset)
    return file.read(size)


_GIF_BLOCKS: dict[bytes, Callable[[BinaryIO, int], int | None]] = {b"!": _gif_extension, b",": _gif_image}

_WALKERS: dict[str, Callable[[BinaryIO], Iterator[Part]]] = {
    "image/jpeg": jpeg_parts,
    "image/png": _png,
    "image/webp": _webp,
    "image/gif": _gif,
}

_LAST = {"image/jpeg": _END_OF_IMAGE, "image/png": b"IEND", "image/webp": b"", "image/gif": b";"}
