"""The async engine, on asyncio and trio."""

from __future__ import annotations

import os
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self, cast

import anyio
import httpcore

from aurashot._background import current_loop, is_closed, later
from aurashot._engine._log import hide_in_async_log
from aurashot._engine._network import OUTGOING
from aurashot._engine._slots import (
    DIRECT,
    SWEEP_INTERVAL,
    AsyncSlot,
    Route,
    expired,
    has_trailing_data,
    headers_of,
    is_reusable,
    pop,
)
from aurashot._time_limit import TimeLimitError, within

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, Callable, Hashable

    from aurashot._deadline import Deadline
    from aurashot._engine._network import Outgoing


class _Pool:
    """The idle slots of one event loop, and the permits for new ones."""

    def __init__(self, limit: int, done: Callable[[], object]) -> None:
        self.idle: deque[AsyncSlot] = deque()
        self._permits = anyio.Semaphore(limit, fast_acquire=True)
        self.life = self._live(done)
        self._is_watched = False

    async def acquire(self, deadline: Deadline) -> None:
        """Take a permit, or wait in order for one.

        Raises:
            httpcore.PoolTimeout: None became free in time.
        """
        if self._permits.value:  # no time limit for those who need not wait
            self._permits.acquire_nowait()
            return
        try:
            await within(deadline.remaining, self._permits.acquire())
        except TimeLimitError:
            raise httpcore.PoolTimeout from None

    def release(self) -> None:
        """Return a permit to the longest waiter."""
        self._permits.release()

    def keep(self, slot: AsyncSlot) -> None:
        """Keep a slot for another request, until it was idle for too long."""
        slot.idle_since = time.monotonic()
        self.idle.append(slot)
        self._watch()

    def _watch(self) -> None:
        if self.idle and not self._is_watched:
            self._is_watched = True
            later(SWEEP_INTERVAL, self._sweep)

    async def _sweep(self) -> None:
        self._is_watched = False
        for slot in expired(self.idle):
            with suppress(Exception):  # beside everybody's work there is nobody to raise it to
                await _close(slot)
        self._watch()

    async def _live(self, done: Callable[[], object]) -> AsyncGenerator[None]:
        """Close the idle slots at the end: an event loop ends its async generators before it closes (PEP 525)."""
        try:
            yield
        finally:
            done()
            while (slot := pop(self.idle)) is not None:
                await _close(slot)

    def free(self) -> None:
        """Close the idle slots of an event loop that was closed without ending its async generators."""
        while (slot := pop(self.idle)) is not None:
            slot.network.free()


class AsyncEngine:
    """Send async requests, each on its own connection, on any number of event loops.

    Args:
        limit: Connections at most in each event loop; further requests wait in order, and the wait counts in their
            deadline.
        route: The proxy to go through, and the TLS context.
        network: What makes the connections, if not the default.
    """

    def __init__(self, limit: int, route: Route = DIRECT, network: httpcore.AsyncNetworkBackend | None = None) -> None:
        self._limit = limit
        self._route = route
        self._network = network or cast("httpcore.AsyncNetworkBackend", httpcore.AnyIOBackend())
        self._pools: dict[tuple[int, Hashable], _Pool] = {}

    async def send(self, outgoing: Outgoing) -> AsyncResponseStream:
        """Send one request and return the response, its body still to be read."""
        pool = await self._own_pool()
        await pool.acquire(outgoing.deadline)
        slot = pop(pool.idle)
        try:
            with outgoing.request() as request:
                hide_in_async_log(request, outgoing.authorization)
                cast("Any", request).extensions[OUTGOING] = outgoing
                if slot is not None and not is_reusable(slot, request.url):
                    await _close(slot)
                    slot = None
                slot = slot or AsyncSlot(request.url, self._route, self._network)
                slot.clock.outgoing = outgoing
                return AsyncResponseStream(await slot.connection.handle_async_request(request), slot, pool)
        except BaseException:
            try:
                if slot is not None:
                    await _close(slot)
            finally:
                pool.release()
            raise

    async def _own_pool(self) -> _Pool:
        loop_key = (os.getpid(), current_loop())
        pool = self._pools.get(loop_key)
        if pool is None:
            self._free_closed_loops()
            pool = self._pools[loop_key] = _Pool(self._limit, lambda: self._pools.pop(loop_key, None))
            await anext(pool.life)
        return pool

    def _free_closed_loops(self) -> None:
        for loop_key in [key for key in list(self._pools) if key[0] == os.getpid() and is_closed(key[1])]:
            pool = self._pools.pop(loop_key, None)
            if pool is not None:
                pool.free()

    async def aclose(self) -> None:
        """Close the idle connections of this event loop."""
        pool = await self._own_pool()
        await pool.life.aclose()


class AsyncResponseStream:
    """A response whose body is still to be read; closing it returns the slot."""

    def __init__(self, response: httpcore.Response, slot: AsyncSlot, pool: _Pool) -> None:
        self.status = response.status
        self.headers = headers_of(response.headers)
        self._response = response
        self._chunks = aiter(cast("AsyncIterable[bytes]", response.stream))
        self._slot = slot
        self._pool = pool
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
        """Return the slot if the response was read to its clean end; otherwise discard it."""
        try:
            with anyio.CancelScope(shield=True):
                await self._give_back()
        finally:
            self._pool.release()

    async def _give_back(self) -> None:
        await self._response.aclose()
        if self._clean and not has_trailing_data(self._slot.connection):
            self._pool.keep(self._slot)
        else:
            await self._slot.connection.aclose()


async def _close(slot: AsyncSlot) -> None:
    with anyio.CancelScope(shield=True):
        await slot.connection.aclose()
