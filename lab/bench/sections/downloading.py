"""Speed and memory of a large download."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lab.bench.bench import DOWNLOADED
from lab.bench.measure import MIB, Spread
from lab.bench.peers.downloads import DOWNLOADS, MEASURED_CALLS
from lab.bench.report import Goal, Plot, Section, Table

if TYPE_CHECKING:
    from lab.bench.bench import Bench
    from lab.bench.report import Cell

ABOUT: Final = f"""\
A PNG of {DOWNLOADED} MiB is downloaded to a file, after one download that is not measured. Peak memory is the peak of
the process minus its memory before the download."""


def measure(bench: Bench) -> Section:
    """Download the large image with each client."""
    target = str(bench.folder / "downloaded.png")
    with bench.workers("download", DOWNLOADS) as workers:
        for worker in workers.values():
            worker.call(path=target)
        rounds = [{name: worker.call(path=target) for name, worker in workers.items()} for _ in bench.rounds(9)]
    rate = {name: Spread.of(DOWNLOADED / found[name]["wall"] for found in rounds) for name in DOWNLOADS}
    extra = {name: Spread.of(found[name]["extra"] / MIB for found in rounds) for name in DOWNLOADS}
    rows: dict[str, list[Cell]] = {
        name: [
            MEASURED_CALLS[name],
            rate[name],
            rate[name].over(rate["httpx"]),
            Spread.of(1e3 * found[name]["cpu"] for found in rounds),
            extra[name],
        ]
        for name in DOWNLOADS
    }
    head = ["client", "call", "MiB/s", "ratio to httpx", "CPU, ms", "peak memory, MiB"]
    return Section(
        name="downloading",
        title="A large download",
        about=ABOUT,
        tables=[Table(head, ["{}", "{:,.0f}", "{:.2f}", "{:,.0f}", "{:.2f}"], rows)],
        plot=Plot(f"a download of {DOWNLOADED} MiB, MiB/s", {name: [rate[name]] for name in DOWNLOADS}),
        goals=[Goal(f"peak memory of a download of {DOWNLOADED} MiB, MiB", extra["aurashot"].median, 8)],
    )
