"""The two engines: a rack of slots each, one blocking and one async."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar, cast

import anyio
import anyio.lowlevel
import httpcore

from aurashot._engine._addresses import NamedNetwork
from aurashot._engine._network import AsyncNetwork, Clock, Network
from aurashot._engine._surroundings import ssl_context

if TYPE_CHECKING:
    import ssl
    from collections.abc import (
        AsyncGenerator,
        AsyncIterable,
        Callable,
        Hashable,
        Iterable,
        Iterator,
    )

    from aurashot._deadline import Deadline
    from aurashot._engine._network import Departure

KEEP_ALIVE: Final = 1.0
"""Seconds for which an idle connection is used again.

A server that closes an idle connection just as a request goes out makes an unknown outcome of it (5 of 400 calls with
httpx's default of 5 seconds); a fresh connection costs a few milliseconds against seconds of generation.
"""


class _Slot:
    """One blocking connection to one origin."""

    def __init__(self, url: httpcore.URL, proxy: httpcore.Proxy | None, inner: httpcore.NetworkBackend) -> None:
        self.clock: Clock = Clock()
        self.address: tuple[bytes, bytes, int | None] = _address(url)
        self.idle_since: float = 0.0
        network, context = Network(self.clock, inner), _context(url)
        self.connection: httpcore.HTTPConnection | httpcore.ConnectionPool = (
            httpcore.HTTPConnection(url.origin, context, KEEP_ALIVE, network_backend=network)
            if proxy is None
            else httpcore.ConnectionPool(context, proxy, 1, keepalive_expiry=KEEP_ALIVE, network_backend=network)
        )


class _AsyncSlot:
    """One async connection to one origin."""

    def __init__(self, url: httpcore.URL, proxy: httpcore.Proxy | None, inner: httpcore.AsyncNetworkBackend) -> None:
        self.clock = Clock()
        self.address = _address(url)
        self.idle_since = 0.0
        network, context = AsyncNetwork(self.clock, inner), _context(url)
        self.connection = (
            httpcore.AsyncHTTPConnection(url.origin, context, KEEP_ALIVE, network_backend=network)
            if proxy is None
            else httpcore.AsyncConnectionPool(context, proxy, 1, keepalive_expiry=KEEP_ALIVE, network_backend=network)
        )


SlotT = TypeVar("SlotT", _Slot, _AsyncSlot)


class _Rack:
    """The idle slots of one process, and the places for more."""

    def __init__(self, limit: int) -> None:
        self.pid: int = os.getpid()
        self.idle: deque[_Slot] = deque()
        self.places: threading.BoundedSemaphore = threading.BoundedSemaphore(limit)


class _AsyncRack:
    """The idle slots of one event loop, and the places for more."""

    def __init__(self, limit: int, done: Callable[[], object]) -> None:
        self.idle: deque[_AsyncSlot] = deque()
        self.places = anyio.Semaphore(limit, fast_acquire=True)
        self.life = self._live(done)

    async def enter(self, deadline: Deadline) -> None:
        """Take a place, or wait in order for one."""
        try:
            self.places.acquire_nowait()
        except anyio.WouldBlock:
            with anyio.move_on_after(deadline.remaining) as scope:
                await self.places.acquire()
            if scope.cancelled_caught:
                raise httpcore.PoolTimeout from None

    async def _live(self, done: Callable[[], object]) -> AsyncGenerator[None]:
        """Close the idle slots at the end: an event loop ends its async generators before it closes (PEP 525)."""
        try:
            yield
        finally:
            done()
            while (slot := _pop(self.idle)) is not None:
                await _close(slot)


class Engine:
    """Carry blocking requests, each on a connection of its own.

    Args:
        limit: Connections at most; further requests wait in order, and the wait counts in their deadline.
        proxy: The proxy to go through.
        network: What makes the connections, if it is not the plain one.
    """

    is_closed: Final = False

    def __init__(
        self, limit: int, proxy: httpcore.Proxy | None = None, network: httpcore.NetworkBackend | None = None
    ) -> None:
        self._limit = limit
        self._proxy = proxy
        self._network = network or NamedNetwork()
        self._rack = _Rack(limit)

    def send(self, request: httpcore.Request, deadline: Deadline, departure: Departure | None = None) -> Reply:
        """Send one request and return the answer, its body still to be read."""
        rack = self._own_rack()
        if not rack.places.acquire(timeout=deadline.remaining):
            raise httpcore.PoolTimeout
        slot = _pop(rack.idle)
        try:
            if slot is not None and not _is_good(slot, request.url):
                slot.connection.close()
                slot = None
            slot = slot or _Slot(request.url, self._proxy, self._network)
            slot.clock.start(deadline, departure)
            return Reply(slot.connection.handle_request(request), slot, rack)
        except BaseException:
            if slot is not None:
                slot.connection.close()
            rack.places.release()
            raise

    def _own_rack(self) -> _Rack:
        if self._rack.pid != os.getpid():
            # The parent's connections are dropped, not closed: a TLS goodbye would end them for the parent too.
            self._rack = _Rack(self._limit)
        return self._rack

    def close(self) -> None:
        """Close the idle connections."""
        rack = self._own_rack()
        while (slot := _pop(rack.idle)) is not None:
            slot.connection.close()


class Reply:
    """An answer whose body is still to be read; closing it gives the slot back."""

    def __init__(self, reply: httpcore.Response, slot: _Slot, rack: _Rack) -> None:
        self.status: int = reply.status
        self.headers: dict[str, str] = headers_of(reply.headers)
        self._reply = reply
        self._slot = slot
        self._rack = rack
        self._clean = False

    def __iter__(self) -> Iterator[bytes]:
        yield from cast("Iterable[bytes]", self._reply.stream)
        self._clean = True

    def close(self) -> None:
        """Give the slot back, or throw it away unless the answer was read to its clean end."""
        try:
            self._reply.close()
            if self._clean and not _has_more(self._slot.connection):
                self._slot.idle_since = time.monotonic()
                self._rack.idle.append(self._slot)
            else:
                self._slot.connection.close()
            for slot in _expired(self._rack.idle):
                slot.connection.close()
        finally:
            self._rack.places.release()


class AsyncEngine:
    """Carry async requests, each on a connection of its own, on any number of event loops.

    Args:
        limit: Connections at most in each event loop; further requests wait in order, and the wait counts in their
            deadline.
        proxy: The proxy to go through.
        network: What makes the connections, if it is not the plain one.
    """

    is_closed: Final = False

    def __init__(
        self, limit: int, proxy: httpcore.Proxy | None = None, network: httpcore.AsyncNetworkBackend | None = None
    ) -> None:
        self._limit = limit
        self._proxy = proxy
        self._network = network or cast("httpcore.AsyncNetworkBackend", httpcore.AnyIOBackend())
        self._racks: dict[Hashable, _AsyncRack] = {}

    async def send(
        self, request: httpcore.Request, deadline: Deadline, departure: Departure | None = None
    ) -> AsyncReply:
        """Send one request and return the answer, its body still to be read."""
        rack = await self._own_rack()
        await rack.enter(deadline)
        slot = _pop(rack.idle)
        try:
            if slot is not None and not _is_good(slot, request.url):
                await _close(slot)
                slot = None
            slot = slot or _AsyncSlot(request.url, self._proxy, self._network)
            slot.clock.start(deadline, departure)
            return AsyncReply(await slot.connection.handle_async_request(request), slot, rack)
        except BaseException:
            try:
                if slot is not None:
                    await _close(slot)
            finally:
                rack.places.release()
            raise

    async def _own_rack(self) -> _AsyncRack:
        place = (os.getpid(), anyio.lowlevel.current_token())
        rack = self._racks.get(place)
        if rack is None:
            rack = self._racks[place] = _AsyncRack(self._limit, lambda: self._racks.pop(place))
            await anext(rack.life)
        return rack

    async def aclose(self) -> None:
        """Close the idle connections of this event loop."""
        rack = await self._own_rack()
        await rack.life.aclose()


class AsyncReply:
    """An answer whose body is still to be read; closing it gives the slot back."""

    def __init__(self, reply: httpcore.Response, slot: _AsyncSlot, rack: _AsyncRack) -> None:
        self.status = reply.status
        self.headers = headers_of(reply.headers)
        self._reply = reply
        self._chunks = aiter(cast("AsyncIterable[bytes]", reply.stream))
        self._slot = slot
        self._rack = rack
        self._clean = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        try:
            return await anext(self._chunks)
        except StopAsyncIteration:
            self._clean = True
            raise

    async def aclose(self) -> None:
        """Give the slot back, or throw it away unless the answer was read to its clean end."""
        try:
            with anyio.CancelScope(shield=True):
                await self._give_back()
        finally:
            self._rack.places.release()

    async def _give_back(self) -> None:
        await self._reply.aclose()
        if self._clean and not _has_more(self._slot.connection):
            self._slot.idle_since = time.monotonic()
            self._rack.idle.append(self._slot)
        else:
            await self._slot.connection.aclose()
        for slot in _expired(self._rack.idle):
            await _close(slot)


async def _close(slot: _AsyncSlot) -> None:
    with anyio.CancelScope(shield=True):
        await slot.connection.aclose()


def _pop(idle: deque[Any]) -> Any | None:
    try:
        return idle.pop()
    except IndexError:
        return None


def _expired(idle: deque[SlotT]) -> Iterator[SlotT]:
    """Take out the slots that were idle for too long; the one used last is at the right."""
    try:
        while idle[0].idle_since < time.monotonic() - KEEP_ALIVE:
            yield idle.popleft()
    except IndexError:  # there is none, or others took the last one meanwhile
        return


def _context(url: httpcore.URL) -> ssl.SSLContext | None:
    return ssl_context() if url.scheme == b"https" else None


def _address(url: httpcore.URL) -> tuple[bytes, bytes, int | None]:
    return url.scheme, url.host, url.port


def _is_good(slot: _Slot | _AsyncSlot, url: httpcore.URL) -> bool:
    """Say whether an idle slot can carry a request to an address; a proxy's connections look after themselves."""
    connection = slot.connection
    if slot.address != _address(url):
        return False
    if isinstance(connection, httpcore.ConnectionPool | httpcore.AsyncConnectionPool):
        return True
    return connection.is_available() and not connection.has_expired()


def _has_more(connection: Any) -> bool:
    """Say whether bytes came after the answer, which would be taken for the answer to the next request.

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
