"""How many pixels an image has, by its headers: nothing is decoded, so a bomb costs nothing.

Sources: PNG third edition, 11.2.1; ITU-T T.81, B.2.2; the WebP container and lossless specifications, RFC 6386, 9.1
(VP8); GIF89a, 18.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Final

from aurashot.images._containers import walk

if TYPE_CHECKING:
    from collections.abc import Callable

_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""JPEG's markers of a frame; the three between are tables."""


def size_of(file: BinaryIO, media_type: str) -> tuple[int, int]:
    """Return the width and height of a JPEG, PNG, WebP or GIF file in pixels, (0, 0) when it does not say.

    Of several sizes in one file (the parts of an animation, a canvas) it is the largest of each.
    """
    if media_type == "image/gif":
        file.seek(6)
        canvas = file.read(4)
        return int.from_bytes(canvas[:2], "little"), int.from_bytes(canvas[2:], "little")
    sizes = [_SIZES[media_type](part.kind, part.content) for part in walk(file, media_type)]
    known = [size for size in sizes if size is not None] or [(0, 0)]
    return max(width for width, _ in known), max(height for _, height in known)


def _png(kind: bytes, content: bytes) -> tuple[int, int] | None:
    if kind != b"IHDR":
        return None
    return int.from_bytes(content[:4]), int.from_bytes(content[4:8])


def _jpeg(kind: bytes, content: bytes) -> tuple[int, int] | None:
    if kind[0] not in _FRAMES:
        return None
    return int.from_bytes(content[3:5]), int.from_bytes(content[1:3])


def _webp(kind: bytes, content: bytes) -> tuple[int, int] | None:
    match kind:
        case b"VP8X":
            return 1 + int.from_bytes(content[4:7], "little"), 1 + int.from_bytes(content[7:10], "little")
        case b"VP8 ":
            width, height = (int.from_bytes(content[at : at + 2], "little") & 0x3FFF for at in (6, 8))
            return width, height
        case b"VP8L":
            bits = int.from_bytes(content[1:5], "little")
            return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        case _:
            return None


_SIZES: dict[str, Callable[[bytes, bytes], tuple[int, int] | None]] = {
    "image/jpeg": _jpeg,
    "image/png": _png,
    "image/webp": _webp,
}
