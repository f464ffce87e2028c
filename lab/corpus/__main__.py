"""Pass the test images of Pillow and pillow-heif in every form: `scripts/lab corpus [--only WORD] [--write]`."""

from __future__ import annotations

import argparse
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lab.corpus.archives import ARCHIVES, CACHE, images
from lab.corpus.run import MOST_MEMORY, Row, run
from lab.page import IMAGES, table, write

if TYPE_CHECKING:
    from collections.abc import Sequence

HEAD: Final = (
    "images of",
    "passed as",
    "files",
    "sent",
    "refused",
    "foreign exceptions",
    "hangs",
    "wrong orientation",
    "location left",
    f"over {MOST_MEMORY:.0f} MB",
    "most MB",
)


def cells(corpus: str, form: str, row: Row) -> Sequence[object]:
    """Return a table row; files of which Pillow cannot make the form are not counted."""
    files = row.files - row.results["absent"] // 2
    return (
        corpus,
        form,
        f"{files:,}",
        f"{row.results['sent']:,}",
        f"{row.results['refused']:,}",
        row.results["foreign"],
        row.results["hang"],
        row.wrong,
        row.location,
        row.large,
        f"{row.peak:.0f}",
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Pass all files, print the table and return the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/lab corpus", description="Pass many odd images in every form.")
    parser.add_argument("--only", default="", help="only files whose paths contain this text")
    parser.add_argument("--workers", type=int, default=2, help="processes (2)")
    parser.add_argument("--limit", type=float, default=60, help="seconds after which a file counts as hanging (60)")
    parser.add_argument("--cache", type=Path, default=CACHE, help="where the archives are kept (.cache/corpus)")
    parser.add_argument("--write", action="store_true", help="write the table to docs/images.md")
    options = parser.parse_args(arguments)
    lines: list[Sequence[object]] = []
    problems: list[str] = []
    for archive in ARCHIVES:
        paths = [path for path in images(archive, options.cache) if options.only in str(path)]
        rows = run(paths, workers=options.workers, limit=options.limit)
        lines += [cells(f"{archive.package} {archive.version}", form, row) for form, row in rows.items()]
        problems += [f"{archive.package}: {problem}" for row in rows.values() for problem in row.problems]
    text = table(HEAD, lines)
    print(text)
    for problem in problems:
        print(problem, file=sys.stderr)
    if options.write:
        versions = f"Decoded by Pillow {version('pillow')} and pillow-heif {version('pillow-heif')}."
        write("corpus", f"{versions}\n\n{text}", IMAGES)
    return 1 if problems or not lines else 0


if __name__ == "__main__":
    sys.exit(main())
