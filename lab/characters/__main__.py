"""Kill a program that changes a library of characters: `scripts/lab characters [--kills N] [--write]`."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Final

from lab.characters.killer import Result, kill
from lab.page import table, write

if TYPE_CHECKING:
    from collections.abc import Sequence

HEAD: Final = ("store", "kills", "changes", "killed within one", "of these made", "problems", "files left", "s")
_SHOWN: Final = 10


def row(store: str, result: Result) -> Sequence[object]:
    """Return the table row of a run."""
    return (
        store,
        f"{result.kills:,}",
        f"{result.changes:,}",
        f"{result.under_way:,}",
        f"{result.made:,}",
        len(result.problems),
        result.left,
        f"{result.seconds:.0f}",
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Execute the run, print the table and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="scripts/lab characters", description="Kill a program that changes a library."
    )
    parser.add_argument("--kills", type=int, default=1_000, help="number of kills (1,000)")
    parser.add_argument("--s3-kills", type=int, default=0, help="number of kills with S3 (0); needs moto")
    parser.add_argument("--seed", type=int, default=1, help="the seed of the random times (1)")
    parser.add_argument("--write", action="store_true", help="write the table to docs/reliability.md")
    options = parser.parse_args(arguments)
    results = {"folder": kill(options.kills, options.seed)}
    if options.s3_kills:
        from lab.characters.s3 import running

        with running() as place:
            results["S3"] = kill(options.s3_kills, options.seed, place | {"lock_seconds": 0.5})
    text = table(HEAD, [row(store, result) for store, result in results.items()])
    print(text)
    for result in results.values():
        for problem in result.problems[:_SHOWN]:
            print(problem, file=sys.stderr)
    if options.write:
        write("characters", text)
    return 0 if all(result.is_good for result in results.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
