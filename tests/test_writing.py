"""Writes of one event loop into a ledger: in batches, in time, and each with its own result."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

import anyio
import anyio.to_thread
import pytest

from aurashot import LedgerError
from aurashot._transport._runtime import forget
from aurashot._transport._writing import Writers
from aurashot.ledger import Intent, Reserve, Settle, Settlement
from tests.notebook import Notebook

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aurashot.ledger import Write

pytestmark = pytest.mark.anyio
RESERVE: Final = Reserve(Intent(idempotency_key="order-17", operation="generate"))
SETTLE: Final = Settle(1, Settlement(payment="paid", attempts=1))


class Gated(Notebook):
    """A ledger that writes when it may, and raises what it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.has_begun = threading.Event()
        self.gate = threading.Event()
        self.batches: list[int] = []
        self.problem: BaseException | None = None

    def write(self, writes: Sequence[Any], *, timeout: float) -> list[Any]:
        """Wait, and write nothing."""
        del timeout
        self.batches.append(len(writes))
        self.has_begun.set()
        self.gate.wait(60)
        if self.problem is not None:
            raise self.problem
        return [None for _ in writes]


async def write(writers: Writers, ledger: Gated, what: Write, timeout: float, results: list[Any]) -> None:
    """Write something, and note what became of it."""
    try:
        results.append(await writers.write(ledger, what, timeout, forget))
    except BaseException as problem:  # noqa: BLE001  # it is what became of it
        results.append(problem)


async def first_and_then(ledger: Gated, *timeouts: float, what: Write) -> list[Any]:
    """Write something that is held up, and meanwhile ask for more, which has only so many seconds."""
    writers = Writers()
    results: list[Any] = []
    async with anyio.create_task_group() as group:
        group.start_soon(write, writers, ledger, RESERVE, 5.0, results)
        await anyio.to_thread.run_sync(ledger.has_begun.wait)
        for timeout in timeouts:
            group.start_soon(write, writers, ledger, what, timeout, results)
        await anyio.wait_all_tasks_blocked()
        await anyio.sleep(0.02)  # until the time of those who have only a hundredth of a second is over
        ledger.gate.set()
    return results


async def test_what_is_asked_for_meanwhile_is_written_together() -> None:
    """While one batch is written, the next one comes together."""
    ledger = Gated()
    assert [None] * 4 == await first_and_then(ledger, 5.0, 5.0, 5.0, what=RESERVE)
    assert [1, 3] == ledger.batches


async def test_a_write_whose_time_is_over_before_its_turn_is_not_made() -> None:
    """It is told so when its turn comes; the others are written, and nothing at all if there are none."""
    ledger = Gated()
    results = await first_and_then(ledger, 0.01, 5.0, what=RESERVE)
    assert [1, 1] == ledger.batches
    assert 2 == results.count(None)
    assert ["The ledger is busy, because others are writing; try again"] == [
        str(each) for each in results if each is not None
    ]

    ledger = Gated()
    assert 1 == (await first_and_then(ledger, 0.01, what=RESERVE)).count(None)
    assert [1] == ledger.batches


async def test_what_is_recorded_after_the_fact_is_never_late() -> None:
    """The image is there; its record waits for its turn, however long that takes."""
    ledger = Gated()
    assert [None] * 2 == await first_and_then(ledger, 0.001, what=SETTLE)
    assert [1, 1] == ledger.batches


class _Stop(BaseException):
    """Something that ends a task, and is no error."""


@pytest.mark.parametrize("anyio_backend", ["asyncio"])  # trio ends at once when one of its system tasks does
async def test_nobody_waits_for_a_writer_that_has_ended() -> None:
    """What ends it while a batch is written ends the waiting for the next one as well."""
    ledger = Gated()
    ledger.problem = _Stop()
    results = await first_and_then(ledger, 5.0, what=SETTLE)
    assert ledger.problem in results
    assert [True] == [isinstance(each, LedgerError) for each in results if each is not ledger.problem]
    assert [1] == ledger.batches
