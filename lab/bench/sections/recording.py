"""What a ledger costs, and whether its cost grows with its entries."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from lab.bench.measure import Cost, Spread
from lab.bench.recorded import USERS, count_entries
from lab.bench.report import Goal, Plot, Section, Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.bench.bench import Bench
    from lab.bench.report import Cell

AT_ONCE: Final = 64
WARM_UP: Final = 0.5
SECONDS: Final = 2.0
DRIVERS: Final = ("tasks", "threads")
BEFORE: Final = (10, 1_000_000)
IN_SHORT: Final = (10, 10_000)
WRITTEN: Final = 100
"""Entries of a round."""
ABOUT: Final = """\
{at_once} calls at once against a server that answers immediately, by tasks of one event loop and by threads that share
one blocking client, with a `SQLiteLedger` on disk and without one: fresh processes each round, in turns. Counted are
the answers of {seconds:g} s. Each call is two writes, each of them on the disk before the call goes on; writing 4 KiB
and syncing them took {sync:.1f} ms here. After each round, the file had one entry for each call that was made, and one
that is `paid` for each that was answered.

The second table is about `reserve` and then `settle`, one after the other in one thread, under a cap for the day and
one for each user: in a fresh file of {few:,} entries, and in one of {many:,}, all of this day, of {users:,} users. The
caps look into counters, so their cost does not grow with the entries; what can grow is the part of the file that a
commit touches."""

Run: TypeAlias = dict[str, Any]


def measure(bench: Bench) -> Section:
    """Measure calls with a ledger and without, and ledgers of few and many entries."""
    with TemporaryDirectory(dir=_disk()) as made:
        folder = Path(made)
        runs, sync = _runs(bench, folder)
        before = IN_SHORT if bench.quick else BEFORE
        took = _entries(bench, folder, before)
    rates = {name: Spread.of(map(_rate, found)) for name, found in runs.items()}
    return Section(
        name="recording",
        title="With a ledger",
        about=ABOUT.format(
            at_once=AT_ONCE, seconds=SECONDS, sync=1e3 * sync, few=before[0], many=before[1], users=USERS
        ),
        tables=[_calls(runs, rates), _writes(took)],
        plot=Plot(f"answered calls a second, {AT_ONCE} at once", {name: [rate] for name, rate in rates.items()}),
        goals=[
            Goal(
                f"async calls/s at {AT_ONCE} with a ledger over the same without",
                _ratio(runs, "tasks").median,
                0.5,
                at_least=True,
                errors=sum(_failed(found) for found in runs.values()),
            ),
            Goal(
                f"`reserve` and `settle` with caps after {before[1]:,} entries over after {before[0]}",
                _growth(took).median,
                1.5,
            ),
        ],
    )


def _disk() -> str:
    """Return where a disk is: `/tmp` may be in memory, `/var/tmp` is not (FHS 3.0, 5.15)."""
    return "/var/tmp" if Path("/var/tmp").is_dir() else tempfile.gettempdir()


def _with(driver: str) -> str:
    return f"{driver}, with a ledger"


def _runs(bench: Bench, folder: Path) -> tuple[dict[str, list[Run]], float]:
    runs: dict[str, list[Run]] = {}
    syncs: list[float] = []
    for number in bench.rounds(5):
        syncs.append(_sync(folder / "sync"))
        for driver in DRIVERS:
            path = folder / f"{driver}-{number}.db"
            runs.setdefault(driver, []).append(_run(bench, driver, None))
            runs.setdefault(_with(driver), []).append(_checked(_run(bench, driver, str(path)), path))
    return runs, statistics.median(syncs)


def _run(bench: Bench, driver: str, path: str | None) -> Run:
    with bench.workers("recording", [driver]) as workers:
        run: Run = workers[driver].do(path=path, at_once=AT_ONCE, warm_up=WARM_UP, seconds=SECONDS)
    return run


def _checked(run: Run, path: Path) -> Run:
    """Look into the file: an entry that is missing would be an image that nobody knows of."""
    entries = count_entries(path)
    wanted = run["made"] - _failed([run])
    if sum(entries.values()) != run["made"] or entries.get("paid", 0) != wanted:
        raise SystemExit(f"{run['made']} calls were made, {wanted} of them were answered, and the ledger has {entries}")
    return run


def _sync(path: Path) -> float:
    """Return the seconds that a write of 4 KiB takes until it is on the disk."""
    took: list[float] = []
    with path.open("wb", buffering=0) as file:
        for _ in range(20):
            start = time.perf_counter()
            file.write(bytes(4096))
            os.fsync(file.fileno())
            took.append(time.perf_counter() - start)
    return statistics.median(took)


def _entries(bench: Bench, folder: Path, before: tuple[int, int]) -> dict[int, list[Cost]]:
    """Return what each round took, by how many entries were there before."""
    few, many = before
    took: dict[int, list[Cost]] = {few: [], many: []}
    with bench.workers("capped", map(str, before)) as workers:
        for number in bench.rounds(7):
            files = {few: f"few-{number}.db", many: "many.db"}
            for count, name in files.items():
                took[count].append(Cost(**workers[str(count)].do(path=str(folder / name), count=WRITTEN)))
    return took


def _rate(run: Run) -> float:
    return float(run["done"] / run["cost"]["wall"])


def _failed(runs: Sequence[Run]) -> int:
    return sum(sum(run["errors"].values()) for run in runs)


def _ratio(runs: Mapping[str, Sequence[Run]], driver: str) -> Spread:
    return Spread.of(_rate(ours) / _rate(bare) for ours, bare in zip(runs[_with(driver)], runs[driver], strict=True))


def _calls(runs: Mapping[str, Sequence[Run]], rates: Mapping[str, Spread]) -> Table:
    ratios = {_with(driver): _ratio(runs, driver) for driver in DRIVERS}
    rows: dict[str, list[Cell]] = {
        name: [
            rates[name],
            ratios.get(name),
            Spread.of(1e6 * run["cost"]["cpu"] / run["done"] for run in found),
            str(_failed(found)),
        ]
        for name, found in runs.items()
    }
    head = [f"{AT_ONCE} at once", "answered calls a second", "over the same without", "CPU of a call, µs", "errors"]
    return Table(head, ["{:,.0f}", "{:.2f}", "{:,.0f}", "{}"], rows)


def _growth(took: Mapping[int, Sequence[Cost]]) -> Spread:
    few, many = took.values()
    return Spread.of(after.wall / before.wall for before, after in zip(few, many, strict=True))


def _writes(took: Mapping[int, Sequence[Cost]]) -> Table:
    few = next(iter(took))
    rows: dict[str, list[Cell]] = {
        f"{count:,}": [
            Spread.of(1e6 * cost.wall / WRITTEN for cost in found),
            None if count == few else _growth(took),
            Spread.of(1e6 * cost.cpu / WRITTEN for cost in found),
        ]
        for count, found in took.items()
    }
    head = ["entries before", "`reserve` and `settle`, µs", f"over {few}", "CPU, µs"]
    return Table(head, ["{:,.0f}", "{:.2f}", "{:,.0f}"], rows)
