"""The two transports: a rack of slots each, one blocking and one async."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import anyio
import anyio.lowlevel
import httpcore
import httpx

from aurashot._engine._network import AsyncNetwork, Clock, Network
from aurashot._engine._surroundings import ssl_context

if TYPE_CHECKING:
    from collections.abc import (
        AsyncGenerator,
        AsyncIterable,
        AsyncIterator,
        Callable,
        Hashable,
        Iterable,
        Iterator,
    )

    from aurashot._deadline import Deadline

KEEP_ALIVE: Final = 1.0
"""Seconds for which an idle connection is used again.

A server that closes an idle connection just as a request goes out makes an unknown outcome of it (5 of 400 calls with
httpx's default of 5 seconds); a fresh connection costs a few milliseconds against seconds of generation.
"""

DEADLINE: Final = "aurashot.deadline"
"""The request extension that carries the call's `Deadline`."""


class _Slot:
    """One blocking connection."""

    def __init__(self, proxy: httpcore.Proxy | None) -> None:
        self.clock = Clock()
        self.idle_since = 0.0
        self.pool = httpcore.ConnectionPool(
            ssl_context=ssl_context(),
            proxy=proxy,
            max_connections=1,
            keepalive_expiry=KEEP_ALIVE,
            network_backend=Network(self.clock),
        )


class _AsyncSlot:
    """One async connection."""

    def __init__(self, proxy: httpcore.Proxy | None) -> None:
        self.clock = Clock()
        self.idle_since = 0.0
        self.pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl_context(),
            proxy=proxy,
            max_connections=1,
            keepalive_expiry=KEEP_ALIVE,
            network_backend=AsyncNetwork(self.clock),
        )


SlotT = TypeVar("SlotT", _Slot, _AsyncSlot)


class _Rack:
    """The idle slots of one process, and the places for more."""

    def __init__(self, limit: int) -> None:
        self.pid = os.getpid()
        self.idle: deque[_Slot] = deque()
        self.places = threading.BoundedSemaphore(limit)


class _AsyncRack:
    """The idle slots of one event loop, and the places for more."""

    def __init__(self, limit: int, done: Callable[[], object]) -> None:
        self.idle: deque[_AsyncSlot] = deque()
        self.places = anyio.Semaphore(limit)
        self.life = self._live(done)

    async def _live(self, done: Callable[[], object]) -> AsyncGenerator[None]:
        """Close the idle slots at the end: an event loop ends its async generators before it closes (PEP 525)."""
        try:
            yield
        finally:
            done()
            while (slot := _pop(self.idle)) is not None:
                await _close(slot)


class SlotTransport(httpx.BaseTransport):
    """Carry blocking requests, each on a connection of its own.

    Args:
        limit: Connections at most; further requests wait in order, and the wait counts in their deadline.
        proxy: The proxy to go through.
    """

    def __init__(self, limit: int, proxy: httpcore.Proxy | None = None) -> None:
        self._limit = limit
        self._proxy = proxy
        self._rack = _Rack(limit)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request and return the answer, its body still to be read."""
        rack = self._own_rack()
        deadline: Deadline | None = request.extensions.get(DEADLINE)
        if not rack.places.acquire(timeout=deadline.remaining if deadline else None):
            raise httpcore.PoolTimeout
        slot = _pop(rack.idle) or _Slot(self._proxy)
        slot.clock.deadline = deadline
        try:
            reply = slot.pool.handle_request(_to_httpcore(request))
        except BaseException:
            slot.pool.close()
            rack.places.release()
            raise
        return _to_httpx(reply, _Body(reply, slot, rack))

    def _own_rack(self) -> _Rack:
        if self._rack.pid != os.getpid():
            # The parent's connections are dropped, not closed: a TLS goodbye would end them for the parent too.
            self._rack = _Rack(self._limit)
        return self._rack

    def close(self) -> None:
        """Close the idle connections."""
        rack = self._own_rack()
        while (slot := _pop(rack.idle)) is not None:
            slot.pool.close()


class _Body(httpx.SyncByteStream):
    """An answer's body, which gives the slot back when it is closed."""

    def __init__(self, reply: httpcore.Response, slot: _Slot, rack: _Rack) -> None:
        self._reply = reply
        self._slot = slot
        self._rack = rack
        self._clean = False

    def __iter__(self) -> Iterator[bytes]:
        yield from cast("Iterable[bytes]", self._reply.stream)
        self._clean = True

    def close(self) -> None:
        try:
            self._reply.close()
            if self._clean and not _has_more(self._slot.pool):
                self._slot.idle_since = time.monotonic()
                self._rack.idle.append(self._slot)
            else:
                self._slot.pool.close()
            for slot in _expired(self._rack.idle):
                slot.pool.close()
        finally:
            self._rack.places.release()


