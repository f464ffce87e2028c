"""Rewrite PNG files to what decides how they look; compressed pixels are copied byte for byte.

Of each chunk that stays, the fields that the standard gives it are written, with a check sum of its own. Compressed
pixels are decompressed, to find where they end: what follows them, in the chunks or in the compressed data, goes. So do
frames that an animation does not count. Source: PNG third edition, sections 5 and 11.
"""

from __future__ import annotations

import zlib
from itertools import chain, count, groupby
from typing import TYPE_CHECKING, Any, BinaryIO, Final, NamedTuple

from aurashot.images._containers import walk
from aurashot.images._jpeg import MalformedError
from aurashot.images._profiles import LONGEST, without_texts
from aurashot.images._window import Span, Window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence, Set as AbstractSet

    from aurashot.images._containers import Part
    from aurashot.images._window import Piece

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_PALETTE: Final = 3
_CHANNELS: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_DEPTHS: Final = {1, 2, 4, 8, 16}
_PROFILE_NAME: Final = b"icc\0\0"

# First column and row of each pass of an interlaced image, and the steps between columns and rows.
_PASSES: Final = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))

_ANY: Final = (0, 2, 3, 4, 6)
# The length of each chunk by the colour type of the image: of chunks with another length, and for other colour types,
# nothing stays. A palette and its transparency have up to 256 entries.
_KEPT: Final[dict[bytes, dict[int, int]]] = {
    b"gAMA": dict.fromkeys(_ANY, 4),
    b"cHRM": dict.fromkeys(_ANY, 32),
    b"sRGB": dict.fromkeys(_ANY, 1),
    b"cICP": dict.fromkeys(_ANY, 4),
    b"mDCV": dict.fromkeys(_ANY, 24),
    b"cLLI": dict.fromkeys(_ANY, 8),
    b"pHYs": dict.fromkeys(_ANY, 9),
    b"sBIT": {0: 1, 2: 3, 3: 3, 4: 2, 6: 4},
    b"bKGD": {0: 2, 2: 6, 3: 1, 4: 2, 6: 6},
    b"tRNS": {0: 2, 2: 6},
}
_COLOURS: Final = frozenset((b"cHRM", b"cICP", b"cLLI", b"gAMA", b"iCCP", b"mDCV", b"sRGB"))
_HEADER_END: Final = 33
_CONTROL: Final = 26
_AROUND: Final = 12
"""Bytes of a chunk around its content."""
_MOST_COLOURS: Final = 256
_PIECE: Final = 256 * 1024


