"""Mutation testing of the policy: `scripts/lab mutants [--only WORD] [--write]`."""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from lab.mutants.planted import MUTANTS
from lab.mutants.trial import Trial, trial
from lab.page import table, write

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.mutants.planted import Mutant

HEAD: Final = ("defect", "first failing test", "first problem in the chaos suite")


def row(found: Trial) -> Sequence[object]:
    """Return the table row of a mutant."""
    return found.name, f"`{found.test}`" if found.test else "none", found.chaos or "none"


def is_good(control: Trial, found: Sequence[Trial]) -> bool:
    """Return whether the unmodified package passes and every mutant fails the tests."""
    return not control.test and not control.chaos and bool(found) and all(each.test for each in found)


def _reported(mutant: Mutant) -> Trial:
    """Test a mutant, and print its result as soon as it is known."""
    found = trial(mutant)
    print(f"{found.name}: {found.test or 'NOT FOUND'}; chaos: {found.chaos or 'nothing'}", file=sys.stderr, flush=True)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Test all mutants, print the table and return the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/lab mutants", description="Run mutation tests of the policy.")
    parser.add_argument("--only", default="", help="only mutants whose names contain this text")
    parser.add_argument("--at-once", type=int, default=2, help="concurrent mutants (2)")
    parser.add_argument("--write", action="store_true", help="write the table to docs/reliability.md")
    options = parser.parse_args(arguments)
    chosen = [mutant for mutant in MUTANTS if options.only in mutant.name]
    control = trial(None)
    with ThreadPoolExecutor(options.at_once) as threads:
        found = list(threads.map(_reported, chosen))
    failed, failed_chaos = sum(bool(each.test) for each in found), sum(bool(each.chaos) for each in found)
    text = table(HEAD, map(row, [control, *found]))
    print(text)
    summary = f"{failed} of {len(found)} mutants fail the tests, {failed_chaos} also fail the chaos suite."
    print(summary, file=sys.stderr)
    if options.write:
        write("mutants", f"{summary}\n\n{text}")
    return 0 if is_good(control, found) else 1


if __name__ == "__main__":
    sys.exit(main())
