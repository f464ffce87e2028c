"""Concurrent calls: a number of tasks or threads, each of which makes consecutive calls."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from lab.bench.measure import Cost, clock, since

if TYPE_CHECKING:
    from lab.bench.peers.blocking import BlockingCall
    from lab.bench.peers.concurrent import AsyncCall


@dataclass(slots=True)
class Tally:
    """The outcome of the calls.

    Attributes:
        done: Number of successful calls; for a steady load, within the measured time.
        errors: Number of failed calls, by error class.
        cost: The time that all calls took together.
        made: Number of all calls.
    """

    done: int = 0
    errors: Counter[str] = field(default_factory=Counter[str])
    cost: Cost = field(default_factory=lambda: Cost(0.0, 0.0))
    made: int = 0

    async def count(self, call: AsyncCall) -> None:
        """Make one call and count its outcome."""
        self.made += 1
        try:
            await call()
        except Exception as error:  # noqa: BLE001 - every exception is counted
            self.errors[type(error).__name__] += 1
        else:
            self.done += 1

    def count_blocking(self, call: BlockingCall) -> None:
        """Make one blocking call and count its outcome."""
        self.made += 1
        try:
            call()
        except Exception as error:  # noqa: BLE001 - as above
            self.errors[type(error).__name__] += 1
        else:
            self.done += 1

    def dump(self) -> dict[str, Any]:
        """Return it as JSON fields; `asdict` does not support a Counter."""
        return {"done": self.done, "errors": dict(self.errors), "cost": asdict(self.cost), "made": self.made}


async def drive(call: AsyncCall, *, calls: int, at_once: int, seconds: float) -> Tally:
    """Make `calls` calls, `at_once` concurrently, and start none after `seconds`."""
    remaining, tally = iter(range(calls)), Tally()
    start = clock()
    stop = time.perf_counter() + seconds

    async def work() -> None:
        for _ in remaining:
            await tally.count(call)
            if time.perf_counter() > stop:
                return

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(work())
    tally.cost = since(start)
    return tally


async def steady(call: AsyncCall, *, at_once: int, warm_up: float, seconds: float) -> Tally:
    """Keep `at_once` calls in flight, and count those that succeed within `seconds` after a warm-up.

    All errors are counted. Calls that are in flight at the end are awaited but not counted.
    """
    running, tally = True, Tally()

    async def work() -> None:
        while running:
            await tally.count(call)

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(work())
        await asyncio.sleep(warm_up)
        before, start = tally.done, clock()
        await asyncio.sleep(seconds)
        counted, tally.cost = tally.done - before, since(start)
        running = False
    tally.done = counted
    return tally


def steady_threads(call: BlockingCall, *, at_once: int, warm_up: float, seconds: float) -> Tally:
    """Like `steady`, with threads."""
    running = True
    tallies = [Tally() for _ in range(at_once)]  # one for each thread, since `+=` is not atomic

    def work(tally: Tally) -> None:
        while running:
            tally.count_blocking(call)

    def done() -> int:
        return sum(tally.done for tally in tallies)

    with ThreadPoolExecutor(at_once) as threads:
        for tally in tallies:
            threads.submit(work, tally)
        time.sleep(warm_up)
        before, start = done(), clock()
        time.sleep(seconds)
        counted, cost = done() - before, since(start)
        running = False
    errors = sum((tally.errors for tally in tallies), Counter[str]())
    return Tally(counted, errors, cost, sum(tally.made for tally in tallies))
