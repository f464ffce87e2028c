"""Attack the SDK with images: `scripts/lab attack [--megabytes N] [--write]`."""

from __future__ import annotations

import argparse
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

import pillow_heif
from PIL import Image, ImageChops

from lab.attack import gif, jpeg, png, webp
from lab.attack.bombs import BOMBS
from lab.attack.judge import MEMORY, TIME, Row, downloaded, judge, uploaded
from lab.page import IMAGES, table, write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

SIZE: Final = (48, 32)
BAD: Final = ("marks left", "pixels changed", "foreign exceptions", "over time", "over memory")
HEAD: Final = ("attack", "passed as", "files", "taken", "refused", *BAD, "most s", "most MB")
PLANTED: Final[dict[str, Callable[[Image.Image], Iterator[tuple[str, bytes]]]]] = {
    "a mark in JPEG": jpeg.planted,
    "a mark in PNG": png.planted,
    "a mark in WebP": webp.planted,
    "a mark in GIF": gif.planted,
    "a mark in what is converted": gif.converted,
}


def original() -> Image.Image:
    """Return a small image with structure and noise."""
    bands = [
        Image.effect_noise(SIZE, 60),
        Image.linear_gradient("L").resize(SIZE),
        Image.effect_noise(SIZE, 9),
    ]
    return Image.merge("RGB", [ImageChops.offset(band, 7, 3) for band in bands])


def attack(megabytes: float) -> dict[tuple[str, str], Row]:
    """Pass all files, and return a row for each attack and each way."""
    library: Any = pillow_heif
    library.register_heif_opener()
    image, rows = original(), dict[tuple[str, str], Row]()
    uploaded(gif.encoded(image, "JPEG"))  # what is imported once is not measured
    for attack_name, planted in PLANTED.items():
        for name, content in planted(image):
            judge(rows.setdefault((attack_name, "upload"), Row()), name, content, uploaded, look=True)
            if "behind the end" in name and "converted" not in attack_name:
                row = rows.setdefault(("a mark behind the end", "download"), Row())
                judge(row, name, content, downloaded, look=True)
    for name, make in BOMBS.items():
        content = make(int(megabytes * 1_000_000))
        for way, passed in (("upload", uploaded), ("download", downloaded)):
            judge(rows.setdefault(("many parts and bombs", way), Row()), name, content, passed, look=False)
    return rows


def cells(key: tuple[str, str], row: Row) -> Sequence[object]:
    """Return a table row."""
    counts = [row.results[word] for word in ("files", "taken", "refused", *BAD)]
    return (*key, *counts, f"{row.seconds:.2f}", f"{row.megabytes:.0f}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Pass all files, print the table and return the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/lab attack", description="Pass files that are made to do harm.")
    parser.add_argument("--megabytes", type=float, default=10, help="size of the files with many parts (10)")
    parser.add_argument("--write", action="store_true", help="write the table to docs/images.md")
    options = parser.parse_args(arguments)
    rows = attack(options.megabytes)
    text = table(HEAD, [cells(key, row) for key, row in rows.items()])
    print(text)
    for key, row in rows.items():
        for problem in row.problems:
            print(*key, problem, sep=": ", file=sys.stderr)
    if options.write:
        versions = f"Pillow {version('pillow')} and pillow-heif {version('pillow-heif')}"
        limits = f"Each file had {TIME:g} s and {MEMORY} MB; those with many parts had {options.megabytes:g} MB."
        write("attack", f"{limits} {versions}.\n\n{text}", IMAGES)
    return 1 if any(row.problems for row in rows.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
