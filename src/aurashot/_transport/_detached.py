"""Billed calls that outlive the task that made them.

With a ledger, a billed async call runs detached from the caller's task. If that task is cancelled before the request is
sent, the call is cancelled as well; once it was sent, the response is still awaited, until the call's deadline, and
recorded. The task itself ends at once in both cases.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Generic

import anyio

from aurashot._background import current_loop, new_event, spawn
from aurashot._calls import M
from aurashot._time_limit import TimeLimitError, within
from aurashot._transport._tracebacks import raise_from
from aurashot.errors import NotSentError, OutcomeUnknownError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable

    from aurashot._transport._exchange import Exchange
    from aurashot._transport._record import Record

GRACE: Final = 0.1
"""Seconds after its deadline for which a call waits until its outcome is on record."""
WARN_AFTER: Final = 1.0
"""Seconds of waiting after which a client that closes says what it waits for."""

logger: Final = logging.getLogger("aurashot")


class DetachedCall(Generic[M]):
    """One call that is detached from the caller's task."""

    def __init__(
        self,
        exchange: Exchange[M],
        record: Record,
        make: Callable[[], Awaitable[M]],
        finished: Callable[[DetachedCall[M]], object],
    ) -> None:
        self.loop: Hashable = current_loop()
        self.is_recorded = new_event()
        self._is_known = new_event()
        self._exchange = exchange
        self._record = record
        self._make = make
        self._finished = finished
        self._scope = anyio.CancelScope()
        self._result: M | None = None
        self._failure: list[BaseException] = []

    async def run(self) -> None:
        """Make the call; a cancellation from here on means that the event loop ends, or that the call is abandoned."""
        try:
            with self._scope:
                await self._run()
        except Exception:  # noqa: BLE001, S110  # it is raised where the response is awaited
            pass
        finally:
            self._is_known.set()
            self.is_recorded.set()
            self._finished(self)

    async def _run(self) -> None:
        try:
            self._result = await self._make()
        except BaseException as error:
            if isinstance(error, Exception):
                self._failure.append(error)
            self._is_known.set()
            with anyio.CancelScope(shield=True):
                await self._record.end(error)
            raise
        self._is_known.set()
        self._scope.shield = True
        await self._record.paid(self._result)

    @property
    def left(self) -> float:
        """Seconds until its deadline."""
        return self._exchange.deadline.remaining

    async def response(self) -> M:
        """Wait for the response; when cancelled, leave the call to itself."""
        try:
            with suppress(TimeLimitError):
                await within(self._exchange.deadline.remaining + GRACE, self.is_recorded.wait())
            self._check_in_time()
            if not self._is_known.is_set():
                await self._is_known.wait()
        except BaseException:
            self._abandon()
            raise
        if self._failure:
            raise_from(self._failure)
        if self._result is None:
            raise self._interrupted()
        return self._result

    def _check_in_time(self) -> None:
        """Give up a call that a slow ledger has kept from being sent; one that was sent ends by its own deadline."""
        exchange = self._exchange
        if not exchange.state.is_sent and not self._is_known.is_set():
            late = [exchange.describe(exchange.deadline.exceeded("before the request was recorded"))]
            raise_from(exchange.end(late[0]) or late)

    def _abandon(self) -> None:
        was_sent = self._exchange.state.is_sent
        self._exchange.state.abandon()
        if not was_sent and not self._is_known.is_set():
            self._scope.cancel()

    def _interrupted(self) -> Exception:
        if self._exchange.state.is_sent:
            return self._exchange.failed(OutcomeUnknownError("The event loop ended before the response was received"))
        return self._exchange.describe(NotSentError("The event loop ended before the request was sent"))


class DetachedCalls:
    """The detached calls of one client."""

    def __init__(self) -> None:
        self._running: set[DetachedCall[Any]] = set()

    async def run(self, exchange: Exchange[M], record: Record, make: Callable[[], Awaitable[M]]) -> M:
        """Make a detached call, and wait for its response and its record."""
        call = DetachedCall(exchange, record, make, self._running.discard)
        self._running.add(call)
        spawn(call.run)
        return await call.response()

    async def wait(self, grace: float | None = None) -> None:
        """Wait for the calls of this event loop: each ends by its own deadline, and all of them by `grace` seconds."""
        loop = current_loop()
        calls = [each for each in self._running if each.loop == loop]
        seconds = max((each.left for each in calls), default=0.0) if grace is None else grace
        with anyio.move_on_after(WARN_AFTER if grace is None else min(grace, WARN_AFTER)):
            await _all_recorded(calls)
            return
        if waiting := sum(not each.is_recorded.is_set() for each in calls):
            logger.warning(
                "closing: waiting up to %.0f s for the responses to %d billed requests, to record their images. "
                "Interrupt or cancel again to stop waiting: the images are then lost, and may be billed",
                seconds,
                waiting,
            )
        with anyio.move_on_after(None if grace is None else grace - WARN_AFTER):
            await _all_recorded(calls)


async def _all_recorded(calls: list[DetachedCall[Any]]) -> None:
    for call in calls:
        await call.is_recorded.wait()
