"""The async driver, on asyncio and trio."""

from __future__ import annotations

from contextlib import aclosing
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import anyio
from anyio import to_thread

from aurashot._calls import Blocking, Call, Fetch, Flow, Pause, Step, Together
from aurashot._engine import AsyncEngine, AsyncPublicNetwork, environment_proxy
from aurashot._once import AsyncOnce, ran_out
from aurashot._transport._exchange import Body, Exchange
from aurashot._transport._faults import clear_frames, transport_errors
from aurashot._transport._requests import Requests
from aurashot._transport._state import Options, Service, Shared
from aurashot.errors import AuraShotError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import httpx

    from aurashot._calls import M
    from aurashot._deadline import Deadline
    from aurashot._engine import AsyncReply
    from aurashot._retry import Repeatable, Retries
    from aurashot._transport._downloads import Retrieval
    from aurashot._transport._drains import Drains
    from aurashot._transport._given import AsyncGivenClient
    from aurashot.ledger import Ledger

PIECE: Final = 256 * 1024
"""Bytes of a download that are written at once."""

T = TypeVar("T")
X = TypeVar("X", bound="Repeatable")


class AsyncConnections:
    """The httpx clients of one AuraShot client, and what goes over them once."""

    def __init__(self, service: Service, given: httpx.AsyncClient | None, ledger: Ledger | None) -> None:
        self.service = service
        self.ledger = ledger
        self.shared: Shared = Shared()
        self.once: AsyncOnce = AsyncOnce(self.shared.memory)
        self.requests: Requests = Requests(service.base_url, service.key)
        self.api: AsyncEngine | AsyncGivenClient = _carrier(service, given)
        self.pictures: AsyncEngine = AsyncEngine(service.max_connections, network=AsyncPublicNetwork(service.place))
        """Without a proxy: the addresses are checked here."""

    @cached_property
    def drains(self) -> Drains:
        """The calls that run beside their tasks: only a ledger makes them."""
        from aurashot._transport._drains import Drains

        return Drains()

    def check_open(self) -> None:
        """Refuse to work once this client, or the httpx client that it was given, is closed."""
        self.shared.check_open(self.api.is_closed)

    async def aclose(self) -> None:
        """Wait for what is out and may be billed, then close what was opened here; a given client stays open."""
        self.shared.closed = True
        try:
            if self.ledger is not None:
                await self.drains.wait()
        finally:
            await self.pictures.aclose()
            await self.api.aclose()


def _carrier(service: Service, given: httpx.AsyncClient | None) -> AsyncEngine | AsyncGivenClient:
    if given is None:
        return AsyncEngine(service.max_connections, environment_proxy(service.base_url))

    from aurashot._transport._given import AsyncGivenClient

    return AsyncGivenClient(given)


