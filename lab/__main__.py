"""Command line for all suites: `python -m lab NAME [options]`, or `scripts/lab NAME [options]`."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Final

SUITES: Final = {
    "chaos": ("lab.chaos.__main__", "thousands of calls against a server with many kinds of faults"),
    "faults": ("lab.faults.__main__", "each fault once, over every transport"),
    "cancels": ("lab.cancels.__main__", "calls that are cancelled at random times"),
    "kills": ("lab.kills.__main__", "a program that is killed at random times"),
    "characters": ("lab.characters.__main__", "a library of characters: killed programs, many processes, many images"),
    "keys": ("lab.keys.__main__", "one idempotency key, used by eight processes concurrently"),
    "photos": ("lab.photos.__main__", "the memory of many large photos that are uploaded at once"),
    "identity": ("lab.identity.__main__", "altered photographs compared, and what a comparison costs"),
    "mutants": ("lab.mutants.__main__", "mutation testing: does a test fail for each wrong decision?"),
    "corpus": ("lab.corpus.__main__", "the test images of Pillow and pillow-heif, passed in every form"),
    "attack": ("lab.attack.__main__", "images with a mark in every place, and images that are made to cost much"),
    "mcp-clients": ("lab.mcp_clients.__main__", "agent frameworks with scripted models use the MCP server"),
    "bench": ("lab.bench.__main__", "CPU, memory and calls per second, compared with other clients"),
    "scale": ("lab.bench.scale", "thousands of slow concurrent calls"),
}


def main() -> int:
    """Run one suite with its options and return its exit code."""
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in SUITES:
        print("usage: scripts/lab NAME [options]; scripts/lab NAME --help lists the options\n", file=sys.stderr)
        for suite, (_, description) in SUITES.items():
            print(f"  {suite:11} {description}", file=sys.stderr)
        return 2
    result: int = import_module(SUITES[name][0]).main(sys.argv[2:])
    return result


if __name__ == "__main__":
    sys.exit(main())
