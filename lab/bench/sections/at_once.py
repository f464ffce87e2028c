"""Async calls per second of one process, by the number of concurrent calls."""

from __future__ import annotations

import statistics
from itertools import product
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from lab.bench.measure import Spread
from lab.bench.peers import TIMEOUT
from lab.bench.peers.concurrent import CALLS
from lab.bench.report import Goal, Plot, Section, Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.bench.bench import Bench
    from lab.bench.report import Cell

LEVELS: Final = (1, 64, 512, 2048)
WARM_UP: Final = 0.5
"""Seconds of load before counting starts, so that connections are open."""
SECONDS: Final = 1.0
QUICK: Final = ("httpx", "httpx-aiohttp", "aurashot", "aurashot on httpx-aiohttp")
ROUNDS: Final = {"httpx-aiohttp": 30, "aurashot": 15, "aurashot on httpx-aiohttp": 30}
"""Number of rounds of clients whose ratios are close to a bound; the others have `DEFAULT_ROUNDS`."""
DEFAULT_ROUNDS: Final = 3
FEWER: Final[dict[bool, dict[str, dict[int, int]]]] = {
    False: {
        "httpx": {512: 1, 2048: 0},
        "httpx2": {2048: 1},
        "httpx-aiohttp": {1: 5, 512: 5, 2048: 5},
        "aurashot": {1: 5, 512: 5},
        "aurashot on httpx-aiohttp": {1: 5, 512: 5, 2048: 5},
        "replicate": {512: 1, 2048: 0},
        "fal-client": {512: 1, 2048: 0},
        "openai": {2048: 1},
        "runwayml": {512: 1, 2048: 0},
    },
    True: {name: {2048: 0} for name in QUICK if name != "aurashot"},
}
"""Rounds by `quick`, client and level, for clients that are slow or are compared at another level."""

Target: TypeAlias = tuple[str, int]
"""A client and a number of concurrent calls."""
Run: TypeAlias = dict[str, Any]
ABOUT: Final = f"""\
Each round has a new process with one client, in which a number of tasks make consecutive calls to a server that
responds immediately. All clients have a timeout of {TIMEOUT:.0f} s and their default limits: httpx, httpx2,
replicate, fal-client, runwayml, aiohttp and httpx-aiohttp open up to 100 connections, openai 1,000, aurashot 256.
The calls that succeed within {SECONDS:g} s, after {WARM_UP:g} s of warm-up, are counted, and all errors. The targets
are medians of the ratios of each round. Slow clients have fewer rounds. With 2,048 concurrent calls, the connection
pool of httpx takes many minutes for a round in which all calls fail: httpx, and replicate, fal-client and runwayml,
which use it, are not measured there."""


def measure(bench: Bench) -> Section:
    """Measure the calls per second at each level."""
    runs = _run(bench)
    names = list(dict.fromkeys(name for name, _ in runs))
    rates = {target: Spread.of(map(_rate, found)) for target, found in runs.items()}
    cpu = {
        target: Spread.of(1e6 * run["cost"]["cpu"] / run["done"] for run in found)
        for target, found in runs.items()
        if all(run["done"] for run in found)
    }
    lines = {name: [rates[name, level] for level in LEVELS if (name, level) in rates] for name in names}
    return Section(
        name="at-once",
        title="Many calls at once",
        about=ABOUT,
        tables=[
            _table("successful calls per second", names, rates, "{:,.0f}"),
            _table("CPU per call, µs", names, cpu, "{:,.0f}"),
            _table("errors", names, {target: _errors(found) for target, found in runs.items()}, "{}"),
        ],
        plot=Plot("successful calls per second", lines, x=LEVELS, x_axis="concurrent calls", logarithmic=True),
        goals=_goals(runs),
    )


def _run(bench: Bench) -> dict[Target, list[Run]]:
    runs: dict[Target, list[Run]] = {}
    for number in bench.rounds(max(ROUNDS.values())):
        names = (name for name in (QUICK if bench.quick else CALLS) if number < ROUNDS.get(name, DEFAULT_ROUNDS))
        with bench.workers("at_once", names) as workers:
            for level, (name, worker) in product(LEVELS, workers.items()):
                if number < FEWER[bench.quick].get(name, {}).get(level, ROUNDS.get(name, DEFAULT_ROUNDS)):
                    run = worker.call(at_once=level, warm_up=WARM_UP, seconds=SECONDS)
                    runs.setdefault((name, level), []).append(run)
    return runs


def _rate(run: Run) -> float:
    return float(run["done"] / run["cost"]["wall"])


def _failed(runs: Sequence[Run]) -> int:
    return sum(sum(run["errors"].values()) for run in runs)


def _table(label: str, names: Sequence[str], cells: Mapping[Target, Cell], form: str) -> Table:
    head = [label, *(f"{level:,} concurrent" for level in LEVELS)]
    return Table(head, [form] * len(LEVELS), {name: [cells.get((name, level)) for level in LEVELS] for name in names})


def _errors(runs: Sequence[Run]) -> str:
    kinds = sorted({kind for run in runs for kind in run["errors"]})
    failed = _failed(runs)
    made = failed + sum(run["done"] for run in runs)
    return f"{failed:,} of {made:,} ({', '.join(kinds)})" if failed else "0"


def _goals(runs: Mapping[Target, Sequence[Run]]) -> list[Goal]:
    def goal(label: str, ours: Target, over: Target, bound: float) -> Goal:
        least = 1 / SECONDS  # a client that finished no call in time counts as if it had finished one
        ratios = [_rate(one) / max(_rate(other), least) for one, other in zip(runs[ours], runs[over], strict=False)]
        return Goal(label, statistics.median(ratios), bound, at_least=True, errors=_failed(runs[ours]))

    ours, given = "aurashot", "aurashot on httpx-aiohttp"
    return [
        goal("async calls/s at 64 concurrent, ratio to httpx", (ours, 64), ("httpx", 64), 2.3),
        goal("at 512 concurrent, ratio to httpx", (ours, 512), ("httpx", 512), 6),
        goal("at 2,048 concurrent, ratio to 64 concurrent", (ours, 2048), (ours, 64), 0.75),
        goal("on httpx-aiohttp at 64 concurrent, ratio to httpx-aiohttp", (given, 64), ("httpx-aiohttp", 64), 0.85),
    ]
