"""How many async calls a second one process makes, with more and more of them at once."""

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
"""Seconds of the same load before the responses are counted: connections are open by then."""
SECONDS: Final = 1.0
IN_SHORT: Final = ("httpx", "httpx-aiohttp", "aurashot", "aurashot on httpx-aiohttp")
ROUNDS: Final = {"httpx-aiohttp": 15, "aurashot": 15, "aurashot on httpx-aiohttp": 15}
"""The rounds of those whose ratios are near a bound; the others make `USUAL`."""
USUAL: Final = 3
FEWER: Final[dict[bool, dict[str, dict[int, int]]]] = {
    False: {
        "httpx": {512: 1, 2048: 1},
        "httpx2": {2048: 1},
        "httpx-aiohttp": {1: 5, 512: 5, 2048: 5},
        "aurashot": {1: 5, 512: 5},
        "aurashot on httpx-aiohttp": {1: 5, 512: 5, 2048: 5},
        "replicate": {512: 1, 2048: 0},
        "fal-client": {512: 1, 2048: 0},
        "openai": {2048: 1},
        "runwayml": {512: 1, 2048: 0},
    },
    True: {name: {2048: 0} for name in IN_SHORT if name != "aurashot"},
}
"""The rounds at a level of clients that are slow there or compared at another level, by whether it is to be quick."""

Target: TypeAlias = tuple[str, int]
"""A client and a number of calls at once."""
Run: TypeAlias = dict[str, Any]
ABOUT: Final = f"""\
One process and one client each, fresh ones each round, in turns; so many tasks, each making one call after the other
against a server that answers immediately. All clients have a timeout of {TIMEOUT:.0f} s and their default limits:
httpx, httpx2, replicate, fal-client, runwayml, aiohttp and httpx-aiohttp open 100 connections at most, openai 1,000,
aurashot 256. Counted are the answers of {SECONDS:g} s, after {WARM_UP:g} s of the same load, and every error.
The targets are medians of the rounds' own ratios. Slow clients make fewer rounds. With 2,048 at once, httpx's pool
takes minutes for a round in which every call fails; replicate, fal-client and runwayml, which are built on it, make
none there (-)."""


def measure(bench: Bench) -> Section:
    """Count calls a second at each level."""
    runs = _run(bench)
    names = list(dict.fromkeys(name for name, _ in runs))
    rates = {place: Spread.of(map(_rate, found)) for place, found in runs.items()}
    cpu = {
        place: Spread.of(1e6 * run["cost"]["cpu"] / run["done"] for run in found)
        for place, found in runs.items()
        if all(run["done"] for run in found)
    }
    lines = {name: [rates[name, level] for level in LEVELS if (name, level) in rates] for name in names}
    return Section(
        name="at-once",
        title="Many calls at once",
        about=ABOUT,
        tables=[
            _table("answered calls a second", names, rates, "{:,.0f}"),
            _table("CPU of a call, µs", names, cpu, "{:,.0f}"),
            _table("errors", names, {place: _errors(found) for place, found in runs.items()}, "{}"),
        ],
        plot=Plot("answered calls a second", lines, x=LEVELS, x_axis="calls at once", logarithmic=True),
        goals=_goals(runs),
    )


def _run(bench: Bench) -> dict[Target, list[Run]]:
    runs: dict[Target, list[Run]] = {}
    for number in bench.rounds(max(ROUNDS.values())):
        names = (name for name in (IN_SHORT if bench.quick else CALLS) if number < ROUNDS.get(name, USUAL))
        with bench.workers("at_once", names) as workers:
            for level, (name, worker) in product(LEVELS, workers.items()):
                if number < FEWER[bench.quick].get(name, {}).get(level, ROUNDS.get(name, USUAL)):
                    run = worker.do(at_once=level, warm_up=WARM_UP, seconds=SECONDS)
                    runs.setdefault((name, level), []).append(run)
    return runs


def _rate(run: Run) -> float:
    return float(run["done"] / run["cost"]["wall"])


def _failed(runs: Sequence[Run]) -> int:
    return sum(sum(run["errors"].values()) for run in runs)


def _table(what: str, names: Sequence[str], cells: Mapping[Target, Cell], form: str) -> Table:
    head = [what, *(f"{level:,} at once" for level in LEVELS)]
    return Table(head, [form] * len(LEVELS), {name: [cells.get((name, level)) for level in LEVELS] for name in names})


def _errors(runs: Sequence[Run]) -> str:
    kinds = sorted({kind for run in runs for kind in run["errors"]})
    failed = _failed(runs)
    made = failed + sum(run["done"] for run in runs)
    return f"{failed:,} of {made:,} ({', '.join(kinds)})" if failed else "0"


def _goals(runs: Mapping[Target, Sequence[Run]]) -> list[Goal]:
    def goal(what: str, ours: Target, over: Target, bound: float) -> Goal:
        ratios = [_rate(one) / _rate(other) for one, other in zip(runs[ours], runs[over], strict=False)]
        return Goal(what, statistics.median(ratios), bound, at_least=True, errors=_failed(runs[ours]))

    ours, given = "aurashot", "aurashot on httpx-aiohttp"
    return [
        goal("async calls/s at 64 over raw httpx", (ours, 64), ("httpx", 64), 2.3),
        goal("at 512 over raw httpx", (ours, 512), ("httpx", 512), 6),
        goal("at 2,048 over our own at 64", (ours, 2048), (ours, 64), 0.75),
        goal("through httpx-aiohttp over raw httpx-aiohttp, at 64", (given, 64), ("httpx-aiohttp", 64), 0.85),
    ]