class AsyncSlotTransport(httpx.AsyncBaseTransport):
    """Carry async requests, each on a connection of its own, on any number of event loops.

    Args:
        limit: Connections at most in each event loop; further requests wait in order, and the wait counts in their
            deadline.
        proxy: The proxy to go through.
    """

    def __init__(self, limit: int, proxy: httpcore.Proxy | None = None) -> None:
        self._limit = limit
        self._proxy = proxy
        self._racks: dict[Hashable, _AsyncRack] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request and return the answer, its body still to be read."""
        rack = await self._own_rack()
        deadline: Deadline | None = request.extensions.get(DEADLINE)
        with anyio.move_on_after(deadline.remaining if deadline else None) as scope:
            await rack.places.acquire()
        if scope.cancelled_caught:
            raise httpcore.PoolTimeout
        slot = _pop(rack.idle) or _AsyncSlot(self._proxy)
        slot.clock.deadline = deadline
        try:
            reply = await slot.pool.handle_async_request(_to_httpcore(request))
        except BaseException:
            try:
                await _close(slot)
            finally:
                rack.places.release()
            raise
        return _to_httpx(reply, _AsyncBody(reply, slot, rack))

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


class _AsyncBody(httpx.AsyncByteStream):
    """An answer's body, which gives the slot back when it is closed."""

    def __init__(self, reply: httpcore.Response, slot: _AsyncSlot, rack: _AsyncRack) -> None:
        self._reply = reply
        self._slot = slot
        self._rack = rack
        self._clean = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in cast("AsyncIterable[bytes]", self._reply.stream):
            yield chunk
        self._clean = True

    async def aclose(self) -> None:
        try:
            with anyio.CancelScope(shield=True):
                await self._give_back()
        finally:
            self._rack.places.release()

    async def _give_back(self) -> None:
        await self._reply.aclose()
        if self._clean and not _has_more(self._slot.pool):
            self._slot.idle_since = time.monotonic()
            self._rack.idle.append(self._slot)
        else:
            await self._slot.pool.aclose()
        for slot in _expired(self._rack.idle):
            await _close(slot)


async def _close(slot: _AsyncSlot) -> None:
    with anyio.CancelScope(shield=True):
        await slot.pool.aclose()


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


def _has_more(pool: httpcore.ConnectionPool | httpcore.AsyncConnectionPool) -> bool:
    """Say whether bytes came after the answer, which would be taken for the answer to the next request.

    Only h11 knows, and httpcore keeps it to itself. Where it cannot be asked, the connection is not used again.
    """
    connection: Any = next(iter(pool.connections), None)
    while (inner := getattr(connection, "_connection", None)) is not None:
        connection = inner
    protocol = getattr(connection, "_h11_state", None)
    return protocol is None or bool(protocol.trailing_data[0])


def _to_httpcore(request: httpx.Request) -> httpcore.Request:
    url = request.url
    return httpcore.Request(
        method=request.method,
        url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
        headers=request.headers.raw,
        content=request.stream,
        extensions=request.extensions,
    )


def _to_httpx(reply: httpcore.Response, body: _Body | _AsyncBody) -> httpx.Response:
    extensions = cast("dict[str, Any]", reply.extensions)  # pyright: ignore[reportUnknownMemberType]  # httpcore leaves it open
    return httpx.Response(reply.status, headers=reply.headers, stream=body, extensions=extensions)
