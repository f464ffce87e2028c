"""Network streams that respect the deadline of the call that holds them.

A per-read timeout does not bound a call: a server that sends one byte a second never lets it expire. Here every read
and write gets what is left of the call's own time, and a connection attempt gets no more than `CONNECT_TIMEOUT`.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

import httpcore

from aurashot._engine._early import LARGE, Early, has_unread, send
from aurashot._hidden import HIDDEN

if TYPE_CHECKING:
    import ssl
    from contextlib import AbstractContextManager

    from aurashot._deadline import Deadline
    from aurashot._engine._addresses import SocketOptions
    from aurashot._hidden import Secret

CONNECT_TIMEOUT: Final = 10.0
"""Seconds for one attempt to connect, so that a dead address leaves time for another attempt."""

OUTGOING: Final = "aurashot.outgoing"
"""The extension of a request that has its `Outgoing`: a mock in the place of a connection keeps its deadline, and calls
`before_send`, as the network stream does."""


class Outgoing(Protocol):
    """A request that is to be sent."""

    @property
    def deadline(self) -> Deadline:
        """The deadline of the call."""
        ...

    @property
    def authorization(self) -> Secret | None:
        """What is sent as Authorization; in the request, `HIDDEN` stands for it."""
        ...

    def request(self) -> AbstractContextManager[httpcore.Request]:
        """Give the request once there is a connection for it; a file that it is read from is open meanwhile."""
        ...

    def before_send(self) -> None:
        """Note that bytes of the request are about to be sent.

        From here on the request may be billed. If this raises, nothing is sent.
        """
        ...


class Clock:
    """The time of whatever holds the slot now.

    Args:
        tls_layers: How many TLS handshakes precede a request: with the proxy, with the service, or with both. What is
            written before them (a proxy's CONNECT) is no part of a request.
        proxy_authorization: What is sent to the proxy as Proxy-Authorization.
    """

    __slots__ = ("_proxy_authorization", "outgoing", "tls_layers")

    outgoing: Outgoing

    def __init__(self, tls_layers: int, proxy_authorization: Secret | None = None) -> None:
        self.tls_layers: int = tls_layers
        self._proxy_authorization = proxy_authorization

    def left(self, over: type[httpcore.TimeoutException]) -> float:
        """Return the seconds that are left, or raise the right kind of timeout when none are."""
        seconds = self.outgoing.deadline.remaining
        if not seconds:
            raise over
        return seconds

    def before_send(self, tls_layers: int) -> None:
        """Note that bytes are about to be sent inside so many layers of TLS: a request's, or those of a proxy."""
        if tls_layers == self.tls_layers:
            self.outgoing.before_send()

    def signed(self, head: bytes, tls_layers: int) -> bytes:
        """Return the head of a request, or of a proxy's CONNECT, with its secret in it."""
        if tls_layers == self.tls_layers:
            return _with(self.outgoing.authorization, b"\r\nAuthorization: ", head)
        return _with(self._proxy_authorization, b"\r\nProxy-Authorization: ", head)

    def to_connect(self) -> float:
        """Return the seconds that one attempt to connect may take."""
        return min(CONNECT_TIMEOUT, self.left(httpcore.ConnectTimeout))


def _with(secret: Secret | None, name: bytes, head: bytes) -> bytes:
    if secret is None:
        return head
    return head.replace(name + HIDDEN + b"\r\n", name + secret.reveal() + b"\r\n", 1)


class _Head:
    """The head of a request, held until the write that follows it, so that both are sent in one write.

    httpcore writes the head of a request, then each chunk of its body, then its end, which is empty unless the body has
    no length. The head and the first chunk together take one system call and one TLS record instead of two, and a
    request whose body cannot be read is not sent at all.
    """

    __slots__ = ("_held", "_is_next")

    def __init__(self) -> None:
        self._held = b""
        self._is_next = True

    def followed(self, data: bytes) -> tuple[bytes, bytes]:
        """Take what httpcore writes next, and return what to send now: a head, if there is one, and what follows it."""
        if self._is_next:
            self._held, self._is_next = data, False
            return b"", b""
        held, self._held = self._held, b""
        return held, data

    def sent(self) -> None:
        """Expect the head of another request: the response to this one is being read."""
        self._is_next = True


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream, clock: Clock, tls_layers: int = 0) -> None:
        self._inner = inner
        self._clock = clock
        self._tls_layers = tls_layers
        self._head = _Head()
        self._early: Early | None = None
        self._has_sent = False

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self._head.sent()
        early, self._early, self._has_sent = self._early, None, False
        if early is not None and early.received:
            return early.received
        return self._inner.read(max_bytes, self._clock.left(httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._send(*self._head.followed(buffer))

    def _send(self, head: bytes, body: bytes) -> None:
        if head or body:
            left = self._clock.left(httpcore.WriteTimeout)
            self._clock.before_send(self._tls_layers)
            data = memoryview(self._clock.signed(head, self._tls_layers) + body if head else body)
            is_first, self._has_sent = not self._has_sent, True
            if is_first and len(data) <= LARGE:
                self._inner.write(cast("bytes", data), left)
            else:
                self._send_body(data, left)

    def _send_body(self, data: memoryview, left: float) -> None:
        sock = self._inner.get_extra_info("socket")
        if self._tls_layers > 1 or not isinstance(sock, socket.socket):
            self._inner.write(cast("bytes", data), left)  # TLS in TLS has no socket of its own
            return
        self._early = self._early or Early()
        send(sock, data, self._early, lambda: self._clock.left(httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = self._clock.to_connect()
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, left), self._clock, self._tls_layers + 1)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _AsyncStream(httpcore.AsyncNetworkStream):
    def __init__(self, inner: httpcore.AsyncNetworkStream, clock: Clock, tls_layers: int = 0) -> None:
        self._inner = inner
        self._clock = clock
        self._tls_layers = tls_layers
        self._head = _Head()
        self._early: Early | None = None
        self._has_sent = False

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self._head.sent()
        early, self._early, self._has_sent = self._early, None, False
        if early is not None and early.received:
            return early.received
        return await self._inner.read(max_bytes, self._clock.left(httpcore.ReadTimeout))

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await self._send(*self._head.followed(buffer))

    async def _send(self, head: bytes, body: bytes) -> None:
        if head or body:
            left = self._clock.left(httpcore.WriteTimeout)
            self._clock.before_send(self._tls_layers)
            data = memoryview(self._clock.signed(head, self._tls_layers) + body if head else body)
            is_first, self._has_sent = not self._has_sent, True
            if is_first and len(data) <= LARGE:
                await self._inner.write(cast("bytes", data), left)
            else:
                await self._send_body(data, left)

    async def _send_body(self, data: memoryview, left: float) -> None:
        from aurashot._engine._lasting import lasting, send_async

        carrier = lasting(self._inner)
        if carrier is None:
            await self._inner.write(cast("bytes", data), left)
            return
        self._early = self._early or Early()
        await send_async(self._inner, carrier, data, self._early, left)

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        left = self._clock.to_connect()
        inner = await self._inner.start_tls(ssl_context, server_hostname, left)
        return _AsyncStream(inner, self._clock, self._tls_layers + 1)

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable" and has_unread(self._inner):
            return True
        return self._inner.get_extra_info(info)


class Network(httpcore.NetworkBackend):
    """Blocking connections that keep to a clock."""

    def __init__(self, clock: Clock, inner: httpcore.NetworkBackend) -> None:
        self._inner = inner
        self._clock = clock

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: SocketOptions = None,
    ) -> httpcore.NetworkStream:
        """Connect, within what is left of the call."""
        left = self._clock.to_connect()
        return _Stream(self._inner.connect_tcp(host, port, left, local_address, socket_options), self._clock)


class AsyncNetwork(httpcore.AsyncNetworkBackend):
    """Async connections, on asyncio and trio, that keep to a clock."""

    def __init__(self, clock: Clock, inner: httpcore.AsyncNetworkBackend) -> None:
        self._inner = inner
        self._clock = clock
        self._connected: httpcore.AsyncNetworkStream | None = None

    def free(self) -> None:
        """Close the socket of an event loop that is closed already; a transport closes it only while the loop runs."""
        wrapper = None if self._connected is None else self._connected.get_extra_info("socket")
        own = getattr(wrapper, "_sock", None)  # asyncio wraps the socket in an object that cannot close it
        if own is not None:
            own.close()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: SocketOptions = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect, within what is left of the call."""
        left = self._clock.to_connect()
        self._connected = await self._inner.connect_tcp(host, port, left, local_address, socket_options)
        return _AsyncStream(self._connected, self._clock)
