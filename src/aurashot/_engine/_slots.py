"""What both engines share: a slot, sync or async, and when it may be reused."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

import httpcore

from aurashot._engine._environment import check_context, ssl_context
from aurashot._engine._network import AsyncNetwork, Clock, Network

if TYPE_CHECKING:
    import ssl
    from collections import deque
    from collections.abc import Iterator

    from aurashot._engine._proxies import Proxy

KEEP_ALIVE: Final = 1.0
"""Seconds for which an idle connection is used again; after half as long again, at most, it is closed.

A server that closes an idle connection just as a request goes out makes an unknown outcome of it (5 of 400 calls with
httpx's default of 5 seconds); a fresh connection costs a few milliseconds against seconds of generation.
"""

SWEEP_INTERVAL: Final = KEEP_ALIVE / 2
"""Seconds between two looks for slots that were idle for too long."""


class Route(NamedTuple):
    """How the requests of an engine reach their servers.

    Attributes:
        proxy: The proxy to go through.
        context: The TLS context that the user gave, instead of that of the process.
    """

    proxy: Proxy | None = None
    context: ssl.SSLContext | None = None

    def tls(self, url: httpcore.URL) -> ssl.SSLContext | None:
        """Return the TLS context for a URL.

        Raises:
            ConfigurationError: The user's context does not verify certificates any more.
        """
        if url.scheme != b"https":
            return None
        return ssl_context() if self.context is None else check_context(self.context)


DIRECT: Final = Route()


class Slot:
    """One blocking connection to one origin."""

    def __init__(self, url: httpcore.URL, route: Route, inner: httpcore.NetworkBackend) -> None:
        proxy, self.clock = _by(route, url)
        self.address: tuple[bytes, bytes, int | None] = _address(url)
        self.idle_since: float = 0.0
        network, context = Network(self.clock, inner), route.tls(url)
        self.connection: httpcore.HTTPConnection | httpcore.ConnectionPool = (
            httpcore.HTTPConnection(url.origin, context, KEEP_ALIVE, network_backend=network)
            if proxy is None
            else httpcore.ConnectionPool(context, proxy, 1, keepalive_expiry=KEEP_ALIVE, network_backend=network)
        )


class AsyncSlot:
    """One async connection to one origin."""

    def __init__(self, url: httpcore.URL, route: Route, inner: httpcore.AsyncNetworkBackend) -> None:
        proxy, self.clock = _by(route, url)
        self.address = _address(url)
        self.idle_since = 0.0
        self.network = network = AsyncNetwork(self.clock, inner)
        context = route.tls(url)
        self.connection = (
            httpcore.AsyncHTTPConnection(url.origin, context, KEEP_ALIVE, network_backend=network)
            if proxy is None
            else httpcore.AsyncConnectionPool(context, proxy, 1, keepalive_expiry=KEEP_ALIVE, network_backend=network)
        )


SlotT = TypeVar("SlotT", Slot, AsyncSlot)


def pop(idle: deque[Any]) -> Any | None:
    try:
        return idle.pop()
    except IndexError:
        return None


def expired(idle: deque[SlotT]) -> Iterator[SlotT]:
    """Take out the slots that were idle for too long; the one used last is at the right."""
    try:
        while idle[0].idle_since < time.monotonic() - KEEP_ALIVE:
            yield idle.popleft()
    except IndexError:  # there is none, or others took the last one meanwhile
        return


def _by(route: Route, url: httpcore.URL) -> tuple[httpcore.Proxy | None, Clock]:
    """Return the proxy of a route, and the clock of a connection by that route."""
    proxy = None if route.proxy is None else route.proxy.inner
    return proxy, Clock(_tls_layers(url, proxy), None if route.proxy is None else route.proxy.authorization)


def _tls_layers(url: httpcore.URL, proxy: httpcore.Proxy | None) -> int:
    return (url.scheme == b"https") + (proxy is not None and proxy.url.scheme == b"https")


def _address(url: httpcore.URL) -> tuple[bytes, bytes, int | None]:
    return url.scheme, url.host, url.port


def is_reusable(slot: Slot | AsyncSlot, url: httpcore.URL) -> bool:
    """Return whether an idle slot can carry a request to an origin; a proxy's connections check that themselves."""
    connection = slot.connection
    if slot.address != _address(url):
        return False
    if isinstance(connection, httpcore.ConnectionPool | httpcore.AsyncConnectionPool):
        return True
    return connection.is_available() and not connection.has_expired()


def has_trailing_data(connection: Any) -> bool:
    """Return whether bytes followed the response, which would be taken for the response to the next request.

    Only h11 knows, and httpcore keeps it to itself. Where it cannot be asked, the connection is not used again.
    """
    if isinstance(connection, httpcore.ConnectionPool | httpcore.AsyncConnectionPool):
        connection = next(iter(connection.connections), None)
    while (inner := getattr(connection, "_connection", None)) is not None:
        connection = inner
    protocol = getattr(connection, "_h11_state", None)
    return protocol is None or bool(protocol.trailing_data[0])


def headers_of(raw: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return headers by name in lower case; those that came several times are joined, as RFC 9110 (5.3) has it."""
    headers: dict[str, str] = {}
    for name, value in raw:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers
