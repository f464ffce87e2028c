"""Places for connections: in order, in time, and none is lost, whatever is cancelled when."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import httpcore
import pytest

from aurashot._deadline import Deadline
from aurashot._engine._async import _Pool
from tests.stopwatch import in_time

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.anyio


def one_place() -> _Pool:
    """Return a pool with one place."""
    return _Pool(1, lambda: None)


async def wait(pool: _Pool, seconds: float, then: Callable[[], object]) -> None:
    """Take a place within so many seconds, and say so."""
    await pool.acquire(Deadline(seconds))
    then()


async def free_permits(pool: _Pool) -> int:
    """Return how many places can be had at once."""
    count = 0
    while True:
        try:
            await pool.acquire(Deadline(0.01))
        except httpcore.PoolTimeout:
            return count
        count += 1


async def test_places_are_given_in_order() -> None:
    """Who asked first is served first, and those who come later do not slip in."""
    pool = one_place()
    served: list[int] = []
    await pool.acquire(Deadline(60))
    async with anyio.create_task_group() as group:
        for number in range(4):
            group.start_soon(wait, pool, 60, lambda number=number: served.append(number))
            await anyio.wait_all_tasks_blocked()
        for count in range(1, 5):
            pool.release()
            await anyio.wait_all_tasks_blocked()
            assert list(range(count)) == served
    pool.release()
    assert 1 == await free_permits(pool)


async def test_who_waits_too_long_goes_without() -> None:
    """Its own deadline counts; who has more time goes on waiting."""
    pool = one_place()
    served: list[str] = []
    await pool.acquire(Deadline(60))
    async with anyio.create_task_group() as group:
        group.start_soon(wait, pool, 60, lambda: served.append("patient"))
        await anyio.wait_all_tasks_blocked()
        with in_time(0.15), pytest.raises(httpcore.PoolTimeout):
            await pool.acquire(Deadline(0.15))
        assert [] == served
        pool.release()
    assert ["patient"] == served
    pool.release()
    assert 1 == await free_permits(pool)


async def test_a_cancelled_one_is_passed_over() -> None:
    """Its place goes to the next."""
    pool = one_place()
    served: list[str] = []
    await pool.acquire(Deadline(60))
    async with anyio.create_task_group() as group:
        with anyio.CancelScope() as scope:
            group.start_soon(_cancel_soon, scope)
            await pool.acquire(Deadline(60))
        assert scope.cancelled_caught
        group.start_soon(wait, pool, 60, lambda: served.append("next"))
        await anyio.wait_all_tasks_blocked()
        pool.release()
    assert ["next"] == served
    pool.release()
    assert 1 == await free_permits(pool)


async def _cancel_soon(scope: anyio.CancelScope) -> None:
    await anyio.wait_all_tasks_blocked()
    scope.cancel()


@pytest.mark.parametrize("cancelled_first", [True, False])
async def test_a_place_that_comes_with_a_cancellation_is_not_lost(*, cancelled_first: bool) -> None:
    """Whichever of the two is first, somebody else gets the place."""
    pool = one_place()
    scopes: list[anyio.CancelScope] = []
    served: list[str] = []
    await pool.acquire(Deadline(60))

    async def hesitate() -> None:
        with anyio.CancelScope() as scope:
            scopes.append(scope)
            await pool.acquire(Deadline(60))
            pool.release()  # trio lets a task go on that was woken before it was cancelled

    async with anyio.create_task_group() as group:
        group.start_soon(hesitate)
        await anyio.wait_all_tasks_blocked()
        group.start_soon(wait, pool, 60, lambda: served.append("next"))
        await anyio.wait_all_tasks_blocked()
        first, second = (scopes[0].cancel, pool.release) if cancelled_first else (pool.release, scopes[0].cancel)
        first()
        second()
    assert ["next"] == served
    pool.release()
    assert 1 == await free_permits(pool)


async def test_who_has_gone_leaves_nothing_in_line() -> None:
    """While no place comes free for a long time, those who gave up do not pile up."""
    pool = one_place()
    await pool.acquire(Deadline(60))
    for _ in range(3):
        with pytest.raises(httpcore.PoolTimeout):
            await pool.acquire(Deadline(0.01))
    assert 0 == pool._permits.statistics().tasks_waiting
