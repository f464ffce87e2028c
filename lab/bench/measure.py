"""The numbers: what a round costs, and what several rounds say together."""

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
    """What several rounds gave.

    Attributes:
        median: The figure to quote.
        low: The lowest of the rounds.
        high: The highest of the rounds.
    """

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Self:
        """Sum up the values of one or more rounds."""
        kept = list(values)
        return cls(statistics.median(kept), min(kept), max(kept))

    def over(self, baseline: Spread) -> float:
        """Return the ratio of the medians."""
        return self.median / baseline.median


@dataclass(frozen=True, slots=True)
class Cost:
    """The seconds that something took: of one core, and on the clock."""

    cpu: float
    wall: float


def clock() -> Cost:
    """Return the time now, of this process and on the wall."""
    return Cost(time.process_time(), time.perf_counter())


def since(start: Cost) -> Cost:
    """Return what it took since `start`."""
    now = clock()
    return Cost(now.cpu - start.cpu, now.wall - start.wall)


def cost_of_running(arguments: Sequence[str]) -> Cost:
    """Run a whole interpreter and return what it took, its children included."""
    before, start = _children(), time.perf_counter()
    command = [sys.executable, *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return Cost(_children() - before, time.perf_counter() - start)


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def slope(samples: Mapping[float, float]) -> float:
    """Return by how much a value grows per unit, by least squares."""
    return statistics.linear_regression(list(samples), list(samples.values())).slope
