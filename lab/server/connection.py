"""A connection of the scripted server: it reads requests and executes the actions of each response."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, cast

from lab.server.responses import CLOSE, HOLD, RESET, START_TLS

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

    from lab.server.responses import Action
    from lab.server.server import Server

_ABORT: Final = struct.pack("ii", 1, 0)
"""SO_LINGER with a timeout of 0: closing the socket sends RST."""


class Request:
    """A received request. Headers are parsed on first access.

    Attributes:
        method: The HTTP method.
        path: The request target.
        body: The body, without chunk framing.
        connection: The number of the connection, starting with 1.
    """

    def __init__(self, head: bytes, body: bytes, connection: int) -> None:
        method, path, self._fields = head.split(b" ", 2)
        self.method: str = method.decode()
        self.path: str = path.decode()
        self.body = body
        self.connection = connection

    @cached_property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """Lower-case names and values, in the order received."""
        lines = self._fields.decode("latin-1").split("\r\n")[1:-2]
        pairs = (line.partition(":") for line in lines)
        return tuple((name.strip().lower(), value.strip()) for name, _, value in pairs)

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    def all(self, name: str) -> list[str]:
        """Return all values of a header."""
        return [value for known, value in self.headers if known == name]

    def header(self, name: str) -> str | None:
        """Return the value of a header that may occur once."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} occurs {len(values)} times"
        return values[0] if values else None


class Connection(asyncio.Protocol):
    """A connection. Each action waits until the client has read the data sent before.

    With a limit of 0, asyncio's TLS would count an empty buffer as full, and might never say that it is empty again.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._unread = bytearray()
        self._head = b""
        self._missing = 0
        self._actions: Iterator[Action] | None = None
        self._is_full = False
        self._is_writing = False
        self._has_responded = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the actions that precede the first request."""
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(high=1, low=0)
        self._number = self._server.opened(self)
        if self._server.greeting:
            self.transport.pause_reading()
            self._actions = iter(self._server.greeting)
            self._play()

    def connection_lost(self, exc: Exception | None) -> None:
        """Remove the connection from the server."""
        del exc
        self._server.closed(self)

    def pause_writing(self) -> None:
        """Pause the actions."""
        self._is_full = True

    def resume_writing(self) -> None:
        """Continue with the next action."""
        self._is_full = False
        if self._actions is not None and not self._is_writing:  # TLS says so within `write`
            self._play()

    def data_received(self, data: bytes) -> None:
        """Respond to each complete request."""
        self._unread += data
        self._respond()

    def _respond(self) -> None:
        while self._actions is None and (request := self._next_request()) is not None:
            actions, self._has_responded = () if self._has_responded else self._server.handle(request), False
            self._actions = iter(actions)
            self._play()

    def _next_request(self) -> Request | None:
        if not self._head:
            end = self._unread.find(b"\r\n\r\n") + 4
            if end < 4:
                return None
            self._head = bytes(self._unread[:end])
            del self._unread[:end]
            self._missing = int(header(self._head, b"content-length") or 0)
            if self._server.early:
                self._respond_early()
                return None
        body = self._body()
        if body is None:
            return None
        head, self._head = self._head, b""
        return Request(head, body, self._number)

    def _respond_early(self) -> None:
        self._has_responded = True
        self.transport.pause_reading()
        self._actions = iter(self._server.early)
        self._play()

    def _body(self) -> bytes | None:
        if header(self._head, b"transfer-encoding") == "chunked":
            return _chunked_body(self._unread)
        if self._server.discards_bodies:
            taken = min(self._missing, len(self._unread))
            self._missing -= taken
            del self._unread[:taken]
            return None if self._missing else b""
        if len(self._unread) < self._missing:
            return None
        body = bytes(self._unread[: self._missing])
        del self._unread[: self._missing]
        return body

    def _play(self) -> None:
        """Execute the actions until one has to wait."""
        for action in self._actions or ():
            if self.transport.is_closing():
                return
            if isinstance(action, bytes):
                self._is_writing = True
                self.transport.write(action)
                self._is_writing = False
                if self._is_full:
                    return
            elif isinstance(action, float | int):
                asyncio.get_running_loop().call_later(action, self._continue)
                return
            elif action is START_TLS:
                self.transport.pause_reading()
                self._server.spawn(self._start_tls(self._server.tls))
                return
            else:
                self._end(action)
                return
        self._actions = None
        if not self.transport.is_closing():
            self.transport.resume_reading()

    def _continue(self) -> None:
        self._play()
        self._respond()

    async def _start_tls(self, context: ssl.SSLContext) -> None:
        upgraded = None
        try:
            upgraded = await asyncio.get_running_loop().start_tls(self.transport, self, context, server_side=True)
        except OSError:
            pass  # the client does not trust the certificate, or has closed the connection
        finally:
            if upgraded is None:
                self._server.closed(self)  # asyncio does not call connection_lost before the handshake has finished
        if upgraded is not None:
            self.transport = upgraded
            self.transport.set_write_buffer_limits(high=1, low=0)
            self._continue()

    def _end(self, how: Action) -> None:
        if how is CLOSE:
            self.transport.close()
        elif how is RESET:
            plain = cast("socket.socket", self.transport.get_extra_info("socket"))
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
            self.transport.abort()
        elif how is HOLD:
            self.transport.resume_reading()  # to detect that the client closes the connection
        else:
            raise ValueError(f"unknown action: {how!r}")


def header(head: bytes, name: bytes) -> str:
    """Return a header of a request, empty if it is missing."""
    start = head.lower().find(b"\r\n" + name + b":")
    return head[start + len(name) + 3 :].split(b"\r\n", 1)[0].strip().decode("latin-1") if start >= 0 else ""


def _chunked_body(unread: bytearray) -> bytes | None:
    """Remove a chunked body from the buffer and return it; None if it is incomplete."""
    chunks: list[bytes] = []
    start = 0
    while (end := unread.find(b"\r\n", start)) >= 0:
        size, start = int(unread[start:end], 16), end + 2
        if len(unread) < start + size + 2:
            return None
        chunks.append(bytes(unread[start : start + size]))
        start += size + 2
        if not size:
            del unread[:start]
            return b"".join(chunks)
    return None
