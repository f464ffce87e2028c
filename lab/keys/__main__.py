"""Ask for the same key from eight processes at once: `scripts/lab keys [--keys N] [--seed S] [--without] [--write]`."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Final

from lab.keys.rounds import Result, carry_out
from lab.page import table, write

if TYPE_CHECKING:
    from collections.abc import Sequence

HEAD: Final = (
    "run",
    "keys",
    "killed while asking",
    "delivered (from the ledger)",
    "told that it may be on the bill",
    "other errors",
    "in doubt (billed)",
    "bills",
    "double-billed",
    "different images",
    "foreign",
    "untyped",
    "lost",
    "called paid, not billed",
    "obtained by all in the end",
    "integrity of the file",
    "s",
)


def row(name: str, result: Result) -> Sequence[object]:
    """Return the cells of a run."""
    return (
        name,
        f"{result.keys:,}",
        f"{result.killed:,}",
        f"{result.delivered:,} ({result.from_ledger:,})",
        f"{result.unresolved:,}",
        f"{result.errors:,}",
        f"{result.resolved:,} ({result.resolved_as_paid:,})",
        f"{result.bills:,}",
        result.double,
        result.different,
        result.foreign,
        result.untyped,
        len(result.lost),
        len(result.imagined),
        f"{result.obtained:,}",
        result.integrity,
        f"{result.seconds:.0f}",
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the run, and the one for comparison if it is wanted, and return the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/lab keys", description="Ask for the same key from eight processes.")
    parser.add_argument("--keys", type=int, default=200, help="how many keys (200)")
    parser.add_argument("--seed", type=int, default=1, help="what faults and kills are drawn from (1)")
    parser.add_argument("--without", action="store_true", help="also with pay_once=False, which has to pay twice")
    parser.add_argument("--write", action="store_true", help="put the table into docs/reliability.md")
    options = parser.parse_args(arguments)
    result = carry_out(options.keys, options.seed)
    rows, is_sound = [row("one key pays once", result)], result.is_sound
    if options.without:
        other = carry_out(options.keys, options.seed, pay_once=False)
        rows.append(row("for comparison: `pay_once=False`, one round", other))
        is_sound = is_sound and other.double > 0
    text = table(HEAD, rows)
    print(text)  # the table is what this command is for
    if options.write:
        write("keys", text)
    return 0 if is_sound else 1


if __name__ == "__main__":
    sys.exit(main())
