"""Compare altered photographs, and measure what it costs: `scripts/lab identity [--images N] [--write]`."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from aurashot.identity import default_model
from lab.identity import agreement, collages, drift, speed
from lab.page import IDENTITY, table, write

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and return the exit code: 1 if a verdict is wrong, or a limit is exceeded."""
    parser = argparse.ArgumentParser(prog="scripts/lab identity", description="Compare altered photographs.")
    parser.add_argument("--images", type=int, default=1000, help="images compared for the throughput (1000)")
    parser.add_argument("--calls", type=int, default=100, help="calls with each photograph in a drifting sandbox (100)")
    parser.add_argument("--portraits", type=int, default=50, help="drawn portraits that are put into scenes (50)")
    parser.add_argument("--write", action="store_true", help="write the tables to docs/identity.md")
    options = parser.parse_args(arguments)
    model = default_model()
    agreed, is_right = agreement.report(agreement.measure(model))
    rows, is_fast = speed.measure(model, options.images)
    costs = table(speed.HEAD, rows)
    held, is_held = drift.measure(model, options.calls)
    policies = table(drift.HEAD, held)
    seen, are_whole = collages.measure(model, options.portraits)
    faces = table(collages.HEAD, seen)
    print(f"{agreed}\n\n{costs}\n\n{policies}\n\n{faces}")
    if options.write:
        write("identity", agreed, IDENTITY)
        write("identity-cost", costs, IDENTITY)
        write("identity-drift", policies, IDENTITY)
        write("identity-collages", faces, IDENTITY)
    return 0 if is_right and is_fast and is_held and are_whole else 1


if __name__ == "__main__":
    sys.exit(main())
