"""The line for connections: in order, in time, and no place is lost, whatever is cancelled when."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import anyio
import httpcore
import pytest

from aurashot._deadline import Deadline
from aurashot._engine._line import LOOK, Line

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.anyio


async def wait(line: Line, seconds: float, then: Callable[[], object]) -> None:
    """Take a place within so many seconds, and say so."""
    await line.enter(Deadline(seconds))
    then()


async def free_places(line: Line) -> int:
    """Return how many places can be had at once."""
    count = 0
    while True:
        try:
            await line.enter(Deadline(0.01))
        except httpcore.PoolTimeout:
            return count
        count += 1


async def test_places_are_given_in_order() -> None:
    """Who asked first is served first, and those who come later do not slip in."""
    line = Line(1)
    served: list[int] = []
    await line.enter(Deadline(5))
    async with anyio.create_task_group() as group:
        for number in range(4):
            group.start_soon(wait, line, 5, lambda number=number: served.append(number))
            await anyio.wait_all_tasks_blocked()
        for count in range(1, 5):
            line.leave()
            await anyio.wait_all_tasks_blocked()
            assert list(range(count)) == served
    line.leave()
    assert 1 == await free_places(line)


async def test_who_waits_too_long_goes_without() -> None:
    """It is told within a tenth of a second of its own deadline; who has more time goes on waiting."""
    line = Line(1)
    served: list[str] = []
    await line.enter(Deadline(5))
    async with anyio.create_task_group() as group:
        group.start_soon(wait, line, 5, lambda: served.append("patient"))
        await anyio.wait_all_tasks_blocked()
        began = time.monotonic()
        with pytest.raises(httpcore.PoolTimeout):
            await line.enter(Deadline(0.15))
        assert 0.15 <= time.monotonic() - began < 0.15 + LOOK + 0.1
        assert [] == served
        line.leave()
    assert ["patient"] == served
    line.leave()
    assert 1 == await free_places(line)


async def test_a_cancelled_one_is_passed_over() -> None:
    """Its place goes to the next."""
    line = Line(1)
    served: list[str] = []
    await line.enter(Deadline(5))
    async with anyio.create_task_group() as group:
        with anyio.CancelScope() as scope:
            group.start_soon(_cancel_soon, scope)
            await line.enter(Deadline(5))
        assert scope.cancelled_caught
        group.start_soon(wait, line, 5, lambda: served.append("next"))
        await anyio.wait_all_tasks_blocked()
        line.leave()
    assert ["next"] == served
    line.leave()
    assert 1 == await free_places(line)


async def _cancel_soon(scope: anyio.CancelScope) -> None:
    await anyio.wait_all_tasks_blocked()
    scope.cancel()


@pytest.mark.parametrize("cancelled_first", [True, False])
async def test_a_place_that_comes_with_a_cancellation_is_not_lost(*, cancelled_first: bool) -> None:
    """Whichever of the two is first, somebody else gets the place."""
    line = Line(1)
    scopes: list[anyio.CancelScope] = []
    served: list[str] = []
    await line.enter(Deadline(5))

    async def hesitate() -> None:
        with anyio.CancelScope() as scope:
            scopes.append(scope)
            await line.enter(Deadline(5))
            line.leave()  # trio lets a task go on that was woken before it was cancelled

    async with anyio.create_task_group() as group:
        group.start_soon(hesitate)
        await anyio.wait_all_tasks_blocked()
        group.start_soon(wait, line, 5, lambda: served.append("next"))
        await anyio.wait_all_tasks_blocked()
        first, second = (scopes[0].cancel, line.leave) if cancelled_first else (line.leave, scopes[0].cancel)
        first()
        second()
    assert ["next"] == served
    line.leave()
    assert 1 == await free_places(line)


async def test_who_has_gone_leaves_nothing_in_line() -> None:
    """While no place comes free for a long time, those who gave up do not pile up."""
    line = Line(1)
    await line.enter(Deadline(5))
    for _ in range(3):
        with pytest.raises(httpcore.PoolTimeout):
            await line.enter(Deadline(0.01))
    assert not line._waiting
