"""What one blocking call costs, and a further client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lab.bench.measure import Cost, Spread
from lab.bench.peers.blocking import CALLS, DRIVEN
from lab.bench.report import Goal, Plot, Section, Table

if TYPE_CHECKING:
    from lab.bench.bench import Bench
    from lab.bench.report import Cell

CLIENTS: Final = 5
"""Further clients of a round."""
ABOUT: Final = """\
One process for each client, {count} calls a round, the processes in turns. Microseconds for one call: CPU of the
client's process, and wall time. httpx and httpx2 parse JSON and check nothing; the others return objects. *Further
client* is a second client in the same process, and its first call, in milliseconds of CPU."""


def measure(bench: Bench) -> Section:
    """Time one blocking call of each client."""
    count = 50 if bench.quick else 200
    costs = {name: [Cost(**cost) for cost in rounds] for name, rounds in _calls(bench, count).items()}
    cpu = {name: Spread.of(1e6 * cost.cpu / count for cost in rounds) for name, rounds in costs.items()}
    wall = {name: Spread.of(1e6 * cost.wall / count for cost in rounds) for name, rounds in costs.items()}
    made, called = _clients(bench)
    rows: dict[str, list[Cell]] = {
        name: [DRIVEN[name], cpu[name], cpu[name].over(cpu["httpx"]), wall[name], made[name], called[name]]
        for name in CALLS
    }
    head = ["client", "call", "CPU, µs", "over httpx", "wall, µs", "further client, ms", "with its first call, ms"]
    return Section(
        name="one-call",
        title="One call",
        about=ABOUT.format(count=count),
        tables=[Table(head, ["{}", "{:,.0f}", "{:.2f}", "{:,.0f}", "{:.2f}", "{:.2f}"], rows)],
        plot=Plot("CPU of one call, µs", {name: [spread] for name, spread in cpu.items()}),
        goals=[
            Goal("CPU of one typed call over `httpx.Client.post().json()`", cpu["aurashot"].over(cpu["httpx"]), 0.95),
            Goal("a further client, ms", made["aurashot"].median, 2.0),
        ],
    )


def _calls(bench: Bench, count: int) -> dict[str, list[dict[str, float]]]:
    with bench.workers("calls", CALLS) as workers:
        for worker in workers.values():
            worker.do(count=count)
        rounds = [{name: worker.do(count=count) for name, worker in workers.items()} for _ in bench.rounds(15)]
    return {name: [costs[name] for costs in rounds] for name in CALLS}


def _clients(bench: Bench) -> tuple[dict[str, Spread], dict[str, Spread]]:
    with bench.workers("clients", CALLS) as workers:
        rounds = [{name: worker.do(count=CLIENTS) for name, worker in workers.items()} for _ in bench.rounds(7)]
    made, called = (
        {name: Spread.of(1e3 * costs[name][what]["cpu"] / CLIENTS for costs in rounds) for name in CALLS}
        for what in ("made", "called")
    )
    return made, called
