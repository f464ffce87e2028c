"""One fault after the other, over every transport: `scripts/lab faults [--only WORD] [--write]`."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Final

from lab.faults.contexts import CONTEXTS, in_context
from lab.faults.matrix import DEADLINE, TRANSPORTS, Cell, matrix
from lab.faults.rows import ROWS, Row
from lab.faults.targets import stub_resolver
from lab.page import table, write

if TYPE_CHECKING:
    from collections.abc import Sequence

HEAD: Final = ("fault", "billed", "what the caller gets, and how often it was sent", "slowest s")


def cells(row: Row, found: list[Cell]) -> Sequence[object]:
    """Return a row of the table: what all transports agree on is said once."""
    groups: dict[str, list[str]] = {}
    for cell in found:
        groups.setdefault(cell.shown, []).append(cell.transport)
    shown = [text if len(groups) == 1 else f"{' and '.join(names)}: {text}" for text, names in groups.items()]
    return row.name, "yes" if row.bills else "no", "; ".join(shown), f"{max(cell.seconds for cell in found):.2f}"


def pairs(word: str) -> list[tuple[Row, str]]:
    """Return each fault with each transport that can meet it."""
    rows = [row for row in ROWS if word in row.name]
    return [(row, transport) for row in rows for transport in TRANSPORTS if transport not in row.without]


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the calls, print the tables, and return the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/lab faults", description="Meet one fault after the other.")
    parser.add_argument("--only", default="", help="the faults whose names hold this word")
    parser.add_argument("--at-once", type=int, default=2, help="cells at once (2)")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/reliability.md")
    options = parser.parse_args(arguments)
    stub_resolver()
    contexts = [] if options.only else [(name, *in_context(name)) for name in CONTEXTS]
    found = matrix(pairs(options.only), options.at_once)
    troubles = [
        f"{name}, {cell.transport}: {words}" for name in found for cell in found[name] for words in cell.troubles
    ]
    troubles += [f"{name}: {right} of {calls}" for name, calls, right in contexts if right != calls]
    text = table(HEAD, (cells(row, found[row.name]) for row in ROWS if row.name in found))
    text += "\n\n" + table(
        ("one client", "calls", "own answer"), ((name, f"{calls:,}", f"{right:,}") for name, calls, right in contexts)
    )
    print(text)  # the table is what this command is for
    for words in troubles:
        print(words, file=sys.stderr)  # and so is this
    if options.write:
        about = f"{len(found)} faults over {len(TRANSPORTS)} transports, {DEADLINE:g} s a call"
        write("faults", f"{about}; {len(troubles)} broken invariants.\n\n{text}")
    return 1 if troubles else 0


if __name__ == "__main__":
    sys.exit(main())
