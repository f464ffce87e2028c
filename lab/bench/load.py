"""Many calls at once: as many tasks or threads as asked for, each making one call after the other."""

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
    """What became of the calls.

    Attributes:
        done: Calls that were answered; of a steady load, within its window.
        errors: Calls that failed, by the class of their error.
        cost: What all of them took together.
        made: All calls, whenever and however they ended.
    """

    done: int = 0
    errors: Counter[str] = field(default_factory=Counter[str])
    cost: Cost = field(default_factory=lambda: Cost(0.0, 0.0))
    made: int = 0

    async def count(self, call: AsyncCall) -> None:
        """Make one call and count how it ended."""
        self.made += 1
        try:
            await call()
        except Exception as error:  # noqa: BLE001 - every kind of failure is what is counted here
            self.errors[type(error).__name__] += 1
        else:
            self.done += 1

    def count_blocking(self, call: BlockingCall) -> None:
        """Make one blocking call and count how it ended."""
        self.made += 1
        try:
            call()
        except Exception as error:  # noqa: BLE001 - as above
            self.errors[type(error).__name__] += 1
        else:
            self.done += 1

    def dump(self) -> dict[str, Any]:
        """Return it as JSON has it; `asdict` would count the pairs of a counter."""
        return {"done": self.done, "errors": dict(self.errors), "cost": asdict(self.cost), "made": self.made}


async def drive(call: AsyncCall, *, calls: int, at_once: int, seconds: float) -> Tally:
    """Make `calls` calls, `at_once` at any time, and start none after `seconds`."""
    todo, tally = iter(range(calls)), Tally()
    start = clock()
    stop = time.perf_counter() + seconds

    async def work() -> None:
        for _ in todo:
            await tally.count(call)
            if time.perf_counter() > stop:
                return

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(work())
    tally.cost = since(start)
    return tally


async def steady(call: AsyncCall, *, at_once: int, warm_up: float, seconds: float) -> Tally:
    """Keep `at_once` calls going, and count those that are answered within `seconds` after a warm-up.

    Errors count whenever they come. What is still out at the end is awaited, and not counted.
    """
    going, tally = True, Tally()

    async def work() -> None:
        while going:
            await tally.count(call)

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(work())
        await asyncio.sleep(warm_up)
        before, start = tally.done, clock()
        await asyncio.sleep(seconds)
        counted, tally.cost = tally.done - before, since(start)
        going = False
    tally.done = counted
    return tally


def steady_threads(call: BlockingCall, *, at_once: int, warm_up: float, seconds: float) -> Tally:
    """Do what `steady` does, with threads."""
    going = True
    tallies = [Tally() for _ in range(at_once)]  # one for each thread: `+=` is not one step

    def work(tally: Tally) -> None:
        while going:
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
        going = False
    errors = sum((tally.errors for tally in tallies), Counter[str]())
    return Tally(counted, errors, cost, sum(tally.made for tally in tallies))
