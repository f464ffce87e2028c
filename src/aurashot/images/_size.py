"""Where an image ends and how many pixels it has, by its headers: nothing is decoded, so a bomb costs nothing.

Sources: PNG third edition, 11.2.1 and 11.3.6; ITU-T T.81, B.2.2; the WebP container and lossless specifications, RFC
6386, 9.1 (VP8); GIF89a, 18 and 20; ISO/IEC 23008-12, 6.5.3 (the sizes of HEIC and AVIF images and of their tiles).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple

from aurashot._reasons import reason_of
from aurashot.errors import DownloadError
from aurashot.images._containers import Part, is_last, jpeg_parts, walk, webp_chunks
from aurashot.images._window import TooManyPartsError, Window, unlimited

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from aurashot.images._window import Check

_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""JPEG's markers of a frame; the three between are tables."""


class Extent(NamedTuple):
    """What the headers of a file say.

    Attributes:
        end: Where the image ends in the file; 0 if the file is cut short.
        width: The largest width of a canvas or a frame, in pixels; 0 if the file does not say.
        height: The largest height.
        pixels: Those of all frames together, or of the canvas, whichever are more.
        frames: How many frames an animation has; 1 for a still image.
    """

    end: int
    width: int
    height: int
    pixels: int
    frames: int


class _Box(NamedTuple):
    """An area of a file's canvas: the canvas itself, or one frame."""

    width: int
    height: int
    left: int = 0
    top: int = 0
    is_frame: bool = False


def extent_of(file: BinaryIO, media_type: str, check: Check = unlimited) -> Extent:
    """Return the extent of a JPEG, PNG, WebP or GIF file.

    Raises:
        TooManyPartsError: It has more parts than an image has.
    """
    window = Window(file, check)
    width = height = canvas = area = frames = end = 0
    for part in _parts(window, media_type):
        for box in _BOXES[media_type](window, part):
            width, height = max(width, box.left + box.width), max(height, box.top + box.height)
            frames += box.is_frame
            area += box.is_frame * box.width * box.height
            canvas = max(canvas, box.width * box.height)
        if is_last(part, media_type):
            end = part.end
    return Extent(end, width, height, max(canvas, area, width * height), max(frames, 1))


def check_complete(file: BinaryIO, media_type: str, check: Check = unlimited) -> Extent:
    """Check that a downloaded file is complete, and return its extent; bytes after its end are ignored.

    Raises:
        DownloadError: The file is cut short, or consists of too many parts.
    """
    try:
        extent = extent_of(file, media_type, check)
    except TooManyPartsError as error:
        raise DownloadError(
            f"The image consists of {reason_of(error)}, as no ordinary image does; it was not stored"
        ) from error
    if not extent.end:
        raise DownloadError("The image is incomplete; download it again")
    return extent


def _parts(window: Window, media_type: str) -> Iterable[Part]:
    if media_type == "image/gif":
        yield Part(b"", 6, 13, window.at(6, 4))
    yield from jpeg_parts(window, tolerant=True) if media_type == "image/jpeg" else walk(window, media_type)


def _jpeg(_: Window, part: Part) -> Iterator[_Box]:
    if part.kind[0] in _FRAMES:
        yield _Box(int.from_bytes(part.content[3:5]), int.from_bytes(part.content[1:3]))


def _png(_: Window, part: Part) -> Iterator[_Box]:
    if part.kind == b"IHDR":
        width, height = _numbers(part.content, 0, 2)
        yield _Box(width, height)
    elif part.kind == b"fcTL":
        width, height, left, top = _numbers(part.content, 4, 4)
        yield _Box(width, height, left, top, is_frame=True)


def _gif(_: Window, part: Part) -> Iterator[_Box]:
    numbers = [int.from_bytes(part.content[at : at + 2], "little") for at in (0, 2, 4, 6)]
    if not part.kind:
        yield _Box(numbers[0], numbers[1])
    elif part.kind == b",":
        left, top, width, height = numbers
        yield _Box(width, height, left, top, is_frame=True)


def _webp(window: Window, part: Part) -> Iterator[_Box]:
    content = part.content
    match part.kind:
        case b"VP8X":
            yield _Box(1 + _three(content, 4), 1 + _three(content, 7))
        case b"VP8 ":
            width, height = (int.from_bytes(content[at : at + 2], "little") & 0x3FFF for at in (6, 8))
            yield _Box(width, height)
        case b"VP8L":
            bits = int.from_bytes(content[1:5], "little")
            yield _Box(1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF))
        case b"ANMF":
            left, top = 2 * _three(content, 0), 2 * _three(content, 3)
            yield _Box(1 + _three(content, 6), 1 + _three(content, 9), left, top, is_frame=True)
            for inner in webp_chunks(window, part.start + WEBP_FRAME, part.end):
                yield from () if inner.kind == b"ANMF" else _webp(window, inner)
        case _:
            return


WEBP_FRAME: Final = 24
"""Bytes before the chunks of a frame: its own head, and where, how large and for how long it is shown."""


def _numbers(content: bytes, start: int, count: int) -> list[int]:
    return [int.from_bytes(content[at : at + 4]) for at in range(start, start + 4 * count, 4)]


def _three(content: bytes, at: int) -> int:
    return int.from_bytes(content[at : at + 3], "little")


_BOXES: Final[dict[str, Callable[[Window, Part], Iterator[_Box]]]] = {
    "image/jpeg": _jpeg,
    "image/png": _png,
    "image/webp": _webp,
    "image/gif": _gif,
}
