"""The sync runtime: it waits in the calling thread."""

from __future__ import annotations

import os
import time
from contextvars import copy_context
from threading import Event, Thread
from typing import TYPE_CHECKING, Self, TypeVar, cast

from aurashot._engine import CheckedNetwork, Engine, PublicNetwork, Route, http_reach
from aurashot._transport._interruption import outlive_interrupts
from aurashot._transport._runtime import forget, run

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable, Iterator, Sequence
    from concurrent.futures import Future

    import httpx

    from aurashot._calls import M
    from aurashot._deadline import Deadline
    from aurashot._engine import Outgoing, Proxy, ResponseStream
    from aurashot._rate_limit import RateLimiter
    from aurashot._transport._exchange import Exchange
    from aurashot._transport._httpx_client import HttpxClient, HttpxResponse
    from aurashot._transport._record import Record
    from aurashot._transport._runtime import Keep, Written
    from aurashot._transport._state import Service
    from aurashot.ledger import Ledger, Write

T = TypeVar("T")


class _Signal:
    """An event of threads."""

    def __init__(self) -> None:
        self._event = Event()
        self.set: Callable[[], None] = self._event.set
        self.is_set: Callable[[], bool] = self._event.is_set

    async def wait(self, seconds: float) -> bool:
        return self._event.wait(seconds)


class _Response:
    """A response of a blocking engine, read as an async one is."""

    __slots__ = ("_chunks", "_response", "headers", "status")

    def __init__(self, response: ResponseStream | HttpxResponse) -> None:
        self.status: int = response.status
        self.headers: dict[str, str] = response.headers
        self._response = response
        self._chunks: Iterator[bytes] | None = None

    def __aiter__(self) -> Self:
        self._chunks = iter(self._response)
        return self

    async def __anext__(self) -> bytes:
        chunk = next(cast("Iterator[bytes]", self._chunks), None)
        if chunk is None:
            raise StopAsyncIteration
        return chunk

    async def aclose(self) -> None:
        self._response.close()


class BlockingRuntime:
    """The runtime of the sync client: none of its coroutines ever suspends."""

    def __init__(self, service: Service, given: httpx.Client | None, proxy: Proxy | None) -> None:
        self.records_in_background: bool = False
        self.piece: int = 1  # each chunk of a download is written as it comes
        self.api: Engine | HttpxClient = _carrier(service, given, proxy)
        self.images: Engine = Engine(
            service.max_connections,
            Route(None, service.ssl_context),
            PublicNetwork(service.host_and_port, http_reach(service.base_url)),
        )
        """Without a proxy: the addresses are checked here."""
        self.proxied_images: Engine | None = None
        if service.download_proxy is not None:
            route = Route(service.download_proxy.proxy, service.ssl_context)
            self.proxied_images = Engine(service.max_connections, route)
        self._service = service

    def loop_key(self) -> Hashable:
        """Return this process: after `fork()`, the parent's work is not done here."""
        return os.getpid()

    def signal(self) -> _Signal:
        """Return an event of threads."""
        return _Signal()

    async def send(self, outgoing: Outgoing) -> _Response:
        """Send a request of the API."""
        return _Response(self.api.send(outgoing))

    async def fetch(self, outgoing: Outgoing, url: str) -> _Response:
        """Send the request for an image."""
        proxied = self.proxied_images if self._service.is_proxied(url) else None
        return _Response((proxied or self.images).send(outgoing))

    def close(self) -> None:
        """Close the connections; a client that was passed in stays open."""
        for engine in (self.images, self.proxied_images, self.api):
            if engine is not None:
                engine.close()

    async def sleep(self, seconds: float) -> None:
        """Sleep."""
        time.sleep(seconds)  # noqa: ASYNC251  # no event loop runs this

    async def blocking(self, work: Callable[[], T], deadline: Deadline | None = None) -> T:
        """Do the work here, or in a thread that is no longer waited for when time runs out."""
        return work() if deadline is None else _within(work, deadline)

    async def cleanup(self, work: Callable[[], object]) -> None:
        """Do the work here."""
        work()

    async def together(self, works: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
        """Run one piece of work after the other."""
        return [await work() for work in works]

    async def gather(self, works: Sequence[Callable[[], Awaitable[T]]], limit: int) -> list[T | Exception]:
        """Run one piece of work after the other, and continue after an error."""
        del limit  # it bounds what runs at once, and here nothing does
        results: list[T | Exception] = []
        for work in works:
            try:
                results.append(await work())
            except Exception as error:  # noqa: BLE001  # it is a result
                results.append(error)
        return results

    async def permit(self, limiter: RateLimiter, request: str, *, billable: bool, seconds: float) -> None:
        """Ask the limiter, which blocks."""
        limiter.acquire(request, billable=billable, timeout=seconds)

    async def write(self, ledger: Ledger, write: Write, timeout: float, keep: Keep = forget) -> Written:
        """Write; the ledger itself lets threads share a commit."""
        (written,) = ledger.write([write], timeout=timeout)
        keep(written)
        return written

    async def record(self, exchange: Exchange[M], record: Record, make: Callable[[], Awaitable[M]]) -> M:
        """Make a billed call and record its outcome, also when Ctrl-C is pressed meanwhile."""
        return outlive_interrupts(exchange, lambda: run(_recorded(record, make)))


async def _recorded(record: Record, make: Callable[[], Awaitable[M]]) -> M:
    try:
        result = await make()
    except BaseException as error:
        await record.end(error)
        raise
    await record.paid(result)
    return result


def _within(work: Callable[[], T], deadline: Deadline) -> T:
    """Do blocking work in its own thread, and wait for it until the deadline."""
    from concurrent.futures import Future

    outcome: Future[T] = Future()
    try:
        Thread(target=copy_context().run, args=(_settle, work, outcome), name="aurashot-blocking", daemon=True).start()
    except RuntimeError:  # no more threads: there are too many, or the interpreter is about to end
        _settle(work, outcome)
    try:
        return outcome.result(deadline.remaining)
    except TimeoutError:
        if outcome.done():
            raise  # the work's own
        raise deadline.exceeded() from None
    finally:
        del outcome  # it holds its error, and the error this frame


def _settle(work: Callable[[], T], outcome: Future[T]) -> None:
    try:
        outcome.set_result(work())
    except BaseException as error:  # noqa: BLE001  # it is raised where the result is waited for
        outcome.set_exception(error)
    finally:
        del outcome


def _carrier(service: Service, given: httpx.Client | None, proxy: Proxy | None) -> Engine | HttpxClient:
    if given is None:
        reach = http_reach(service.base_url)
        network = None if reach is None else CheckedNetwork(reach)
        return Engine(service.max_connections, Route(proxy, service.ssl_context), network)

    from aurashot._transport._httpx_client import HttpxClient

    return HttpxClient(given, http_reach(service.base_url))
