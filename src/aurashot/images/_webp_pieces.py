"""Rewrite WebP files to what decides how they look; compressed pixels are copied byte for byte.

Of each chunk that stays, the fields that the specification gives it are written: flags for what is there, no reserved
bits, padding of zeros. Source: the WebP container specification.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aurashot.images._containers import webp_chunks
from aurashot.images._jpeg import MalformedError
from aurashot.images._profiles import LONGEST, without_texts
from aurashot.images._size import WEBP_FRAME
from aurashot.images._window import Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aurashot.images._containers import Part
    from aurashot.images._window import Piece, Window

_EXTENDED, _PROFILE, _ANIMATION, _FRAME, _ALPHA = b"VP8X", b"ICCP", b"ANIM", b"ANMF", b"ALPH"
_LOSSY, _LOSSLESS = b"VP8 ", b"VP8L"
_HAS_PROFILE, _HAS_ALPHA, _IS_ANIMATED = 0x20, 0x10, 0x02
_BLENDING: Final = 0x03
_HEAD: Final = 8


def webp_pieces(window: Window, parts: Sequence[Part]) -> Iterator[Piece]:
    """Yield a complete WebP file without metadata, piece by piece.

    Raises:
        MalformedError: It has no pixels, or a chunk is cut short.
    """
    chunks = list(_chunks(window, parts))
    size = 4 + sum(len(head) + end - start + pad for head, start, end, pad in chunks)
    yield b"RIFF" + size.to_bytes(4, "little") + b"WEBP"
    for head, start, end, pad in chunks:
        yield head
        yield Span(start, end)
        yield bytes(pad)


_Chunk = tuple[bytes, int, int, int]
"""Bytes, a span of the file that follows them, and the padding behind it."""


def _chunks(window: Window, parts: Sequence[Part]) -> Iterator[_Chunk]:
    first = parts[0] if parts else None
    if first is None or first.kind != _EXTENDED:
        yield from _image(parts[:1])
        return
    found = {part.kind: part for part in reversed(parts)}
    content = window.at(first.start + _HEAD, 10)
    is_animated = bool(content[0] & _IS_ANIMATED)
    profile = _profile(window, found.get(_PROFILE))
    flags = content[0] & (_HAS_ALPHA | _IS_ANIMATED) | (_HAS_PROFILE if profile else 0)
    yield _written(_EXTENDED, bytes([flags, 0, 0, 0]) + content[4:])
    if profile:
        yield _written(_PROFILE, profile)
    if not is_animated:
        yield from _image([part for part in parts if part.kind in {_ALPHA, _LOSSY, _LOSSLESS}])
        return
    if _ANIMATION in found:
        yield _written(_ANIMATION, window.at(found[_ANIMATION].start + _HEAD, 6))
    for part in parts:
        if part.kind == _FRAME:
            yield from _frame(window, part)


def _profile(window: Window, part: Part | None) -> bytes | None:
    if part is None or part.end - part.start > LONGEST:
        return None
    return without_texts(window.at(part.start + _HEAD, min(part.length, part.end - part.start - _HEAD)))


def _written(kind: bytes, content: bytes) -> _Chunk:
    padding = bytes(len(content) % 2)
    return kind + len(content).to_bytes(4, "little") + content + padding, 0, 0, 0


def _image(parts: Sequence[Part]) -> Iterator[_Chunk]:
    """Yield the first image of some chunks; only a lossy one has its transparency before it."""
    image = next((part for part in parts if part.kind in {_LOSSY, _LOSSLESS}), None)
    if image is None:
        raise MalformedError("it has no pixels")
    alpha = next((part for part in parts if part.kind == _ALPHA and part.start < image.start), None)
    if alpha is not None and image.kind == _LOSSY:
        yield _copied(alpha)
    yield _copied(image)


def _copied(part: Part) -> _Chunk:
    length = part.length
    if part.start + _HEAD + length > part.end:
        raise MalformedError("a chunk is cut short")
    start = part.start + _HEAD
    return part.kind + length.to_bytes(4, "little"), start, start + length, length % 2


def _frame(window: Window, part: Part) -> Iterator[_Chunk]:
    inner = list(_image(list(webp_chunks(window, part.start + WEBP_FRAME, part.end))))
    head = window.at(part.start + _HEAD, WEBP_FRAME - _HEAD)
    size = len(head) + sum(len(begin) + end - start + pad for begin, start, end, pad in inner)
    yield _FRAME + size.to_bytes(4, "little") + head[:-1] + bytes([head[-1] & _BLENDING]), 0, 0, 0
    yield from inner
