"""The results of a run, as records and as Markdown."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from lab.bench.measure import Spread

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Cell: TypeAlias = "Spread | float | str | None"


@dataclass(frozen=True, slots=True)
class Table:
    """A table of figures by client.

    Attributes:
        head: The column headings; the first column is the client.
        forms: The format of each other column, such as `{:,.0f}`.
        rows: The cells by client; None for figures that were not measured.
    """

    head: Sequence[str]
    forms: Sequence[str]
    rows: Mapping[str, Sequence[Cell]]


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure with a bound.

    Attributes:
        figure: The name of the figure.
        value: The measured value.
        bound: The maximum, or the minimum.
        at_least: Whether the bound is a minimum.
        form: The format of the numbers.
        errors: Number of failed calls; a goal with errors is not met.
    """

    figure: str
    value: float
    bound: float
    at_least: bool = False
    form: str = "{:.2f}"
    errors: int = 0

    @property
    def is_met(self) -> bool:
        """Whether the value is within the bound and there are no errors."""
        is_within = self.value >= self.bound if self.at_least else self.value <= self.bound
        return is_within and not self.errors

    def cells(self) -> list[str]:
        """Return the table row of the goal."""
        sign = "≥" if self.at_least else "≤"
        value = self.form.format(self.value) + (f", {self.errors} errors" if self.errors else "")
        return [self.figure, f"{sign} {self.form.format(self.bound)}", value, "yes" if self.is_met else "**no**"]


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot of figures: a bar for each client or, with several values of `x`, a line.

    Attributes:
        axis: The label of the figures, with their unit.
        series: The figures by client, one for each value of `x`.
        x: The values of the x axis, such as the number of concurrent calls.
        x_axis: The label of the x axis.
        logarithmic: Whether both axes are logarithmic.
    """

    axis: str
    series: Mapping[str, Sequence[Spread]]
    x: Sequence[float] = ()
    x_axis: str = ""
    logarithmic: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """A section of the page.

    Attributes:
        name: The name of the plot file.
        title: The heading.
        about: A description of the measurement, in Markdown.
        tables: The tables.
        plot: The plot.
        goals: The targets.
    """

    name: str
    title: str
    about: str
    tables: Sequence[Table]
    plot: Plot
    goals: Sequence[Goal] = field(default=())


def write_cell(cell: Cell, form: str) -> str:
    """Format a figure, with minimum and maximum if the rounds differ."""
    if cell is None:
        return "-"
    if isinstance(cell, str):
        return cell
    if not isinstance(cell, Spread):
        return form.format(cell)
    median, low, high = (form.format(value) for value in (cell.median, cell.low, cell.high))
    return median if low == high else f"{median} ({low} to {high})"


def write_rows(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; all columns but the first are right-aligned."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def write_table(table: Table) -> str:
    """Return a table as Markdown."""
    rows = [
        [name, *(write_cell(cell, form) for cell, form in zip(cells, table.forms, strict=True))]
        for name, cells in table.rows.items()
    ]
    return write_rows(table.head, rows)


def write_goals(sections: Iterable[Section]) -> str:
    """Return the goals of all sections as one Markdown table."""
    head = ["figure (median)", "target", "measured", "met"]
    return write_rows(head, [goal.cells() for section in sections for goal in section.goals])


def write_section(section: Section, plots: str | None = None) -> str:
    """Return a section as Markdown, with its plot from the folder `plots`."""
    parts = [f"## {section.title}", section.about, *(write_table(table) for table in section.tables)]
    if plots is not None:
        parts.append(f"![{section.plot.axis}]({plots}/{section.name}.svg)")
    return "\n\n".join(parts)


def renewed(page: str, sections: Iterable[Section], plots: str) -> str:
    """Return a page with some sections and their goals as they were measured now.

    Raises:
        ValueError: The page has no such section or goal.
    """
    for section in sections:
        page = _replaced(page, rf"## {re.escape(section.title)}\n.*?(?=\n+## |\n*\Z)", write_section(section, plots))
        for goal in section.goals:
            page = _replaced(page, rf"\| {re.escape(goal.figure)} \|[^\n]*", f"| {' | '.join(goal.cells())} |")
    return page


def _replaced(page: str, pattern: str, text: str) -> str:
    new, count = re.subn(pattern, lambda _: text, page, count=1, flags=re.DOTALL)
    if not count:
        raise ValueError(f"the page has nothing like {pattern!r}")
    return new
