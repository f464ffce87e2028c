"""A call's record, written from an event loop: in threads of its own, few, since a ledger has one writer at a time."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

import anyio
from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar

from aurashot._once import ran_out

if TYPE_CHECKING:
    from collections.abc import Callable

    from aurashot._deadline import Deadline
    from aurashot._transport._record import Record
    from aurashot.models import Received

THREADS: Final = 4
"""Writers of one event loop, beside the threads that the application uses."""

_limiter: Final = RunVar[CapacityLimiter]("aurashot_ledger_threads")


async def begin(record: Record, deadline: Deadline) -> None:
    """Make sure of an entry for the next request, within the call's time.

    Raises:
        DeadlineExceededError: Too many others were before it; nothing was sent.
        LedgerError: It cannot be recorded.
        SpendCapError: It would exceed the cap.
    """
    with anyio.move_on_after(deadline.remaining):
        await _in_thread(record.begin)
    if not record.is_open:
        raise ran_out(deadline, "before the request was recorded")


async def paid(record: Record, result: Received) -> None:
    """Write down what was delivered, whatever is cancelled meanwhile."""
    with anyio.CancelScope(shield=True):
        await _in_thread(record.paid, result)


async def failed(record: Record, error: BaseException, *, is_out: bool) -> None:
    """Write down how the call ended, whatever is cancelled meanwhile."""
    if record.is_open:
        with anyio.CancelScope(shield=True):
            await _in_thread(partial(record.failed, error, is_out=is_out))


async def _in_thread(work: Callable[..., None], *arguments: Any) -> None:
    try:
        limiter = _limiter.get()
    except LookupError:
        limiter = CapacityLimiter(THREADS)
        _limiter.set(limiter)
    await to_thread.run_sync(work, *arguments, limiter=limiter)
