"""Upload many large photos at once, and print the memory that it takes: `scripts/lab photos [--photos N] [--write]`."""

from __future__ import annotations

import argparse
import itertools
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from lab.page import table, write
from lab.photos.photo import SIZE, write_photos
from lab.process import Child
from lab.server import Server, json_response

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.server import Response

LIMIT: Final = 600
"""The most memory that the process may take, in MB."""

HEAD: Final = ("photos at once", "pixels of each", "files, MB", "uploads", "peak, MB", "limit, MB", "s")
_MB: Final = 1_000_000


def measure(photos: int) -> tuple[Sequence[object], bool]:
    """Upload so many photos at once; return the table row, and whether all is well."""
    numbers = itertools.count()

    def respond(_: object) -> Response:
        return json_response({"url": f"https://cdn.aurashot.art/u/{next(numbers)}.jpg"})

    with TemporaryDirectory() as folder:
        size = write_photos(Path(folder), photos)
        with (
            Server.running(respond, discards_bodies=True) as server,
            Child("lab.photos.program", server.url, folder) as program,
        ):
            report = program.receive()
    peak = report["peak"] / _MB
    pixels = f"{SIZE[0]:,} by {SIZE[1]:,}"
    row = (photos, pixels, f"{size / _MB:.0f}", report["uploaded"], f"{peak:.0f}", LIMIT, f"{report['seconds']:.0f}")
    return row, peak < LIMIT and report["uploaded"] == photos


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and return the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/lab photos", description="Upload many large photos at once.")
    parser.add_argument("--photos", type=int, default=40, help="number of photos (40)")
    parser.add_argument("--write", action="store_true", help="write the table to docs/reliability.md")
    options = parser.parse_args(arguments)
    row, is_good = measure(options.photos)
    text = table(HEAD, [row])
    print(text)
    if options.write:
        write("photos", text)
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
