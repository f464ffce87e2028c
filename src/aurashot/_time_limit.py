"""A time limit for async work, on asyncio and trio."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

import anyio

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")


class TimeLimitError(Exception):
    """The work was not done in time; it was cancelled."""


async def within(seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """Await the work for a limited time.

    In a task of asyncio its own timeout is used: with many calls in flight, anyio's costs a tenth of their rate
    (docs/design.md).

    Raises:
        TimeLimitError: It was not done in time. A `TimeoutError` of the work itself passes through.
    """
    if _is_in_asyncio_task():
        limit = asyncio.timeout(seconds)
        try:
            async with limit:
                return await work
        except TimeoutError:
            if not limit.expired():
                raise
    else:
        with anyio.move_on_after(seconds):
            return await work
    raise TimeLimitError


def _is_in_asyncio_task() -> bool:
    try:
        return asyncio.current_task() is not None
    except RuntimeError:  # no running loop: trio
        return False
