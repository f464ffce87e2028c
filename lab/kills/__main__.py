"""Kill a program that makes billed calls and print what was lost: `scripts/lab kills [--kills N] [--write]`."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Final

from lab.kills.killer import Result, kill
from lab.page import table, write

if TYPE_CHECKING:
    from collections.abc import Sequence

HEAD: Final = (
    "kills",
    "calls",
    "billed",
    "lost",
    "double-billed",
    "marked paid, not billed",
    "unknown (billed)",
    "most unknown after one kill",
    "integrity check",
    "s",
)


def row(result: Result) -> Sequence[object]:
    """Return the table row of a run."""
    return (
        f"{result.kills:,}",
        f"{result.calls:,}",
        f"{result.bills:,}",
        result.lost,
        result.double,
        result.not_billed,
        f"{result.unknown:,} ({result.unknown_billed:,})",
        result.most_unknown,
        result.integrity,
        f"{result.seconds:.0f}",
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Execute the run, print the table and return the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/lab kills", description="Kill a program that makes billed calls.")
    parser.add_argument("--kills", type=int, default=1_000, help="number of kills (1,000)")
    parser.add_argument("--seed", type=int, default=1, help="the seed of the random times (1)")
    parser.add_argument("--write", action="store_true", help="write the table to docs/reliability.md")
    options = parser.parse_args(arguments)
    result = kill(options.kills, options.seed)
    text = table(HEAD, [row(result)])
    print(text)
    if options.write:
        write("kills", text)
    return 0 if result.is_good else 1


if __name__ == "__main__":
    sys.exit(main())
