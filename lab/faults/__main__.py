"""Each fault once, over every transport: `scripts/lab faults [--only WORD] [--write]`."""

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

HEAD: Final = ("fault", "billed", "result and number of requests", "slowest, s")


def cells(row: Row, found: list[Cell]) -> Sequence[object]:
    """Return a table row; transports with the same result are grouped."""
    groups: dict[str, list[str]] = {}
    for cell in found:
        groups.setdefault(cell.shown, []).append(cell.transport)
    shown = [text if len(groups) == 1 else f"{', '.join(names)}: {text}" for text, names in groups.items()]
    return row.name, "yes" if row.bills else "no", "; ".join(shown), f"{max(cell.seconds for cell in found):.2f}"


def pairs(word: str) -> list[tuple[Row, str]]:
    """Return all pairs of a fault and a transport that supports it."""
    rows = [row for row in ROWS if word in row.name]
    return [(row, transport) for row in rows for transport in TRANSPORTS if transport not in row.without]


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the calls, print the tables and return the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/lab faults", description="Inject each fault once.")
    parser.add_argument("--only", default="", help="only faults whose names contain this text")
    parser.add_argument("--at-once", type=int, default=2, help="concurrent calls (2)")
    parser.add_argument("--write", action="store_true", help="write the tables to docs/reliability.md")
    options = parser.parse_args(arguments)
    stub_resolver()
    contexts = [] if options.only else [(name, *in_context(name)) for name in CONTEXTS]
    found = matrix(pairs(options.only), options.at_once)
    problems = [
        f"{name}, {cell.transport}: {message}" for name in found for cell in found[name] for message in cell.problems
    ]
    problems += [
        f"{name}: {right} of {calls} calls received their own response"
        for name, calls, right in contexts
        if right != calls
    ]
    text = table(HEAD, (cells(row, found[row.name]) for row in ROWS if row.name in found))
    text += "\n\n" + table(
        ("shared client", "calls", "received own response"),
        ((name, f"{calls:,}", f"{right:,}") for name, calls, right in contexts),
    )
    print(text)
    for message in problems:
        print(message, file=sys.stderr)
    if options.write:
        about = f"{len(found)} faults over {len(TRANSPORTS)} transports, {DEADLINE:g} s per call"
        write("faults", f"{about}; {len(problems)} broken invariants.\n\n{text}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
