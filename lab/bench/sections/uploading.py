"""Memory of a large upload."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lab.bench.bench import UPLOADED
from lab.bench.measure import MIB, Spread
from lab.bench.peers.uploads import MEASURED_CALLS, UPLOADS
from lab.bench.report import Goal, Plot, Section, Table
from lab.png import write_png

if TYPE_CHECKING:
    from lab.bench.bench import Bench
    from lab.bench.report import Cell

QUICK: Final = ("httpx", "aurashot", "openai")
ABOUT: Final = f"""\
A PNG of {UPLOADED} MiB is uploaded from its path. Each upload has a new process, which first uploads 1 MiB to load all
code. Peak memory is the peak of the process minus its memory before the upload."""


def measure(bench: Bench) -> Section:
    """Upload the large image with each client."""
    names = QUICK if bench.quick else tuple(UPLOADS)
    write_png(bench.folder / "small.png", 1)
    rounds = [_upload(bench, names) for _ in bench.rounds(3)]
    extra = {name: Spread.of(found[name]["extra"] / MIB for found in rounds) for name in names}
    rows: dict[str, list[Cell]] = {
        name: [
            MEASURED_CALLS[name],
            extra[name],
            Spread.of(found[name]["cpu"] for found in rounds),
            Spread.of(found[name]["wall"] for found in rounds),
        ]
        for name in names
    }
    return Section(
        name="uploading",
        title="A large upload",
        about=ABOUT,
        tables=[Table(["client", "call", "peak memory, MiB", "CPU, s", "wall, s"], ["{}", *["{:,.2f}"] * 3], rows)],
        plot=Plot(f"extra peak memory of an upload of {UPLOADED} MiB, MiB", {name: [extra[name]] for name in names}),
        goals=[Goal(f"peak memory of an upload of {UPLOADED} MiB, MiB", extra["aurashot"].median, 8)],
    )


def _upload(bench: Bench, names: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for name in names:
        with bench.workers("upload", [name]) as workers:
            workers[name].call(path=str(bench.folder / "small.png"))
            found[name] = workers[name].call(path=str(bench.folder / "upload.png"))
    return found
