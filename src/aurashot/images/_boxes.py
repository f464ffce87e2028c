"""What the boxes of a HEIC or AVIF file say about its images: their sizes, and what their colours mean.

Sources: ISO/IEC 14496-12, 4.2 (boxes); ISO/IEC 23008-12, 6.5.3 (`ispe`); ISO/IEC 23001-8 (`colr` with code points).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from aurashot.images._window import Window

if TYPE_CHECKING:
    from collections.abc import Generator

_PATH = ((b"meta", 4), (b"iprp", 0), (b"ipco", 0))
"""The boxes around the properties of images, and how many bytes of each come before the boxes in it."""


def code_points(file: BinaryIO) -> dict[str, int] | None:
    """Return the code points of the primaries and the transfer that a HEIC or AVIF file states in a box.

    Raises:
        TooManyPartsError: It has more boxes than an image has.
    """
    for content in _properties(file, b"colr"):
        if content[:4] == b"nclx" and len(content) >= 8:
            return {
                "color_primaries": int.from_bytes(content[4:6]),
                "transfer_characteristics": int.from_bytes(content[6:8]),
            }
    return None


def stated_sizes(file: BinaryIO) -> list[tuple[int, int]]:
    """Return the sizes of all images in a HEIC or AVIF file, tiles of a grid included, in pixels.

    Raises:
        TooManyPartsError: It has more boxes than an image has.
    """
    return [(int.from_bytes(content[4:8]), int.from_bytes(content[8:12])) for content in _properties(file, b"ispe")]


def _properties(file: BinaryIO, wanted: bytes) -> Generator[bytes]:
    window = Window(file)
    span = (0, window.size)
    for kind, head in _PATH:
        start, end = next((box[1:] for box in _boxes(window, *span) if box[0] == kind), (0, 0))
        span = (start + head, end)
    for kind, start, end in _boxes(window, *span):
        if kind == wanted:
            yield window.at(start, min(end - start, 16))


def _boxes(window: Window, start: int, end: int) -> Generator[tuple[bytes, int, int]]:
    """Yield the boxes of a span: the kind of each, and where its content starts and ends."""
    while start + 8 <= end:
        window.count()
        head = window.at(start, 16)
        size, content = int.from_bytes(head[:4]), start + 8
        if size == 1:
            size, content = int.from_bytes(head[8:16]), start + 16
        following = start + size if size else end
        if not content <= following <= end:
            return
        yield head[4:8], content, following
        start = following