class AsyncTransport:
    """Run flows without blocking the event loop.

    What only chooses who does the work returns that one's awaitable: a coroutine more for each call in flight would be
    one more for the garbage collector to visit.
    """

    def __init__(self, connections: AsyncConnections, options: Options) -> None:
        self.connections = connections
        self.options = options

    def run(self, flow: Flow[T], timeout: float | None = None) -> Awaitable[T]:
        """Run a flow to its end, within `timeout` seconds in all from now on.

        Raises:
            AuraShotError: Anything that went wrong, typed.
        """
        self.connections.check_open()
        return self._drive(flow, self.options.deadline(timeout))

    async def _drive(self, flow: Flow[T], deadline: Deadline) -> T:
        try:
            step = next(flow)
            while True:
                try:
                    result = await self._do(step, deadline)
                except AuraShotError as error:
                    step = flow.throw(error)
                else:
                    step = flow.send(result)
        except StopIteration as end:
            return cast("T", end.value)
        finally:
            flow.close()

    def _do(self, step: Step, deadline: Deadline) -> Awaitable[Any]:
        match step:
            case Call():
                return self._call(step, deadline)
            case Blocking():
                return to_thread.run_sync(step.work)
            case Fetch():
                return self._fetch(step, deadline)
            case Pause():
                return self._pause(step.seconds, deadline)
            case Together():
                return self._together(step.flows, deadline)

    def _call(self, call: Call[M], deadline: Deadline) -> Awaitable[M]:
        if call.once is None:
            return self._exchange(call, deadline)
        return self.connections.once.get(call.once, deadline, lambda: self._exchange(call, deadline))

    def _exchange(self, call: Call[M], deadline: Deadline) -> Awaitable[M]:
        exchange = Exchange(call, deadline, self.options.teller, self.connections.requests, self.connections.ledger)
        if exchange.record is None:
            return self._carry(exchange)
        return self.connections.drains.run(exchange, exchange.record, self._carry)

    async def _carry(self, exchange: Exchange[M]) -> M:
        try:
            return await self._repeat(self._attempt, exchange)
        except AuraShotError as last:
            earlier = exchange.give_up(last)
            if earlier is None:
                raise
            raise earlier from last

    async def _repeat(self, attempt: Callable[[X], Awaitable[T]], what: X) -> T:
        try:
            result = await attempt(what)
        except AuraShotError as first:
            retries = what.retries(self.options.retry, self.connections.shared.budget)
            if not retries.may_help(first):
                raise
            result = await self._again(retries, attempt, what, [first])
        self.connections.shared.budget.refund()
        return result

    async def _again(
        self, retries: Retries, attempt: Callable[[X], Awaitable[T]], what: X, failed: list[AuraShotError]
    ) -> T:
        """Leave what follows a failed first attempt to tenacity, which most calls never need.

        The failure comes in a list, so that no frame of its own traceback holds it.
        """
        from tenacity import AsyncRetrying

        async def attempt_or_failure() -> T:
            if failed:
                raise failed.pop()
            return await attempt(what)

        try:
            return await AsyncRetrying(sleep=anyio.sleep, **retries.options())(attempt_or_failure)
        except AuraShotError as last:
            clear_frames(last, "tenacity", "concurrent")
            raise

    async def _attempt(self, exchange: Exchange[M]) -> M:
        try:
            if exchange.record is not None:
                from aurashot._transport import _writing as writing

                await writing.begin(exchange.record, exchange.deadline)
            exchange.attempts += 1
            async with aclosing(await self.connections.api.send(exchange)) as reply:
                body = Body(exchange.deadline)
                async for chunk in reply:
                    body.add(chunk)
            return exchange.settle(body.answer(reply.status, reply.headers))
        except transport_errors() as problem:
            raise exchange.lost(problem) from problem
        except AuraShotError as error:
            exchange.blame(error)
            raise

    async def _fetch(self, step: Fetch[T], deadline: Deadline) -> T:
        from aurashot._transport._downloads import Retrieval

        retrieval = Retrieval(step, deadline)
        try:
            return await self._repeat(self._retrieve, retrieval)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await to_thread.run_sync(step.landing.discard)
            raise

    async def _retrieve(self, retrieval: Retrieval[T]) -> T:
        try:
            await to_thread.run_sync(retrieval.prepare)
            retrieval.begin(self.connections.service.own_origin)
            while True:
                async with aclosing(await self.connections.pictures.send(retrieval)) as reply:
                    if retrieval.arrived(reply.status, reply.headers):
                        await self._land(reply, retrieval)
                        return await to_thread.run_sync(retrieval.landing.finish)
        except transport_errors() as problem:
            raise retrieval.lost(problem) from problem
        except AuraShotError as error:
            retrieval.blame(error)
            raise

    async def _land(self, reply: AsyncReply, retrieval: Retrieval[Any]) -> None:
        """Write the picture in large pieces: each piece is a trip to a thread."""
        meter = await to_thread.run_sync(retrieval.open, reply.headers)
        piece = bytearray()
        async for chunk in reply:
            meter.count(len(chunk), retrieval.deadline)
            piece += chunk
            if len(piece) >= PIECE:
                await to_thread.run_sync(retrieval.landing.write, bytes(piece))
                piece.clear()
        await to_thread.run_sync(retrieval.landing.write, bytes(piece))
        meter.finish()

    async def _pause(self, seconds: float, deadline: Deadline) -> None:
        if seconds >= deadline.remaining:
            raise ran_out(deadline, "while the job was still being worked on")
        await anyio.sleep(seconds)

    async def _together(self, flows: tuple[Flow[Any], ...], deadline: Deadline) -> list[Any]:
        results: list[Any] = [None] * len(flows)
        errors: list[AuraShotError] = []

        async def drive(place: int, flow: Flow[Any]) -> None:
            try:
                results[place] = await self._drive(flow, deadline)
            except AuraShotError as error:
                errors.append(error)
                group.cancel_scope.cancel()

        async with anyio.create_task_group() as group:
            for place, flow in enumerate(flows):
                group.start_soon(drive, place, flow)
        if errors:
            raise errors[0]
        return results
