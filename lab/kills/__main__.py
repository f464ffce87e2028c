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
    "called paid, not billed",
    "in doubt (billed)",
    "most in doubt after one kill",
    "integrity of the file",
    "s",
)


def row(result: Result) -> Sequence[object]:
    """Return the cells of a run."""
    return (
        f"{result.kills:,}",
        f"{result.calls:,}",
        f"{result.bills:,}",
        result.lost,
        result.double,
        result.imagined,
        f"{result.in_doubt:,} ({result.in_doubt_billed:,})",
        result.most_in_doubt,
        result.integrity,
        f"{result.seconds:.0f}",
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the run and return the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/lab kills", description="Kill a program that makes billed calls.")
    parser.add_argument("--kills", type=int, default=1_000, help="how often (1,000)")
    parser.add_argument("--seed", type=int, default=1, help="what the moments are drawn from (1)")
    parser.add_argument("--write", action="store_true", help="put the table into docs/reliability.md")
    options = parser.parse_args(arguments)
    result = kill(options.kills, options.seed)
    text = table(HEAD, [row(result)])
    print(text)  # the table is what this command is for
    if options.write:
        write("kills", text)
    return 0 if result.is_sound else 1


if __name__ == "__main__":
    sys.exit(main())
