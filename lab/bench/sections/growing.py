"""Growth of memory with the number of calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lab.bench.measure import MIB, Spread
from lab.bench.report import Goal, Plot, Section, Table

if TYPE_CHECKING:
    from lab.bench.bench import Bench
    from lab.bench.report import Cell

NAMES: Final = ("httpx", "aurashot", "openai")
QUICK: Final = ("aurashot",)
AT_ONCE: Final = 64
ABOUT: Final = """\
{count:,} async calls, {at_once} concurrent, in a new process each round. The memory is sampled forty times; *growth* is
the slope of a linear regression over the second half, times the calls of that half."""


def measure(bench: Bench) -> Section:
    """Sample the memory during many calls."""
    names = QUICK if bench.quick else NAMES
    count = 4_000 if bench.quick else 10_000
    grown: dict[str, list[float]] = {name: [] for name in names}
    held: dict[str, list[list[float]]] = {name: [] for name in names}
    for _ in bench.rounds(3):
        for name in names:
            with bench.workers("growth", [name]) as workers:
                found = workers[name].call(count=count, at_once=AT_ONCE)
            grown[name].append(found["grown"] / MIB)
            held[name].append([size / MIB for size in found["held"]])
    rows: dict[str, list[Cell]] = {name: [Spread.of(grown[name]), Spread.of(map(max, held[name]))] for name in names}
    lines = {name: [Spread.of(sizes) for sizes in zip(*held[name], strict=True)] for name in names}
    samples = len(next(iter(lines.values())))
    return Section(
        name="growing",
        title=f"{count:,} calls",
        about=ABOUT.format(count=count, at_once=AT_ONCE),
        tables=[Table(["client", "growth, MiB", "maximum, MiB"], ["{:.2f}", "{:,.0f}"], rows)],
        plot=Plot(
            "memory, MiB", lines, x=[count * (place + 1) / samples for place in range(samples)], x_axis="calls made"
        ),
        goals=[
            Goal(f"memory growth in the second half of {count:,} calls, MiB", Spread.of(grown["aurashot"]).median, 2)
        ],
    )
