"""Measure the cost of a round, and summarize several rounds."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MIB: Final = 2**20


@dataclass(frozen=True, slots=True)
class Spread:
    """The summary of several rounds.

    Attributes:
        median: The median of the rounds.
        low: The minimum.
        high: The maximum.
    """

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Self:
        """Summarize the values of one or more rounds."""
        kept = list(values)
        return cls(statistics.median(kept), min(kept), max(kept))

    def over(self, baseline: Spread) -> float:
        """Return the ratio of the medians."""
        return self.median / baseline.median


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU time and wall time, in seconds."""

    cpu: float
    wall: float


def clock() -> Cost:
    """Return the current CPU time of this process and the wall time."""
    return Cost(time.process_time(), time.perf_counter())


def since(start: Cost) -> Cost:
    """Return the CPU time and wall time since `start`."""
    now = clock()
    return Cost(now.cpu - start.cpu, now.wall - start.wall)


def cost_of_running(arguments: Sequence[str]) -> Cost:
    """Run an interpreter and return its cost, including its child processes."""
    before, start = _children(), time.perf_counter()
    command = [sys.executable, *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return Cost(_children() - before, time.perf_counter() - start)


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def slope(samples: Mapping[float, float]) -> float:
    """Return the slope of a linear regression."""
    return statistics.linear_regression(list(samples), list(samples.values())).slope
