"""Read a file by offsets, with a bound on the work: blocks are buffered, parts are counted, and the time is checked."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Check: TypeAlias = Callable[[], None]
"""Called now and then during long work; raises when the time for it is over."""

BLOCK: Final = 64 * 1024
SCAN: Final = 256 * 1024
"""How many bytes are searched at once."""

MOST_PARTS: Final = 4_096
"""How many parts any file may have. Photos have up to 40 and animations a few hundred; a large file may have more."""
_LEAST_PART: Final = 4_096
"""Bytes of a part of a large file: PNG encoders write pixels in chunks of 8 KiB and more."""
_LEAST_BLOCK: Final = 32
"""Bytes of a block within a part: in GIF files, they have up to 255."""
_EVERY: Final = 255


class Span(NamedTuple):
    """Bytes of a file that are copied as they are: the offset of the first, and the one behind the last."""

    start: int
    end: int


Piece: TypeAlias = bytes | Span
"""What a rewritten file consists of."""


class TooManyPartsError(ValueError):
    """A file consists of more parts than any image needs."""


def unlimited() -> None:
    """Check nothing: the work has all the time that it takes."""


class Window:
    """A file by offsets. Reading small parts one after the other costs no system call for each.

    Args:
        file: The file.
        check: Called for each block and every few hundred parts.
        parts: How many parts it may have. Default: by its size.
    """

    __slots__ = ("_blocks", "_data", "_file", "_parts", "_start", "check", "most", "size")

    def __init__(self, file: BinaryIO, check: Check = unlimited, parts: int | None = None) -> None:
        self.size: int = file.seek(0, 2)
        self.check: Check = check
        self.most: int = MOST_PARTS + self.size // _LEAST_PART if parts is None else parts
        self._parts = self.most
        self._blocks = 16 * MOST_PARTS + self.size // _LEAST_BLOCK
        self._file = file
        self._start = 0
        self._data = b""

    def at(self, offset: int, size: int) -> bytes:
        """Return bytes from an offset, fewer at the end of the file."""
        begin = offset - self._start
        if begin < 0 or begin + size > len(self._data):
            self._fill(offset, size)
            begin = 0
        return self._data[begin : begin + size]

    def rest(self, offset: int) -> bytes:
        """Return what is buffered from an offset: at least a byte, unless the file ends there."""
        if not 0 <= offset - self._start < len(self._data):
            self._fill(offset, 1)
        return self._data[offset - self._start :]

    def blocks(self, start: int, end: int, size: int = BLOCK) -> Iterator[bytes]:
        """Yield a span in blocks, fewer if the file ends before."""
        while start < end:
            self.check()
            self._file.seek(start)
            block = self._file.read(min(size, end - start))
            if not block:
                return
            yield block
            start += len(block)

    def joined(self, pieces: Iterable[Piece]) -> bytes:
        """Return the bytes of a rewritten file."""
        joined = io.BytesIO()  # gives its bytes away without a copy
        for piece in pieces:
            if isinstance(piece, bytes):
                joined.write(piece)
            else:
                joined.writelines(self.blocks(*piece, SCAN))
        return joined.getvalue()

    def consists_of(self, pieces: Iterable[Piece]) -> bool:
        """Whether the file is these pieces, and nothing else."""
        offset = 0
        for piece in pieces:
            if isinstance(piece, bytes):
                is_same, length = self.at(offset, len(piece)) == piece, len(piece)
            else:
                is_same, length = piece.start == offset, piece.end - piece.start
            if not is_same and length:
                return False
            offset += length
        return offset == self.size

    def count(self) -> None:
        """Count one part.

        Raises:
            TooManyPartsError: There are more than an image has.
        """
        self._parts -= 1
        if not self._parts & _EVERY:
            self.check()
        if self._parts < 0:
            raise TooManyPartsError(f"more than {self.most:,} parts")

    def count_blocks(self, number: int) -> None:
        """Count blocks within a part.

        Raises:
            TooManyPartsError: There are more than an image has.
        """
        self._blocks -= number
        if self._blocks < 0:
            raise TooManyPartsError(f"more than {16 * MOST_PARTS + self.size // _LEAST_BLOCK:,} blocks")

    def _fill(self, offset: int, size: int) -> None:
        self.check()
        self._file.seek(offset)
        self._start, self._data = offset, self._file.read(max(size, BLOCK))
