"""Use one key in eight processes at the same time: `scripts/lab keys [--keys N] [--seed S] [--without] [--write]`."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Final

from lab.keys.rounds import Result, execute
from lab.page import table, write

if TYPE_CHECKING:
    from collections.abc import Sequence

HEAD: Final = (
    "run",
    "keys",
    "killed during a call",
    "delivered (from the ledger)",
    "UnresolvedError",
    "other errors",
    "unknown (billed)",
    "bills",
    "double-billed",
    "different images",
    "wrong image",
    "untyped",
    "lost",
    "marked paid, not billed",
    "obtained by all processes",
    "integrity check",
    "s",
)


def row(name: str, result: Result) -> Sequence[object]:
    """Return the table row of a run."""
    return (
        name,
        f"{result.keys:,}",
        f"{result.killed:,}",
        f"{result.delivered:,} ({result.from_ledger:,})",
        f"{result.unresolved:,}",
        f"{result.errors:,}",
        f"{result.unknown:,} ({result.unknown_billed:,})",
        f"{result.bills:,}",
        result.double,
        result.different,
        result.wrong_image,
        result.untyped,
        len(result.lost),
        len(result.not_billed),
        f"{result.obtained:,}",
        result.integrity,
        f"{result.seconds:.0f}",
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Execute the run, and optionally the one for comparison, and return the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/lab keys", description="Use the same key in eight processes.")
    parser.add_argument("--keys", type=int, default=200, help="number of keys (200)")
    parser.add_argument("--seed", type=int, default=1, help="the seed of faults and kills (1)")
    parser.add_argument(
        "--without", action="store_true", help="also run with pay_once=False, which must bill keys twice"
    )
    parser.add_argument("--write", action="store_true", help="write the table to docs/reliability.md")
    options = parser.parse_args(arguments)
    result = execute(options.keys, options.seed)
    rows, is_good = [row("each key is billed once", result)], result.is_good
    if options.without:
        comparison = execute(options.keys, options.seed, pay_once=False)
        rows.append(row("comparison: `pay_once=False`, one round", comparison))
        is_good = is_good and comparison.double > 0
    text = table(HEAD, rows)
    print(text)
    if options.write:
        write("keys", text)
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
