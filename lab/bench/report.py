"""What a run found, as records and as Markdown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from lab.bench.measure import Spread

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Cell: TypeAlias = "Spread | float | str | None"


@dataclass(frozen=True, slots=True)
class Table:
    """Figures of several clients.

    Attributes:
        head: What the columns say; the first column names the client.
        forms: How the numbers of each further column are written, such as `{:,.0f}`.
        rows: The cells by client; None where nothing was measured.
    """

    head: Sequence[str]
    forms: Sequence[str]
    rows: Mapping[str, Sequence[Cell]]


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure that has to stay on its side of a bound.

    Attributes:
        figure: What was measured, over what.
        value: What came out.
        bound: The most that it may be, or the least.
        at_least: Which of the two the bound is.
        form: How the numbers are written.
        errors: Calls that failed; a goal with errors is not met.
    """

    figure: str
    value: float
    bound: float
    at_least: bool = False
    form: str = "{:.2f}"
    errors: int = 0

    @property
    def is_met(self) -> bool:
        """Whether the value is on the right side."""
        right = self.value >= self.bound if self.at_least else self.value <= self.bound
        return right and not self.errors

    def cells(self) -> list[str]:
        """Return the cells of the goal's row."""
        sign = "≥" if self.at_least else "≤"
        value = self.form.format(self.value) + (f", {self.errors} errors" if self.errors else "")
        return [self.figure, f"{sign} {self.form.format(self.bound)}", value, "yes" if self.is_met else "**no**"]


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot of figures: a bar for each client or, with several values of `x`, a line.

    Attributes:
        axis: What the figures are, with their unit.
        series: The figures by client, one for each value of `x`.
        x: What the figures depend on, such as the number of calls at once.
        x_axis: What `x` is.
        logarithmic: Whether `x` and the figures span powers of ten.
    """

    axis: str
    series: Mapping[str, Sequence[Spread]]
    x: Sequence[float] = ()
    x_axis: str = ""
    logarithmic: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """One question and its answer.

    Attributes:
        name: The name of its plot's file.
        title: The question, in a few words.
        about: What was done, in Markdown.
        tables: The figures.
        plot: The image.
        goals: What the figures have to be.
    """

    name: str
    title: str
    about: str
    tables: Sequence[Table]
    plot: Plot
    goals: Sequence[Goal] = field(default=())


def write_cell(cell: Cell, form: str) -> str:
    """Write a figure, with its spread where several rounds differ."""
    if cell is None:
        return "-"
    if isinstance(cell, str):
        return cell
    if not isinstance(cell, Spread):
        return form.format(cell)
    median, low, high = (form.format(value) for value in (cell.median, cell.low, cell.high))
    return median if low == high else f"{median} ({low} to {high})"


def write_rows(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table whose further columns are aligned to the right."""
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
    head = ["figure (medians)", "target", "measured", "met"]
    return write_rows(head, [goal.cells() for section in sections for goal in section.goals])


def write_section(section: Section, plots: str | None = None) -> str:
    """Return a section as Markdown, with its plot from the folder `plots`."""
    parts = [f"## {section.title}", section.about, *(write_table(table) for table in section.tables)]
    if plots is not None:
        parts.append(f"![{section.plot.axis}]({plots}/{section.name}.svg)")
    return "\n\n".join(parts)
