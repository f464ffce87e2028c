"""Kill a program that changes a library of characters, and more: `scripts/lab characters [--kills N] [--write]`."""

from __future__ import annotations

import argparse
import sys
import tempfile
from typing import TYPE_CHECKING, Any, Final

from lab.characters.crowd import additions
from lab.characters.killer import kill
from lab.characters.size import measure
from lab.page import table, write

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.characters.crowd import Additions
    from lab.characters.killer import Result
    from lab.characters.size import Sizes

HEAD: Final = (
    "store",
    "kills",
    "changes",
    "killed within one",
    "made all the same",
    "made by a later run",
    "billed",
    "paid twice",
    "problems",
    "files left",
    "s",
)
CROWD_HEAD: Final = ("store", "processes", "changes of one character", "lost", "s")
SIZE_HEAD: Final = (
    "characters",
    "images",
    "list, s",
    "second list, s",
    "MB to list",
    "making the index, s",
    "search, ms",
    "MB to index and search",
)
PROCESSES: Final = 8
_SHOWN: Final = 10


def row(store: str, result: Result) -> Sequence[object]:
    """Return the table row of a run."""
    return (
        store,
        f"{result.kills:,}",
        f"{result.changes:,}",
        f"{result.under_way:,}",
        f"{result.made:,}",
        f"{result.resumed:,}",
        f"{result.bills:,}",
        result.paid_twice,
        len(result.problems),
        result.left,
        f"{result.seconds:.0f}",
    )


def crowd_row(store: str, result: Additions) -> Sequence[object]:
    """Return the table row of several processes."""
    return (store, result.processes, f"{result.reported:,}", result.lost, f"{result.seconds:.0f}")


def size_row(sizes: Sizes) -> Sequence[object]:
    """Return the table row of a large library."""
    return (
        f"{sizes.characters:,}",
        f"{sizes.images:,}",
        f"{sizes.first:.2f}",
        f"{sizes.second:.2f}",
        f"{sizes.list_memory / 1e6:.0f}",
        f"{sizes.index:.1f}",
        f"{1_000 * sizes.search:.0f}",
        f"{sizes.index_memory / 1e6:.0f}",
    )


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the parsed options."""
    parser = argparse.ArgumentParser(
        prog="scripts/lab characters", description="Kill a program that changes a library of characters."
    )
    parser.add_argument("--kills", type=int, default=1_000, help="number of kills (1,000)")
    parser.add_argument("--s3-kills", type=int, default=100, help="number of kills with S3 (100); needs moto")
    parser.add_argument("--processes", type=int, default=PROCESSES, help=f"processes that change it ({PROCESSES})")
    parser.add_argument("--changes", type=int, default=200, help="changes of each process (200)")
    parser.add_argument("--s3-changes", type=int, default=200, help="the same with S3 (200); needs moto")
    parser.add_argument("--no-size", action="store_true", help="do not measure a large library")
    parser.add_argument("--seed", type=int, default=1, help="the seed of the random times (1)")
    parser.add_argument("--write", action="store_true", help="write the tables to docs/reliability.md")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Execute the runs, print the tables and return the exit code."""
    options = parsed(arguments)
    killed: dict[str, Result] = {}
    crowds: dict[str, Additions] = {}
    with tempfile.TemporaryDirectory() as folder:
        if options.kills:
            killed["folder"] = kill(options.kills, options.seed)
        if options.changes:
            crowds["folder"] = additions({"root": folder}, processes=options.processes, count=options.changes)
    if options.s3_kills or options.s3_changes:
        from lab.characters.s3 import bucket, running

        with running() as endpoint:
            if options.s3_kills:
                killed["S3"] = kill(options.s3_kills, options.seed, bucket(endpoint) | {"lock_seconds": 0.5})
            if options.s3_changes:
                place: Mapping[str, Any] = bucket(endpoint) | {"lock_seconds": 10.0}
                crowds["S3"] = additions(place, processes=options.processes, count=options.s3_changes)
    sizes = [] if options.no_size else [measure()]
    tables = [
        table(HEAD, [row(*each) for each in killed.items()]) if killed else "",
        table(CROWD_HEAD, [crowd_row(*each) for each in crowds.items()]) if crowds else "",
        table(SIZE_HEAD, map(size_row, sizes)) if sizes else "",
    ]
    text = "\n\n".join(filter(None, tables))
    print(text)
    runs: list[Result | Additions] = [*killed.values(), *crowds.values()]
    for run in runs:
        for problem in run.problems[:_SHOWN]:
            print(problem, file=sys.stderr)
    if options.write:
        write("characters", text)
    return 0 if all(run.is_good for run in runs) and all(each.is_good for each in sizes) else 1


if __name__ == "__main__":
    sys.exit(main())
