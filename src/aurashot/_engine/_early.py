"""Responses that arrive before the whole body is sent.

A server that refuses a large body often responds at once and closes the connection (RFC 9112, 9.6). Its system sends
RST for what it has not read, and the next write fails, while the response can still be read. A server that responds,
stops reading and does not close would block the write until the deadline. So the client reads while it sends the body.
"""

from __future__ import annotations

import re
import selectors
import ssl
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from httpcore import WriteError, WriteTimeout

from aurashot._reasons import described

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    import httpcore

LARGE: Final = 16 * 1024
"""Bytes of a request that is sent in one write which the system takes at once, so that no response precedes its end."""

READ: Final = 64 * 1024
"""Bytes of a read, and of a write between two looks for a response."""

_INTERIM: Final = rb"HTTP/1\.[01] 1\d\d[^\n]*\n(?:[^\r\n][^\n]*\n)*\r?\n"
_UNDECIDED: Final = re.compile(rb"(?:%b)*+(?:.{0,11}|HTTP/1\.[01] 1.*)" % _INTERIM, re.DOTALL)
_REFUSAL: Final = re.compile(rb"(?:%b)*+HTTP/1\.[01] [345]" % _INTERIM)


class Early:
    """What was received while a body was being sent."""

    __slots__ = ("ended", "received")

    def __init__(self) -> None:
        self.received = b""
        self.ended = False

    def add(self, data: bytes) -> None:
        """Take what was read; no bytes are the end of the stream."""
        self.received += data
        self.ended = not data

    @property
    def wanted(self) -> bool:
        """Whether more must be read to know if the body is refused."""
        return not self.ended and len(self.received) < READ and bool(_UNDECIDED.fullmatch(self.received))

    @property
    def stops(self) -> bool:
        """Whether the rest of the body is of no use: it is refused, or no response can follow."""
        return self.ended or bool(_REFUSAL.match(self.received))


def send(sock: socket.socket, data: memoryview, early: Early, left: Callable[[], float]) -> None:
    """Send through a blocking socket, plain or of TLS, and receive meanwhile.

    Raises:
        httpcore.WriteError: It cannot be sent, or need not be, since there is a response.
        httpcore.WriteTimeout: It was not sent in time.
    """
    with selectors.DefaultSelector() as selector:
        selector.register(sock, selectors.EVENT_READ | selectors.EVENT_WRITE)
        while data:
            ready = selector.select(left())
            if not ready:
                raise WriteTimeout
            _receive(sock, early, is_ready=bool(ready[0][1] & selectors.EVENT_READ))
            if early.stops:
                raise WriteError("The server has responded before the whole body was sent")
            if not early.wanted:
                selector.modify(sock, selectors.EVENT_WRITE)
            data = data[_sent(sock, data) :]


def _receive(sock: socket.socket, early: Early, *, is_ready: bool) -> None:
    sock.settimeout(0)
    with suppress(OSError):  # there is nothing, or the write fails as well
        while is_ready and early.wanted:
            early.add(sock.recv(READ))


def _sent(sock: socket.socket, data: memoryview) -> int:
    try:
        return sock.send(data[:READ])
    except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
        return 0
    except OSError as problem:
        raise WriteError(described(problem)) from problem


def has_unread(stream: httpcore.AsyncNetworkStream) -> bool:
    """Return whether bytes were received that nobody has read, where the socket no longer shows them.

    Only anyio's layers of TLS and its protocol of asyncio know, and keep it to themselves.
    """
    carrier: Any = getattr(stream, "_stream", None)
    while (below := getattr(carrier, "transport_stream", None)) is not None:
        if carrier._read_bio.pending:  # noqa: SLF001
            return True
        carrier = below
    protocol = getattr(getattr(carrier, "inner", carrier), "_protocol", None)
    return bool(getattr(protocol, "read_queue", ()))
