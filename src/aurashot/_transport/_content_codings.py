"""Content codings of downloads (RFC 9110, 8.4): an image is requested without one, and some hosts use one all the same.

As in browsers, unknown names say nothing about the bytes: storage services keep `aws-chunked` or `none` as the coding
of files that have none. Bytes are decoded in small pieces, so that the size limit bounds what they expand to, too.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any, Final, Protocol

from aurashot.errors import DownloadError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_PIECE: Final = 64 * 1024
_GIVEN: Final = 16 * 1024
_MOST_MEMBERS: Final = 10_000
"""What follows so many members of a gzip file is ignored; 100 MiB that were compressed block by block have 1,600."""
_MOST: Final = 2
"""No honest host has more codings than these around an image."""


class _Coding(Protocol):
    def pieces(self, data: bytes) -> Iterator[bytes]:
        """Decode what came next, in pieces of at most 64 KiB."""
        ...

    @property
    def is_complete(self) -> bool:
        """Whether the coded bytes came to their end."""
        ...


class _Gzip:
    """Gzip, which may have several members; what follows the last one is ignored.

    Each end of a member copies what was given and follows it, so that little is given at a time.
    """

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(31)
        self._members = _MOST_MEMBERS

    @property
    def is_complete(self) -> bool:
        return self._inner.eof

    def pieces(self, data: bytes) -> Iterator[bytes]:
        for start in range(0, len(data), _GIVEN):
            yield from self._of_members(data[start : start + _GIVEN])

    def _of_members(self, data: bytes) -> Iterator[bytes]:
        while data and self._members:
            if self._inner.eof:
                self._begin(data)
            else:
                yield from _inflated(self._inner, data)
                data = self._inner.unused_data

    def _begin(self, data: bytes) -> None:
        self._members = self._members - 1 if data.startswith(b"\x1f") else 0
        if self._members:
            self._inner = zlib.decompressobj(31)


class _Deflate:
    """Deflate, with the header of zlib (RFC 9110) or without it, as some servers send it."""

    def __init__(self) -> None:
        self._inner: Any = None
        self._begun = b""

    @property
    def is_complete(self) -> bool:
        return self._inner is not None and self._inner.eof

    def pieces(self, data: bytes) -> Iterator[bytes]:
        if self._inner is None:
            self._begun += data
            if len(self._begun) < 2:
                return
            first, second = self._begun[:2]
            has_header = first & 0x0F == 8 and (first * 256 + second) % 31 == 0
            self._inner, data = zlib.decompressobj(15 if has_header else -15), self._begun
        if not self._inner.eof:
            yield from _inflated(self._inner, data)


def _inflated(inner: Any, data: bytes) -> Iterator[bytes]:
    while True:
        piece: bytes = inner.decompress(data, _PIECE)
        if piece:
            yield piece
        data = inner.unconsumed_tail
        if inner.eof or not (data or len(piece) == _PIECE):
            return


_CODINGS: Final[Mapping[str, Callable[[], _Coding]]] = {"gzip": _Gzip, "x-gzip": _Gzip, "deflate": _Deflate}
_UNREADABLE: Final = {"br", "zstd", "compress", "x-compress", "dcb", "dcz"}
"""Codings that change the bytes, and that are not decoded here."""


def codings(headers: Mapping[str, str]) -> list[str]:
    """Return the names of the codings that change the bytes of a response, in the order in which they were applied."""
    names = (name.strip().lower() for name in headers.get("content-encoding", "").split(","))
    return [name for name in names if name in _CODINGS or name in _UNREADABLE]


class Decoding:
    """The codings of one response, undone in turn."""

    def __init__(self, names: list[str]) -> None:
        self._names = ", ".join(names)
        self._codings = [_CODINGS[name]() for name in reversed(names)]

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> Decoding | None:
        """Return how a response is decoded, or None if its bytes are those of the image.

        Raises:
            DownloadError: It has a coding that cannot be undone here.
        """
        names = codings(headers)
        if _UNREADABLE & set(names) or len(names) > _MOST:
            raise DownloadError(
                f"The image is encoded as {', '.join(names)!r}, which was not requested; open its URL in a browser"
            )
        return cls(names) if names else None

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """Decode what came next.

        Raises:
            DownloadError: The bytes are not what the header says.
        """
        try:
            yield from self._through(0, data)
        except zlib.error as problem:
            raise DownloadError(
                f"The image is not encoded as {self._names!r}, as its host says; open its URL in a browser"
            ) from problem

    def _through(self, stage: int, data: bytes) -> Iterator[bytes]:
        if stage == len(self._codings):
            yield data
            return
        for piece in self._codings[stage].pieces(data):
            yield from self._through(stage + 1, piece)

    def finish(self) -> None:
        """Check that nothing is missing.

        Raises:
            DownloadError: The encoded bytes break off.
        """
        if not all(coding.is_complete for coding in self._codings):
            raise DownloadError(
                f"The image is incomplete: its encoding as {self._names!r} breaks off; download it again"
            )
