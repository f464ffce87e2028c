"""The async runtime, on asyncio and trio."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import anyio
from anyio import to_thread

from aurashot._background import current_loop, new_event
from aurashot._engine import AsyncCheckedNetwork, AsyncEngine, AsyncPublicNetwork, Route, http_reach
from aurashot._late import lazy_property
from aurashot._transport._runtime import forget

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable, Sequence

    import httpx

    from aurashot._calls import M
    from aurashot._deadline import Deadline
    from aurashot._engine import AsyncResponseStream, Outgoing, Proxy
    from aurashot._rate_limit import AsyncRateLimiter
    from aurashot._transport._detached import DetachedCalls
    from aurashot._transport._exchange import Exchange
    from aurashot._transport._httpx_client import AsyncHttpxClient, AsyncHttpxResponse
    from aurashot._transport._record import Record
    from aurashot._transport._runtime import Keep, Written
    from aurashot._transport._state import Service
    from aurashot._transport._writing import Writers
    from aurashot.ledger import Ledger, Write

T = TypeVar("T")


class _Signal:
    """An event of tasks."""

    def __init__(self) -> None:
        self._event = new_event()

    def set(self) -> None:
        self._event.set()

    def is_set(self) -> bool:
        return self._event.is_set()

    async def wait(self, seconds: float) -> bool:
        with anyio.move_on_after(seconds):
            await self._event.wait()
        return self._event.is_set()


class AsyncRuntime:
    """The runtime of the async client."""

    def __init__(self, service: Service, given: httpx.AsyncClient | None, proxy: Proxy | None) -> None:
        self.piece: int = 256 * 1024
        self.records_in_background: bool = True
        self.api: AsyncEngine | AsyncHttpxClient = _carrier(service, given, proxy)
        self.images: AsyncEngine = AsyncEngine(
            service.max_connections,
            Route(None, service.ssl_context),
            AsyncPublicNetwork(service.host_and_port, http_reach(service.base_url)),
        )
        """Without a proxy: the addresses are checked here."""
        self.proxied_images: AsyncEngine | None = None
        if service.download_proxy is not None:
            route = Route(service.download_proxy.proxy, service.ssl_context)
            self.proxied_images = AsyncEngine(service.max_connections, route)
        self._service = service

    @lazy_property
    def detached_calls(self) -> DetachedCalls:
        """The detached calls: only a ledger needs them."""
        from aurashot._transport._detached import DetachedCalls

        return DetachedCalls()

    @lazy_property
    def writers(self) -> Writers:
        """The writer of the ledger."""
        from aurashot._transport._writing import Writers

        return Writers()

    def loop_key(self) -> Hashable:
        """Return this event loop."""
        return current_loop()

    def signal(self) -> _Signal:
        """Return an event of tasks."""
        return _Signal()

    def send(self, outgoing: Outgoing) -> Awaitable[AsyncResponseStream | AsyncHttpxResponse]:
        """Send a request of the API."""
        return self.api.send(outgoing)

    def fetch(self, outgoing: Outgoing, url: str) -> Awaitable[AsyncResponseStream]:
        """Send the request for an image."""
        proxied = self.proxied_images if self._service.is_proxied(url) else None
        return (proxied or self.images).send(outgoing)

    async def aclose(self) -> None:
        """Close the connections; a client that was passed in stays open."""
        for engine in (self.images, self.proxied_images, self.api):
            if engine is not None:
                await engine.aclose()

    async def sleep(self, seconds: float) -> None:
        """Sleep."""
        await anyio.sleep(seconds)

    async def blocking(self, work: Callable[[], T], deadline: Deadline | None = None) -> T:
        """Do the work in a thread; when time runs out, it is no longer waited for."""
        if deadline is None:
            return await to_thread.run_sync(work)
        with anyio.move_on_after(deadline.remaining):
            return await to_thread.run_sync(work, abandon_on_cancel=True)
        raise deadline.exceeded()

    async def cleanup(self, work: Callable[[], object]) -> None:
        """Do the work in a thread, shielded."""
        with anyio.CancelScope(shield=True):
            await to_thread.run_sync(work)

    async def together(self, works: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
        """Run several pieces of work concurrently; the first error cancels the others."""
        results: list[Any] = [None] * len(works)
        errors: list[Exception] = []

        async def do(index: int, work: Callable[[], Awaitable[T]]) -> None:
            try:
                results[index] = await work()
            except Exception as error:  # noqa: BLE001  # it is raised below, alone instead of in a group
                errors.append(error)
                group.cancel_scope.cancel()

        async with anyio.create_task_group() as group:
            for index, work in enumerate(works):
                group.start_soon(do, index, work)
        if errors:
            raise errors.pop(0)
        return results

    async def gather(self, works: Sequence[Callable[[], Awaitable[T]]], limit: int) -> list[T | Exception]:
        """Run several pieces of work concurrently, a limited number at a time, and let each finish."""
        results: list[Any] = [None] * len(works)
        permits = anyio.Semaphore(limit)

        async def do(index: int, work: Callable[[], Awaitable[T]]) -> None:
            async with permits:
                try:
                    results[index] = await work()
                except Exception as error:  # noqa: BLE001  # it is a result
                    results[index] = error

        async with anyio.create_task_group() as group:
            for index, work in enumerate(works):
                group.start_soon(do, index, work)
        return results

    async def permit(self, limiter: AsyncRateLimiter, request: str, *, billable: bool, seconds: float) -> None:
        """Wait for the limiter, within the deadline."""
        with anyio.fail_after(seconds):
            await limiter.acquire(request, billable=billable, timeout=seconds)

    def write(self, ledger: Ledger, write: Write, timeout: float, keep: Keep = forget) -> Awaitable[Written]:
        """Write, in one commit with concurrent writes."""
        return self.writers.write(ledger, write, timeout, keep)

    def record(self, exchange: Exchange[M], record: Record, make: Callable[[], Awaitable[M]]) -> Awaitable[M]:
        """Make a billed call detached from the caller's task, and record its outcome."""
        return self.detached_calls.run(exchange, record, make)


def _carrier(service: Service, given: httpx.AsyncClient | None, proxy: Proxy | None) -> AsyncEngine | AsyncHttpxClient:
    if given is None:
        reach = http_reach(service.base_url)
        network = None if reach is None else AsyncCheckedNetwork(reach)
        return AsyncEngine(service.max_connections, Route(proxy, service.ssl_context), network)

    from aurashot._transport._httpx_client import AsyncHttpxClient

    return AsyncHttpxClient(given, http_reach(service.base_url))
