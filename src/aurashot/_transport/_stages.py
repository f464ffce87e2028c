"""The stages that a call goes through, from the outside in: single flight, record, retry, attempt.

    single flight  calls of the same content share one request (uploads)
    record         a ledger records a billable call before its first byte is sent, and its outcome afterwards
    retry          requests that were certainly not billed are retried
    attempt        a rate limiter's permission, one request, and what its response means

Each is written once, over a `Runtime`. A download has the last two.
"""

from __future__ import annotations

from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from aurashot._hidden import hide_locals
from aurashot._reasons import described
from aurashot._transport._error_mapping import transport_errors
from aurashot._transport._exchange import Exchange
from aurashot._transport._tracebacks import clear_frames, raise_from
from aurashot.errors import AuraShotError, NotSentError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aurashot._calls import Call, Fetch, M
    from aurashot._operations import Operation
    from aurashot._rate_limit import AnyRateLimiter
    from aurashot._retry import Retries, RetryBudget, RetryPolicy
    from aurashot._transport._client_state import ClientState
    from aurashot._transport._downloads import Retrieval
    from aurashot._transport._runtime import ResponseStream, Runtime
    from aurashot._transport._state import Options

T = TypeVar("T")


class Repeatable(Protocol):
    """Something that may be tried several times."""

    def retries(self, policy: RetryPolicy, budget: RetryBudget) -> Retries:
        """Return the rules for trying it again."""
        ...

    def end(self, last: AuraShotError) -> list[AuraShotError]:
        """Return the error that it ends with in a list, or an empty one if that is the last one."""
        ...


X = TypeVar("X", bound=Repeatable)


def _limiter_failed(problem: Exception) -> NotSentError:
    error = NotSentError(f"The rate limiter failed ({described(problem)}); nothing was sent")
    error.final = True
    return error


class Stages:
    """The stages of one client's calls.

    What only chooses who does the work returns that one's awaitable: a coroutine more for each call in flight would be
    one more for the garbage collector to visit.
    """

    def __init__(self, runtime: Runtime, client: ClientState, options: Options) -> None:
        self._runtime = runtime
        self._client = client
        self._options = options

    def call(self, call: Call[M], operation: Operation) -> Awaitable[M]:
        """Make a call."""
        if call.dedupe_key is None:
            return self._record(call, operation)
        return self._client.single_flight.get(
            call.dedupe_key, operation.deadline, lambda: self._record(call, operation)
        )

    def _record(self, call: Call[M], operation: Operation) -> Awaitable[M]:
        exchange = Exchange(call, operation, self._client, self._options)
        ledger = self._client.ledger
        if ledger is None or not call.billable:
            return self._retry(self._attempt, exchange)

        from aurashot._transport._record import Record

        exchange.record = Record(ledger, exchange, self._runtime)
        return self._runtime.record(exchange, exchange.record, lambda: self._retry(self._attempt, exchange))

    async def _retry(self, attempt: Callable[[X], Awaitable[T]], what: X) -> T:
        try:
            try:
                result = await attempt(what)
            except AuraShotError as first:
                retries = what.retries(self._options.retry, self._client.budget)
                if not retries.may_help(first):
                    raise
                result = await self._again(retries, attempt, what, [first])
        except AuraShotError as last:
            if earlier := what.end(last):
                raise earlier.pop() from last
            raise
        self._client.budget.refund()
        return result

    async def _again(
        self, retries: Retries, attempt: Callable[[X], Awaitable[T]], what: X, failed: list[BaseException]
    ) -> T:
        """Use tenacity only after a failed first attempt: most calls never need it."""
        from tenacity import AsyncRetrying

        async def attempt_or_failure() -> T:
            if failed:
                raise_from(failed)
            return await attempt(what)

        try:
            return await AsyncRetrying(sleep=self._runtime.sleep, **retries.options())(attempt_or_failure)
        except AuraShotError as last:
            clear_frames(last, "tenacity", "concurrent")
            raise

    async def _attempt(self, exchange: Exchange[M]) -> M:
        if exchange.record is not None or self._client.rate_limiter is not None:
            earlier = await self._permission(exchange)
            if earlier is not None:
                return exchange.accept_earlier(earlier)
        exchange.begin()
        try:
            async with aclosing(await self._runtime.send(exchange)) as response:
                body = exchange.body
                async for chunk in response:
                    body.add(chunk)
            return exchange.accept(body.response(response.status, response.headers))
        except BaseException as stop:
            chunk = b""  # a response can quote the key
            hide_locals(stop)
            if isinstance(stop, transport_errors()):
                raise exchange.lost(stop) from stop
            if isinstance(stop, AuraShotError):
                exchange.failed(stop)
            else:
                exchange.interrupted(stop)
            raise

    async def _permission(self, exchange: Exchange[M]) -> M | None:
        """Ask the rate limiter and then the ledger whether a request may be sent.

        Returns:
            What was paid under the key already, so that nothing is sent, or None.
        """
        try:
            if self._client.rate_limiter is not None:
                await self._wait_for_limiter(self._client.rate_limiter, exchange)
            return None if exchange.record is None else await exchange.record.begin()
        except AuraShotError as error:
            exchange.describe(error)
            raise

    async def _wait_for_limiter(self, limiter: AnyRateLimiter, exchange: Exchange[Any]) -> None:
        call, deadline = exchange.call, exchange.deadline
        try:
            await self._runtime.permit(limiter, call.name, billable=call.billable, seconds=deadline.remaining)
        except Exception as problem:
            if deadline.passed:
                raise deadline.exceeded("while it waited for the rate limiter") from problem
            raise _limiter_failed(problem) from problem
        if deadline.passed:
            raise deadline.exceeded("while it waited for the rate limiter")

    async def fetch(self, step: Fetch[T], operation: Operation) -> T:
        """Download an image."""
        from aurashot._transport._downloads import Retrieval

        origin, hint = self._client.service.own_origin, self._client.download_hint
        retrieval = Retrieval(step, operation, self._options.dispatcher, origin, hint)
        try:
            return await self._retry(self._retrieve, retrieval)
        except BaseException:
            await self._runtime.cleanup(step.sink.discard)
            raise

    async def _retrieve(self, retrieval: Retrieval[T]) -> T:
        try:
            await self._runtime.blocking(retrieval.prepare)
            retrieval.begin()
            while True:
                async with aclosing(await self._runtime.fetch(retrieval, retrieval.url)) as response:
                    if retrieval.arrived(response.status, response.headers):
                        return await self._land(response, retrieval)
        except BaseException as stop:
            hide_locals(stop)
            if isinstance(stop, transport_errors()):
                raise retrieval.lost(stop) from stop
            if isinstance(stop, AuraShotError):
                retrieval.failed(stop)
            else:
                retrieval.interrupted(stop)
            raise

    async def _land(self, response: ResponseStream, retrieval: Retrieval[T]) -> T:
        """Write the image in pieces: in async code each of them is a trip to a thread."""
        meter = await self._runtime.blocking(partial(retrieval.open, response.headers))
        piece = bytearray()
        async for chunk in response:
            meter.count(len(chunk), retrieval.deadline)
            piece += chunk
            if len(piece) >= self._runtime.piece:
                await self._write(retrieval, piece)
        await self._write(retrieval, piece)
        meter.finish()
        result = await self._runtime.blocking(retrieval.finish)
        retrieval.finished(response.status, meter.received)
        return result

    async def _write(self, retrieval: Retrieval[Any], piece: bytearray) -> None:
        await self._runtime.blocking(partial(retrieval.write, bytes(piece)))
        piece.clear()
