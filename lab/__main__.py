"""One entry to all suites: `python -m lab NAME [options]`, or `scripts/lab NAME [options]`."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Final

SUITES: Final = {
    "chaos": ("lab.chaos.__main__", "thousands of calls against a server that fails in many ways"),
    "faults": ("lab.faults.__main__", "one fault after the other, over every transport"),
    "cancels": ("lab.cancels.__main__", "calls that are cancelled at random moments"),
    "kills": ("lab.kills.__main__", "a program that is killed at random moments"),
    "keys": ("lab.keys.__main__", "one idempotency key, used by eight processes at once"),
    "mutants": ("lab.mutants.__main__", "wrong decisions, planted one at a time: does a test fail?"),
    "bench": ("lab.bench.__main__", "CPU, memory and calls per second, beside other clients"),
    "scale": ("lab.bench.scale", "thousands of slow calls at once"),
}


def main() -> int:
    """Run one suite with its options and return its exit code."""
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in SUITES:
        print("usage: scripts/lab NAME [options]; scripts/lab NAME --help lists the options\n", file=sys.stderr)
        for each, (_, what) in SUITES.items():
            print(f"  {each:8} {what}", file=sys.stderr)
        return 2
    result: int = import_module(SUITES[name][0]).main(sys.argv[2:])
    return result


if __name__ == "__main__":
    sys.exit(main())
