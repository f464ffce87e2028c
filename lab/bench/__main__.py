"""Run the benchmark: `python -m lab.bench [--quick]`."""

from __future__ import annotations

import argparse
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from lab.bench.bench import bench
from lab.bench.report import renewed, write_goals, write_section
from lab.bench.sections import at_once, downloading, growing, one_call, recording, starting, uploading
from lab.machine import machine, versions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

    from lab.bench.report import Section

DOCS: Final = Path(__file__).parents[2] / "docs"
SECTIONS: Final = (starting, one_call, at_once, recording, uploading, growing, downloading)
NAMES: Final = {module.__name__.rpartition(".")[2].replace("_", "-"): module for module in SECTIONS}
ABOUT: Final = """\
`scripts/lab bench` writes this page. It compares aurashot with other clients. Each is used through its public API, with
retries disabled, against a local server in a separate process that returns responses valid for that client. Each figure
is the median of several rounds, which alternate between the clients; the minimum and the maximum are in parentheses.
Ratios are comparable between machines, absolute times are not."""


def measure(modules: Sequence[ModuleType], *, quick: bool) -> list[Section]:
    """Measure some sections."""
    sections: list[Section] = []
    with TemporaryDirectory() as folder, bench(Path(folder), quick=quick) as running:
        for section in modules:
            start = time.perf_counter()
            sections.append(section.measure(running))
            _log(f"{sections[-1].title}: {time.perf_counter() - start:.0f} s")
    return sections


def page(sections: list[Section], plots: str | None) -> str:
    """Return the whole page as Markdown."""
    when = f"Measured on {datetime.now(UTC):%Y-%m-%d}: {machine()}.\n\n{versions()}."
    why = "The [design decisions](design.md) describe the optimizations, and the attempts where a target is missed."
    parts = ["# Benchmarks", ABOUT, when, "## Targets", write_goals(sections), why]
    return "\n\n".join([*parts, *(write_section(section, plots) for section in sections)]) + "\n"


def publish(sections: list[Section], folder: Path, *, all_of_it: bool) -> None:
    """Write the page and its plots, or only some sections of it and their plots."""
    from lab.bench.plots import (
        draw,
    )  # imported after measuring, since a large parent process starts child processes more slowly

    (folder / "benchmarks").mkdir(exist_ok=True)
    for section in sections:
        draw(section, folder / "benchmarks")
    file = folder / "benchmarks.md"
    written = page(sections, "benchmarks") if all_of_it else renewed(file.read_text("utf-8"), sections, "benchmarks")
    file.write_text(written, encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print the page; without `--quick`, write it to the documentation."""
    parser = argparse.ArgumentParser(prog="scripts/lab bench", description="Compare aurashot with other clients.")
    parser.add_argument("--quick", action="store_true", help="under a minute; writes nothing into docs/")
    parser.add_argument("--only", choices=NAMES, help="measure this section again, and leave the others as they are")
    options = parser.parse_args(arguments)
    quick = options.quick
    modules = [module for name, module in NAMES.items() if options.only in {None, name}]
    sections = measure(modules, quick=quick)
    sys.stdout.write(page(sections, None))
    with TemporaryDirectory() as discarded:
        publish(sections, Path(discarded) if quick else DOCS, all_of_it=quick or options.only is None)
    return 0


def _log(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
