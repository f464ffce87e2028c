"""Break the policy, one decision at a time, and see who notices: `scripts/lab mutants [--only WORD] [--write]`."""

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

HEAD: Final = ("what is wrong", "the first test that fails", "what the chaos suite says first")


def row(found: Trial) -> Sequence[object]:
    """Return the cells of a mutant."""
    return found.name, f"`{found.test}`" if found.test else "none", found.chaos or "nothing"


def sound(control: Trial, found: Sequence[Trial]) -> bool:
    """Say whether the tests pass as the package is, and fail with every mutant."""
    return not control.test and not control.chaos and bool(found) and all(each.test for each in found)


def main(arguments: Sequence[str] | None = None) -> int:
    """Try every mutant, print the table, and return the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/lab mutants", description="Break the policy and see who notices.")
    parser.add_argument("--only", default="", help="the mutants whose names hold this word")
    parser.add_argument("--at-once", type=int, default=2, help="mutants at once (2)")
    parser.add_argument("--write", action="store_true", help="put the table into docs/reliability.md")
    options = parser.parse_args(arguments)
    chosen = [mutant for mutant in MUTANTS if options.only in mutant.name]
    control = trial(None)
    with ThreadPoolExecutor(options.at_once) as threads:
        found = list(threads.map(trial, chosen))
    caught, shown = sum(bool(each.test) for each in found), sum(bool(each.chaos) for each in found)
    text = table(HEAD, map(row, [control, *found]))
    print(text)  # the table is what this command is for
    words = f"{caught} of {len(found)} mutants fail the tests, {shown} also fail the chaos suite."
    print(words, file=sys.stderr)  # and so is its sum
    if options.write:
        write("mutants", f"{words}\n\n{text}")
    return 0 if sound(control, found) else 1


if __name__ == "__main__":
    sys.exit(main())
