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

HEAD: Final = (
    "photos at once",
    "pixels of each",
    "files, MB",
    "passed as",
    "response after, s",
    "uploads",
    "peak, MB",
    "limit, MB",
    "s",
)
CASES: Final = (("path", 0), ("path", 20), ("open file", 20))
"""What is passed, and the seconds after which the server responds: if late, most photos wait for their responses."""

_MB: Final = 1_000_000


def measure(folder: str, form: str, wait: float) -> tuple[Sequence[object], bool]:
    """Upload the photos of a folder at once; return the table row, and whether all is well."""
    paths = list(Path(folder).iterdir())
    size = sum(path.stat().st_size for path in paths)
    numbers = itertools.count()

    def respond(_: object) -> Response:
        return (float(wait), *json_response({"url": f"https://cdn.aurashot.art/u/{next(numbers)}.jpg"}))

    with (
        Server.running(respond, discards_bodies=True) as server,
        Child("lab.photos.program", server.url, folder, form) as program,
    ):
        report = program.receive()
    peak = report["peak"] / _MB
    pixels = f"{SIZE[0]:,} by {SIZE[1]:,}"
    uploaded, seconds = report["uploaded"], f"{report['seconds']:.0f}"
    row = (len(paths), pixels, f"{size / _MB:.0f}", form, wait, uploaded, f"{peak:.0f}", LIMIT, seconds)
    return row, peak < LIMIT and uploaded == len(paths)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and return the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/lab photos", description="Upload many large photos at once.")
    parser.add_argument("--photos", type=int, default=40, help="number of photos (40)")
    parser.add_argument("--write", action="store_true", help="write the table to docs/reliability.md")
    options = parser.parse_args(arguments)
    with TemporaryDirectory() as folder:
        write_photos(Path(folder), options.photos)
        measured = [measure(folder, form, wait) for form, wait in CASES]
    text = table(HEAD, [row for row, _ in measured])
    print(text)
    if options.write:
        write("photos", text)
    return 0 if all(is_good for _, is_good in measured) else 1


if __name__ == "__main__":
    sys.exit(main())
