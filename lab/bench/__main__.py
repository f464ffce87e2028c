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
from lab.bench.report import write_goals, write_section
from lab.bench.sections import at_once, downloading, growing, one_call, recording, starting, uploading
from lab.machine import machine, versions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.bench.report import Section

DOCS: Final = Path(__file__).parents[2] / "docs"
SECTIONS: Final = (starting, one_call, at_once, recording, uploading, growing, downloading)
ABOUT: Final = """\
`scripts/lab bench` writes this page. It measures aurashot beside other clients, each driven through its own public call
against one local server in its own process, which answers each with what the client's own models accept. No client
retries. Every figure is the median of rounds in which the clients take turns, with the lowest and the highest in
brackets where they differ as written. Ratios hold from machine to machine, absolute times do not."""


def measure(*, quick: bool) -> list[Section]:
    """Measure everything."""
    sections: list[Section] = []
    with TemporaryDirectory() as folder, bench(Path(folder), quick=quick) as running:
        for section in SECTIONS:
            start = time.perf_counter()
            sections.append(section.measure(running))
            _say(f"{sections[-1].title}: {time.perf_counter() - start:.0f} s")
    return sections


def page(sections: list[Section], plots: str | None) -> str:
    """Return the whole page as Markdown."""
    when = f"Measured on {datetime.now(UTC):%Y-%m-%d}: {machine()}.\n\n{versions()}."
    why = (
        "What was done for these, and what was tried where one is missed, is told in the [design decisions](design.md)."
    )
    parts = ["# Benchmarks", ABOUT, when, "## Targets", write_goals(sections), why]
    return "\n\n".join([*parts, *(write_section(section, plots) for section in sections)]) + "\n"


def publish(sections: list[Section], folder: Path) -> None:
    """Write the page and its plots."""
    from lab.bench.plots import draw  # not while measuring: a large parent makes slower children

    (folder / "benchmarks").mkdir(exist_ok=True)
    for section in sections:
        draw(section, folder / "benchmarks")
    (folder / "benchmarks.md").write_text(page(sections, "benchmarks"), encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the page, and write it where the documentation is, or nowhere after a quick look."""
    parser = argparse.ArgumentParser(prog="scripts/lab bench", description="Measure aurashot beside other clients.")
    parser.add_argument("--quick", action="store_true", help="under a minute; writes nothing into docs/")
    quick = parser.parse_args(arguments).quick
    sections = measure(quick=quick)
    sys.stdout.write(page(sections, None))
    with TemporaryDirectory() as nowhere:
        publish(sections, Path(nowhere) if quick else DOCS)
    return 0


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
