"""Cost of one blocking call, and of an additional client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lab.bench.measure import Cost, Spread
from lab.bench.peers.blocking import CALLS, MEASURED_CALLS
from lab.bench.report import Goal, Plot, Section, Table

if TYPE_CHECKING:
    from lab.bench.bench import Bench
    from lab.bench.report import Cell

CLIENTS: Final = 5
"""Additional clients per round."""
ABOUT: Final = """\
One process for each client, {count} calls per round. CPU time of the client process and wall time, for one call. httpx
and httpx2 parse JSON without validation; the others return objects. *Additional client* is the CPU time of another
client in the same process, without and with its first call."""


def measure(bench: Bench) -> Section:
    """Time one blocking call of each client."""
    count = 50 if bench.quick else 200
    costs = {name: [Cost(**cost) for cost in rounds] for name, rounds in _calls(bench, count).items()}
    cpu = {name: Spread.of(1e6 * cost.cpu / count for cost in rounds) for name, rounds in costs.items()}
    wall = {name: Spread.of(1e6 * cost.wall / count for cost in rounds) for name, rounds in costs.items()}
    made, called = _clients(bench)
    rows: dict[str, list[Cell]] = {
        name: [MEASURED_CALLS[name], cpu[name], cpu[name].over(cpu["httpx"]), wall[name], made[name], called[name]]
        for name in CALLS
    }
    head = ["client", "call", "CPU, µs", "ratio to httpx", "wall, µs", "additional client, ms", "with first call, ms"]
    return Section(
        name="one-call",
        title="One call",
        about=ABOUT.format(count=count),
        tables=[Table(head, ["{}", "{:,.0f}", "{:.2f}", "{:,.0f}", "{:.2f}", "{:.2f}"], rows)],
        plot=Plot("CPU of one call, µs", {name: [spread] for name, spread in cpu.items()}),
        goals=[
            Goal("CPU of one call, ratio to `httpx.Client.post().json()`", cpu["aurashot"].over(cpu["httpx"]), 0.95),
            Goal("CPU of an additional client, ms", made["aurashot"].median, 2.0),
        ],
    )


def _calls(bench: Bench, count: int) -> dict[str, list[dict[str, float]]]:
    with bench.workers("calls", CALLS) as workers:
        for worker in workers.values():
            worker.call(count=count)
        rounds = [{name: worker.call(count=count) for name, worker in workers.items()} for _ in bench.rounds(15)]
    return {name: [costs[name] for costs in rounds] for name in CALLS}


def _clients(bench: Bench) -> tuple[dict[str, Spread], dict[str, Spread]]:
    with bench.workers("clients", CALLS) as workers:
        rounds = [{name: worker.call(count=CLIENTS) for name, worker in workers.items()} for _ in bench.rounds(7)]
    made, called = (
        {name: Spread.of(1e3 * costs[name][what]["cpu"] / CLIENTS for costs in rounds) for name in CALLS}
        for what in ("made", "called")
    )
    return made, called
