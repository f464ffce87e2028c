"""Cancel thousands of calls and print what was lost: `scripts/lab cancels [--runs N] [--cancels N] [--write]`."""

from __future__ import annotations

import argparse
import statistics
import sys
from typing import TYPE_CHECKING, Final

from lab.cancels.churn import PROBES, Run, churn
from lab.page import table, write

if TYPE_CHECKING:
    from collections.abc import Sequence

HEAD: Final = (
    "run",
    "cancelled",
    "finished",
    "billed",
    "billed and lost",
    "billed, marked not paid",
    "double-billed",
    "successful probes",
    "leaked files",
    "cancellation delay, ms: median",
    "99 %",
    "maximum",
    "s",
)


def row(run: Run) -> Sequence[object]:
    """Return the table row of a run."""
    times = sorted(run.times) or [0.0]
    return (
        f"{run.backend}, seed {run.seed}",
        f"{run.cancels:,}",
        f"{run.finished:,}",
        f"{run.billed:,}",
        run.lost,
        run.wrong,
        run.double,
        f"{run.probes} of {PROBES}",
        run.files,
        f"{statistics.median(times):.1f}",
        f"{times[int(len(times) * 0.99)]:.1f}",
        f"{run.slowest:.1f}",
        f"{run.seconds:.0f}",
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Execute the runs, alternating between asyncio and trio, and return the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/lab cancels", description="Cancel calls at random times.")
    parser.add_argument("--runs", type=int, default=10, help="number of runs, each with its own seed (10)")
    parser.add_argument("--cancels", type=int, default=2_000, help="cancelled calls per run (2,000)")
    parser.add_argument("--write", action="store_true", help="write the table to docs/reliability.md")
    options = parser.parse_args(arguments)
    runs = [churn(seed, options.cancels, ("asyncio", "trio")[seed % 2]) for seed in range(options.runs)]
    text = table(HEAD, map(row, runs))
    print(text)
    if options.write:
        write("cancels", text)
    return 0 if all(run.is_good for run in runs) else 1


if __name__ == "__main__":
    sys.exit(main())
