from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from itertools import count

from lab.bench.load import drive, steady, steady_threads


def test_a_steady_load_counts_calls_of_the_measured_time() -> None:
    """Calls before and after the measured time are not counted; all errors are."""
    made, at_once, most = count(), 0, 0

    async def call() -> None:
        nonlocal at_once, most
        number = next(made)
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0.005)  # the duration of a call
        at_once -= 1
        if number == 0:
            raise OSError

    tally = asyncio.run(steady(call, at_once=3, warm_up=0.05, seconds=0.2))
    assert (3, 0) == (most, at_once)
    assert tally.made == next(made)
    assert 0 < tally.done < tally.made - 6
    assert Counter(OSError=1) == tally.errors
    assert tally.cost.wall >= 0.2
    assert tally.dump() == json.loads(json.dumps(tally.dump()))
    assert {"OSError": 1} == tally.dump()["errors"]


def test_the_exact_number_of_calls_is_made() -> None:
    """Twenty calls are made, and each is counted as a success or an error."""
    made = count()

    async def call() -> None:
        await asyncio.sleep(0)
        if next(made) % 4 == 0:
            raise ValueError

    tally = asyncio.run(drive(call, calls=20, at_once=3, seconds=10))
    assert (15, Counter(ValueError=5)) == (tally.done, tally.errors)
    assert 20 == next(made)


def test_a_steady_load_of_threads_counts_the_same_way() -> None:
    """All calls of the threads are counted, and those that succeed within the measured time."""
    made = count()

    def call() -> None:
        time.sleep(0.005)  # the duration of a call
        if next(made) == 0:
            raise OSError

    tally = steady_threads(call, at_once=3, warm_up=0.05, seconds=0.2)
    assert tally.made == next(made)
    assert 0 < tally.done < tally.made - 6
    assert Counter(OSError=1) == tally.errors
    assert tally.cost.wall >= 0.2
