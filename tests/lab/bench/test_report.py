from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from lab.bench.measure import Spread, slope
from lab.bench.report import Goal, Plot, Section, Table, renewed, write_cell, write_goals, write_section, write_table
from lab.png import write_png

if TYPE_CHECKING:
    from pathlib import Path

    from lab.bench.report import Cell


def section(*goals: Goal) -> Section:
    """Return a section with one row."""
    table = Table(["client", "CPU, µs"], ["{:,.0f}"], {"httpx": [Spread(1500.0, 1400.0, 1700.0)]})
    plot = Plot("CPU, µs", {"httpx": [Spread.of([1500.0])]})
    return Section("one-call", "One call", "What was done.", [table], plot, goals)


def test_a_spread_has_median_minimum_and_maximum() -> None:
    """One slow round does not change the median."""
    assert Spread(2.0, 1.0, 90.0) == Spread.of([90.0, 1.0, 2.0])


def test_the_median_of_two_rounds_is_their_mean() -> None:
    """Both rounds have the same weight."""
    assert Spread(1.5, 1.0, 2.0) == Spread.of(iter([2.0, 1.0]))


def test_a_ratio_is_one_of_medians() -> None:
    """Minimum and maximum do not affect a ratio."""
    assert 0.5 == Spread(2.0, 0.1, 99.0).over(Spread(4.0, 3.0, 5.0))


def test_a_slope_is_growth_by_unit() -> None:
    """Two MiB in two thousand calls are one MiB per thousand calls."""
    assert 0.001 == pytest.approx(slope({1000: 5.0, 2000: 6.0, 3000: 7.0}))


@pytest.mark.parametrize(
    ("cell", "form", "written"),
    [
        (None, "{:.2f}", "-"),
        ("`post()`", "{}", "`post()`"),
        (0.955, "{:.2f}", "0.95"),
        (Spread(1344.4, 1290.0, 1380.0), "{:,.0f}", "1,344 (1,290 to 1,380)"),
        (Spread(1.001, 0.999, 1.002), "{:.2f}", "1.00"),
    ],
    ids=["nothing", "text", "number", "spread", "spread-too-small-to-write"],
)
def test_a_cell_has_the_figure_and_its_spread(cell: Cell, form: str, written: str) -> None:
    """Minimum and maximum are shown if they differ after rounding."""
    assert written == write_cell(cell, form)


def test_a_table_is_markdown_with_right_aligned_numbers() -> None:
    """The first column is text, the others are aligned to the right."""
    table = Table(["client", "calls/s", "errors"], ["{:,.0f}", "{}"], {"httpx": [371.2, "0"], "openai": [None, "3"]})
    assert [
        "| client | calls/s | errors |",
        "| --- | ---: | ---: |",
        "| httpx | 371 | 0 |",
        "| openai | - | 3 |",
    ] == write_table(table).splitlines()


def test_a_row_with_too_few_cells_is_a_mistake() -> None:
    """A figure cannot appear in another column."""
    with pytest.raises(ValueError, match="longer than"):
        write_table(Table(["client", "CPU", "wall"], ["{}", "{}"], {"httpx": [1.0]}))


@pytest.mark.parametrize(
    ("goal", "met"),
    [
        (Goal("CPU", 0.95, 0.95), True),
        (Goal("CPU", 0.951, 0.95), False),
        (Goal("calls/s", 2.3, 2.3, at_least=True), True),
        (Goal("calls/s", 2.2, 2.3, at_least=True), False),
        (Goal("calls/s", 9.0, 2.3, at_least=True, errors=1), False),
    ],
)
def test_a_goal_is_met_within_its_bound_and_without_errors(goal: Goal, *, met: bool) -> None:
    """The bound itself is included; with a failed call, the goal is not met."""
    assert met == goal.is_met


def test_the_goals_of_all_sections_are_in_one_table() -> None:
    """A missed goal is bold, and failed calls are shown."""
    met, missed = Goal("CPU", 0.9, 0.95), Goal("calls/s", 9.0, 6.0, at_least=True, errors=2)
    assert [
        "| CPU | ≤ 0.95 | 0.90 | yes |",
        "| calls/s | ≥ 6.00 | 9.00, 2 errors | **no** |",
    ] == write_goals([section(met), section(missed)]).splitlines()[2:]


def test_a_section_has_title_text_tables_and_plot() -> None:
    """The plot file is named after the section."""
    written = write_section(section(), "benchmarks").split("\n\n")
    assert ["## One call", "What was done."] == written[:2]
    assert ["![CPU, µs](benchmarks/one-call.svg)"] == written[3:]


def test_a_section_on_the_terminal_has_no_plot() -> None:
    """The printed page has no plots."""
    assert "svg" not in write_section(section())


def test_the_image_is_a_valid_png_of_its_size(tmp_path: Path) -> None:
    """Pillow reads the whole file, and its size is the requested one, up to one row."""
    write_png(tmp_path / "image.png", 1)
    content = (tmp_path / "image.png").read_bytes()
    with Image.open(io.BytesIO(content)) as image:
        image.load()
        assert "RGB" == image.mode
    assert 2**20 == pytest.approx(len(content), abs=16 * 1024)


def test_a_section_that_is_measured_again_replaces_its_part_and_its_goals() -> None:
    """The rest of the page stays, and a section that the page does not have is a mistake."""
    old = section(Goal("CPU of one call", 1.0, 0.9))
    page = "\n\n".join(["# Benchmarks", write_goals([old]), write_section(old, "plots"), "## Another\n\nstays"])
    new = renewed(page, [section(Goal("CPU of one call", 0.8, 0.9))], "plots")
    assert page.replace("| 1.00 | **no** |", "| 0.80 | yes |") == new
    with pytest.raises(ValueError, match="nothing like"):
        renewed(page, [replace(old, title="Two calls")], "plots")
