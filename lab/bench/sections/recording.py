"""Cost of a ledger, and whether it grows with the number of entries."""

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
QUICK: Final = (10, 10_000)
WRITTEN: Final = 100
"""Entries per round."""
ABOUT: Final = """\
{at_once} concurrent calls to a server that responds immediately, in tasks of one event loop or in threads that share
one sync client, with a `SQLiteLedger` on disk and without. Each round has a new process; the calls that succeed within
{seconds:g} s are counted. Each call makes two writes that are synced to disk; writing and syncing 4 KiB took
{sync:.1f} ms on this machine. After each round, the ledger has one entry per call, and one `paid` entry per successful
call.

The second table measures `reserve` followed by `settle` in one thread, with a daily cap and a cap per user, in a new
file with {few:,} entries and in one with {many:,} entries of the same day and {users:,} users. Caps read counters,
so their cost does not grow with the number of entries; the number of pages that a commit writes may grow."""

Run: TypeAlias = dict[str, Any]


def measure(bench: Bench) -> Section:
    """Measure calls with and without a ledger, and ledgers with few and with many entries."""
    with TemporaryDirectory(dir=_disk()) as made:
        folder = Path(made)
        runs, sync = _runs(bench, folder)
        before = QUICK if bench.quick else BEFORE
        took = _entries(bench, folder, before)
    rates = {name: Spread.of(map(_rate, found)) for name, found in runs.items()}
    return Section(
        name="recording",
        title="With a ledger",
        about=ABOUT.format(
            at_once=AT_ONCE, seconds=SECONDS, sync=1e3 * sync, few=before[0], many=before[1], users=USERS
        ),
        tables=[_calls(runs, rates), _writes(took)],
        plot=Plot(f"successful calls per second, {AT_ONCE} concurrent", {name: [rate] for name, rate in rates.items()}),
        goals=[
            Goal(
                f"async calls/s at {AT_ONCE} concurrent with a ledger, ratio to without",
                _ratio(runs, "tasks").median,
                0.5,
                at_least=True,
                errors=sum(_failed(found) for found in runs.values()),
            ),
            Goal(
                f"`reserve` and `settle` with {before[1]:,} entries, ratio to {before[0]}",
                _growth(took).median,
                1.5,
            ),
        ],
    )


def _disk() -> str:
    """Return a folder on disk: `/tmp` may be in memory, `/var/tmp` is not (FHS 3.0, 5.15)."""
    return "/var/tmp" if Path("/var/tmp").is_dir() else tempfile.gettempdir()


def _with(driver: str) -> str:
    return f"{driver}, with a ledger"


def _runs(bench: Bench, folder: Path) -> tuple[dict[str, list[Run]], float]:
    runs: dict[str, list[Run]] = {}
    syncs: list[float] = []
    for number in bench.rounds(15):
        syncs.append(_sync(folder / "sync"))
        for driver in DRIVERS:
            path = folder / f"{driver}-{number}.db"
            runs.setdefault(driver, []).append(_run(bench, driver, None))
            runs.setdefault(_with(driver), []).append(_checked(_run(bench, driver, str(path)), path))
    return runs, statistics.median(syncs)


def _run(bench: Bench, driver: str, path: str | None) -> Run:
    with bench.workers("recording", [driver]) as workers:
        run: Run = workers[driver].call(path=path, at_once=AT_ONCE, warm_up=WARM_UP, seconds=SECONDS)
    return run


def _checked(run: Run, path: Path) -> Run:
    """Check that the ledger has an entry for each call."""
    entries = count_entries(path)
    succeeded = run["made"] - _failed([run])
    if sum(entries.values()) != run["made"] or entries.get("paid", 0) != succeeded:
        raise SystemExit(f"{run['made']} calls were made, {succeeded} of them succeeded, but the ledger has {entries}")
    return run


def _sync(path: Path) -> float:
    """Return the time to write and sync 4 KiB, in seconds."""
    took: list[float] = []
    with path.open("wb", buffering=0) as file:
        for _ in range(20):
            start = time.perf_counter()
            file.write(bytes(4096))
            os.fsync(file.fileno())
            took.append(time.perf_counter() - start)
    return statistics.median(took)


def _entries(bench: Bench, folder: Path, before: tuple[int, int]) -> dict[int, list[Cost]]:
    """Return the cost of each round, by the number of existing entries."""
    few, many = before
    took: dict[int, list[Cost]] = {few: [], many: []}
    with bench.workers("capped", map(str, before)) as workers:
        for number in bench.rounds(7):
            files = {few: f"few-{number}.db", many: "many.db"}
            for count, name in files.items():
                took[count].append(Cost(**workers[str(count)].call(path=str(folder / name), count=WRITTEN)))
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
    head = [f"{AT_ONCE} concurrent", "successful calls per second", "ratio to no ledger", "CPU per call, µs", "errors"]
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
    head = ["existing entries", "`reserve` and `settle`, µs", f"ratio to {few}", "CPU, µs"]
    return Table(head, ["{:,.0f}", "{:.2f}", "{:,.0f}"], rows)
