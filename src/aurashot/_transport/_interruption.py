"""Recorded calls of the sync client that outlive Ctrl-C.

A signal can interrupt the main thread at any line, and a request that is interrupted is lost, paid or not. So a
recorded call that is made in the main thread runs in a thread of its own, which no signal reaches, and the main thread
waits:

* interrupted before the request was sent, the call ends there, and its entry is not paid;
* interrupted after it was sent, the response is awaited until the deadline of the call, and recorded;
* interrupted again meanwhile, nothing is awaited any longer, and the entry stays unknown.
"""

from __future__ import annotations

import logging
from contextvars import copy_context
from threading import Lock, Thread, current_thread, main_thread
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from aurashot._transport._tracebacks import raise_from

if TYPE_CHECKING:
    from collections.abc import Callable

    from aurashot._transport._exchange import Exchange

T = TypeVar("T")

GRACE: Final = 0.5
"""Seconds after its deadline for which a call is awaited until its outcome is on record, or until it has stopped."""

logger: Final = logging.getLogger("aurashot")


class _Work(Generic[T]):
    """Work in a thread, and its outcome."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._running = Lock()  # an interruption can come amid the steps of an Event's wait, which then fails
        self._running.acquire()
        self._result: list[T] = []
        self._failure: list[BaseException] = []

    def start(self) -> None:
        """Start the thread, or do the work here if no thread can be had."""
        run = copy_context().run
        try:
            Thread(target=run, args=(self._do,), name="aurashot-recorded-call", daemon=True).start()
        except RuntimeError:  # too many threads, or the interpreter is about to end
            self._do()

    def result(self) -> T:
        """Wait for the outcome, and return the result or raise the error."""
        self.wait()
        if self._failure:
            raise_from(self._failure)
        return self._result.pop()

    @property
    def is_done(self) -> bool:
        """Whether the outcome is known."""
        return bool(self._result or self._failure)

    def wait(self, seconds: float = -1) -> None:
        """Wait for the outcome, for so many seconds at most."""
        if not self.is_done and self._running.acquire(timeout=seconds):
            self._running.release()

    def _do(self) -> None:
        try:
            self._result.append(self._work())
        except BaseException as error:  # noqa: BLE001  # it is raised where the result is awaited
            self._failure.append(error)
        finally:
            self._running.release()


def outlive_interrupts(exchange: Exchange[Any], work: Callable[[], T]) -> T:
    """Make a recorded call so that no signal interrupts it; in other threads than the main one, none ever does."""
    if current_thread() is not main_thread():
        return work()
    call = _Work(work)
    try:
        call.start()
        return call.result()
    except BaseException:
        _leave(exchange, call)
        raise


def _leave(exchange: Exchange[Any], call: _Work[Any]) -> None:
    """Wait for the outcome of a call whose caller was interrupted."""
    if call.is_done:
        return  # it failed by itself
    was_sent = exchange.state.is_sent
    exchange.state.abandon()
    left = exchange.deadline.remaining
    if was_sent:
        logger.warning(
            "operation %s: interrupted; waiting up to %.0f s for the response to a billed request, to record its "
            "image. Interrupt again to stop waiting: the image is then lost, and may be billed",
            exchange.operation.id,
            left,
            extra={
                "operation_id": exchange.operation.id,
                "operation": exchange.operation.name,
                "idempotency_key": exchange.key,
            },
        )
    call.wait(left + GRACE if was_sent else GRACE)
