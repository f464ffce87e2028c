"""Async connections that can be read after a write has failed.

asyncio closes a socket whose write has failed, with all that was not read, and TLS of anyio and trio is unusable once a
write was lost. So the response of a server that refuses a body and closes the connection would be lost with it.
"""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, cast

import anyio
import anyio.abc
from anyio.streams.tls import TLSStream
from httpcore import WriteError

from aurashot._engine._early import LARGE, READ
from aurashot._reasons import described

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    import httpcore

    from aurashot._engine._early import Early

_PATIENCE: Final = 0.002
"""Seconds to read what is known to be there; TLS may have sent something that is no part of a response."""


class LastingStream(anyio.abc.ByteStream):
    """A connection of anyio that can be read after a write of a request's body has failed.

    A second descriptor of the socket, until the response arrives, keeps what asyncio has not read. A failed write
    returns, and `has_failed` says so, since TLS above it could not be read either if it raised.
    """

    def __init__(self, inner: anyio.abc.ByteStream) -> None:
        self.inner = inner
        self.has_sent = False
        self._is_sending = False
        self._spare: socket.socket | None = None
        self._sending = anyio.CancelScope()
        self.has_failed = False

    @property
    def extra_attributes(self) -> Mapping[Any, Callable[[], Any]]:
        """The attributes of the connection."""
        attributes: Mapping[Any, Callable[[], Any]] = cast("Any", self.inner).extra_attributes
        return attributes

    async def receive(self, max_bytes: int = 65536) -> bytes:
        """Receive, also what had arrived before the connection failed."""
        try:
            data = await self.inner.receive(max_bytes)
        except (anyio.BrokenResourceError, anyio.EndOfStream):
            data = self._left(max_bytes)
            if not data:
                raise
        if not (self._is_sending or self.has_failed):
            self.has_sent = False
            self._close_spare()
        return data

    def _left(self, max_bytes: int) -> bytes:
        try:
            return b"" if self._spare is None else self._spare.recv(max_bytes)
        except OSError:
            return b""

    async def send(self, item: bytes) -> None:
        """Send; a write that follows another one, or is large, returns when it fails."""
        is_first, self.has_sent = not self.has_sent, True
        if is_first and len(item) <= LARGE:
            await self.inner.send(item)
        elif not self.has_failed:
            await self._send_lasting(item)

    async def _send_lasting(self, item: bytes) -> None:
        if self._spare is None:
            self._spare = _duplicate(self.inner)
        self._is_sending, is_sent = True, False
        with anyio.CancelScope() as self._sending, suppress(anyio.BrokenResourceError):
            await self.inner.send(item)
            is_sent = True
        self._is_sending, self.has_failed = False, not is_sent

    def stop(self) -> None:
        """End a write that is waiting, as one that has failed."""
        self._sending.cancel()

    def _close_spare(self) -> None:
        spare, self._spare = self._spare, None
        if spare is not None:
            spare.close()

    async def send_eof(self) -> None:
        """Send the end."""
        await self.inner.send_eof()

    async def aclose(self) -> None:
        """Close the connection."""
        self._close_spare()
        await self.inner.aclose()


def _duplicate(stream: anyio.abc.ByteStream) -> socket.socket | None:
    sock: Any = stream.extra(anyio.abc.SocketAttribute.raw_socket, None)  # noqa: S610  # this is not Django
    try:
        return None if sock is None else socket.fromfd(sock.fileno(), sock.family, sock.type)
    except OSError:  # no more descriptors
        return None


def lasting(stream: httpcore.AsyncNetworkStream) -> LastingStream | None:
    """Return what carries a stream of httpcore's anyio backend, below its layers of TLS, made lasting; or None."""
    holder, name = cast("Any", stream), "_stream"
    while isinstance(carrier := getattr(holder, name, None), TLSStream):
        holder, name = carrier, "transport_stream"
    if isinstance(carrier, anyio.abc.SocketStream):
        carrier = LastingStream(carrier)
        setattr(holder, name, carrier)
    return carrier if isinstance(carrier, LastingStream) else None


def keep_readable(stream: httpcore.AsyncNetworkStream) -> None:
    """Let a new connection of httpx's own transport be read after a write has failed."""
    carrier: Any = getattr(stream, "_stream", None)
    if lasting(stream) is None and hasattr(carrier, "send_all"):
        carrier.send_all = _tolerant(carrier.send_all)


def _tolerant(send_all: Callable[[bytes], Awaitable[None]]) -> Callable[[bytes], Awaitable[None]]:
    """Let trio's `send_all` return when it fails, since TLS above it could not be read if it raised."""
    import trio

    async def send(data: bytes) -> None:
        with suppress(trio.BrokenResourceError):  # whoever reads then learns it
            await send_all(data)

    return send


async def send_async(
    stream: httpcore.AsyncNetworkStream, carrier: LastingStream, data: memoryview, early: Early, left: float
) -> None:
    """Send through a stream of httpcore's anyio backend, and receive meanwhile.

    Raises:
        httpcore.WriteError: It cannot be sent, or need not be, since there is a response.
        httpcore.WriteTimeout: It was not sent in time.
    """

    async def receive(seconds: float) -> None:
        with suppress(Exception):  # the write fails as well, or whoever reads the response fails
            while early.wanted:
                early.add(await stream.read(READ, seconds))
        if early.stops:
            carrier.stop()

    failure: Exception | None = None
    carrier.has_sent = True
    if early.wanted and stream.get_extra_info("is_readable"):
        await receive(min(_PATIENCE, left))
    if not early.stops:
        async with anyio.create_task_group() as group:
            group.start_soon(receive, left)
            try:
                await stream.write(cast("bytes", data), left)
            except (anyio.EndOfStream, ssl.SSLError) as problem:  # TLS has ended: there may be a response all the same
                failure = WriteError(described(problem))
            except Exception as problem:  # noqa: BLE001  # it is raised below, alone instead of in a group
                failure = problem
            group.cancel_scope.cancel()
    if failure is not None:
        raise failure
    if early.stops or carrier.has_failed:
        raise WriteError("The server has responded or closed the connection before the whole body was sent")