class _Header(NamedTuple):
    """What the first chunk says."""

    width: int
    height: int
    depth: int
    colour: int
    interlaced: int

    def raw_size(self, width: int, height: int) -> int:
        """Return the size of so many pixels, decompressed: each row has a byte for its filter."""
        bits = self.depth * _CHANNELS[self.colour]
        areas = [(width, height)]
        if self.interlaced:
            areas = [(-(-(width - x) // dx), -(-(height - y) // dy)) for x, y, dx, dy in _PASSES]
        return sum(rows * (1 + -(-columns * bits // 8)) for columns, rows in areas if columns > 0 < rows)


def png_pieces(window: Window, parts: Sequence[Part]) -> Iterator[Piece]:
    """Yield a complete PNG file without metadata, piece by piece.

    Raises:
        MalformedError: Its header or its pixels are not what the format says.
    """
    return _Writer(window, parts).pieces()


def colour_chunks(file: BinaryIO) -> bytes:
    """Return the chunks of a PNG file that say what its colours mean.

    Raises:
        MalformedError: Its header is not what the format says.
    """
    return chosen_chunks(file, _COLOURS)


def chosen_chunks(file: BinaryIO, kinds: AbstractSet[bytes]) -> bytes:
    """Return the chunks of some kinds, as they are written without metadata.

    Raises:
        MalformedError: The header of the file is not what the format says.
    """
    window = Window(file)
    first, *others = walk(window, "image/png")
    writer = _Writer(window, [first, *(part for part in others if part.kind in kinds)])
    return window.joined(writer.pieces())[_HEADER_END:]


class _Writer:
    """Writes one file; of chunks that may be there once, the first counts."""

    def __init__(self, window: Window, parts: Sequence[Part]) -> None:
        self._window = window
        self._runs = [list(run) for _, run in groupby(parts, key=lambda part: part.kind)]
        self._header = _header(window, parts)
        self._done: set[bytes] = set()
        self._colours = 0
        self._frames_left = 0
        self._numbers = count()
        self._frame: tuple[int, int] | None = None
        self._writers: dict[bytes, Callable[[Sequence[Part]], Iterator[Piece]]] = {
            b"IDAT": self._pixels,
            b"fdAT": self._frame_pixels,
            b"acTL": self._animation,
            b"fcTL": self._control,
            b"PLTE": self._palette,
            b"tRNS": self._transparency,
            b"iCCP": self._profile,
            b"IEND": lambda _: iter([_chunk(b"IEND", b"")]),
        }

    def pieces(self) -> Iterator[Piece]:
        yield _SIGNATURE + _chunk(b"IHDR", self._window.at(16, 13))
        for run in self._runs[1:]:
            kind = run[0].kind
            if kind not in self._done:
                yield from self._writers.get(kind, self._small)(run)
            if kind not in _REPEATED:
                self._done.add(kind)

    def _pixels(self, run: Sequence[Part]) -> Iterator[Piece]:
        size = self._header.raw_size(self._header.width, self._header.height)
        yield from _compressed(self._window, run, size, lambda: b"", 0)
        self._frame = None

    def _frame_pixels(self, run: Sequence[Part]) -> Iterator[Piece]:
        if self._frame is not None:
            yield from _compressed(self._window, run, self._header.raw_size(*self._frame), self._number, 4)
        self._frame = None

    def _animation(self, run: Sequence[Part]) -> Iterator[bytes]:
        content = self._window.at(run[0].start + 8, 8)
        if b"IDAT" not in self._done and run[0].end - run[0].start >= _AROUND + 8:
            self._frames_left = int.from_bytes(content[:4])
            yield _chunk(b"acTL", content)

    def _control(self, run: Sequence[Part]) -> Iterator[bytes]:
        content = self._window.at(run[-1].start + 8, _CONTROL)
        self._frame = None
        if self._frames_left and run[-1].end - run[-1].start >= _AROUND + _CONTROL:
            self._frames_left -= 1
            self._frame = int.from_bytes(content[4:8]), int.from_bytes(content[8:12])
            yield _chunk(b"fcTL", self._number() + content[4:])

    def _palette(self, run: Sequence[Part]) -> Iterator[bytes]:
        """Keep as many colours as pixels can name; for images without a palette, it is a suggestion only."""
        if self._header.colour == _PALETTE:
            content = self._window.at(
                run[0].start + 8, min(run[0].end - run[0].start - _AROUND, 3 << self._header.depth)
            )
            self._colours = len(content) // 3
            yield _chunk(b"PLTE", content[: 3 * self._colours])

    def _transparency(self, run: Sequence[Part]) -> Iterator[bytes]:
        if self._header.colour != _PALETTE:
            yield from self._small(run)
        elif (content := self._sound(run[0], _MOST_COLOURS)) is not None:
            yield _chunk(b"tRNS", content[: self._colours])

    def _profile(self, run: Sequence[Part]) -> Iterator[bytes]:
        content = self._sound(run[0], LONGEST)
        if content is None:
            return
        compressed = content.partition(b"\0")[2][1:]
        try:
            profile = without_texts(zlib.decompressobj().decompress(compressed, LONGEST))
        except zlib.error:
            return
        if profile:
            yield _chunk(b"iCCP", _PROFILE_NAME + zlib.compress(profile))

    def _small(self, run: Sequence[Part]) -> Iterator[bytes]:
        length = _KEPT.get(run[0].kind, {}).get(self._header.colour, -1)
        content = self._sound(run[0], length)
        if content is not None and len(content) == length:
            yield _chunk(run[0].kind, content)

    def _sound(self, part: Part, longest: int) -> bytes | None:
        """Return the content of a chunk; None if decoders skip it, as it is too long or its check sum is wrong."""
        length = part.end - part.start - _AROUND
        if not 0 <= length <= longest:
            return None
        content = self._window.at(part.start + 8, length + 4)
        sound = content[-4:] == zlib.crc32(part.kind + content[:-4]).to_bytes(4)
        return content[:-4] if sound else None

    def _number(self) -> bytes:
        return next(self._numbers).to_bytes(4)


def _header(window: Window, parts: Sequence[Part]) -> _Header:
    content = window.at(16, 13)
    if len(content) < 13 or not parts or parts[0].kind != b"IHDR" or parts[0].end != 8 + _AROUND + 13:
        raise MalformedError("its header is broken")
    width, height = int.from_bytes(content[:4]), int.from_bytes(content[4:8])
    depth, colour, compression, filtering, interlaced = content[8:]
    if depth not in _DEPTHS or colour not in _CHANNELS or compression or filtering or interlaced > 1:
        raise MalformedError("its header is broken")
    return _Header(width, height, depth, colour, interlaced)


def _compressed(
    window: Window, run: Sequence[Part], size: int, prefix: Callable[[], bytes], skip: int
) -> Iterator[Piece]:
    """Yield the chunks of an image of a size: those of the file, without what follows the end of the pixels."""
    spans = [(part.start + 8 + skip, part.end - 4) for part in run]
    used = _used(window, spans, size)
    if used is None:
        for data in _again(window, spans, size):
            yield _chunk(run[0].kind, prefix() + data)
        return
    for start, end in spans:
        length = min(used, end - start)
        used -= length
        if length:
            head = run[0].kind + prefix()
            yield (len(head) - 4 + length).to_bytes(4) + head
            check_sum = zlib.crc32(head)
            for block in window.blocks(start, start + length):
                check_sum = zlib.crc32(block, check_sum)
            yield Span(start, start + length)
            yield check_sum.to_bytes(4)


def _used(window: Window, spans: Sequence[tuple[int, int]], size: int) -> int | None:
    """Return how many bytes of some spans the compressed pixels take; None if more than those are compressed."""
    inflating, used, left = zlib.decompressobj(), 0, size
    for block in _blocks(window, spans):
        for data in _inflated(inflating, block):
            left -= len(data)
            if left < 0:
                return None
        used += len(block) - len(inflating.unused_data)
        if inflating.eof:
            break
    if left or not inflating.eof:
        raise MalformedError("its pixels are cut short")
    return used


def _again(window: Window, spans: Sequence[tuple[int, int]], size: int) -> Iterator[bytes]:
    """Compress the pixels anew, without what was compressed behind them."""
    inflating, deflating = zlib.decompressobj(), zlib.compressobj()
    for block in _blocks(window, spans):
        for data in _inflated(inflating, block):
            if compressed := deflating.compress(data[:size]):
                yield compressed
            size -= min(size, len(data))
        if not size:
            break
    yield deflating.flush()


def _blocks(window: Window, spans: Sequence[tuple[int, int]]) -> Iterator[bytes]:
    return chain.from_iterable(window.blocks(start, end) for start, end in spans)


def _inflated(inflating: Any, data: bytes) -> Iterator[bytes]:
    try:
        while True:
            piece: bytes = inflating.decompress(data, _PIECE)
            yield piece
            data = inflating.unconsumed_tail
            if inflating.eof or not (data or len(piece) == _PIECE):
                return
    except zlib.error as error:
        raise MalformedError("its pixels are not compressed as they should be") from error


def _chunk(kind: bytes, content: bytes) -> bytes:
    return len(content).to_bytes(4) + kind + content + zlib.crc32(kind + content).to_bytes(4)


_REPEATED: Final = {b"fcTL", b"fdAT"}
