"""Standard output: colours and a spinner on a terminal, plain lines everywhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from aurashot.cli._failures import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from contextlib import AbstractContextManager


class Screen:
    """The output of a command."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console = Console(markup=False, emoji=False, highlight=False, soft_wrap=True)

    def say(self, text: str = "") -> None:
        """Print one line."""
        self._console.print(printable(text))

    def data(self, data: object) -> None:
        """Print JSON, in ASCII: whatever the encoding of the output is, a program can read it."""
        import json

        typer.echo(json.dumps(data, indent=2))

    def row(self, name: str, value: str, remark: str = "") -> None:
        """Print one line of a table: a name, a value, and a remark."""
        from rich.text import Text

        cells = Text.assemble("  ", (f"{name:<10}", "bold"), f"{printable(value):<14}", (f"  {remark}", "dim"))
        cells.rstrip()
        self._console.print(cells)

    def table(self, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Print a table; columns of numbers are aligned to the right."""
        cells = [[printable(cell) for cell in row] for row in rows]
        right = [all(row[column].replace(",", "").isdigit() for row in cells) for column in range(len(head))]
        widths = [max(len(row[column]) for row in [list(head), *cells]) for column in range(len(head))]
        for number, row in enumerate([list(head), *cells]):
            shown = (
                cell.rjust(width) if on_right else cell.ljust(width)
                for cell, width, on_right in zip(row, widths, right, strict=True)
            )
            self._console.print("  " + "  ".join(shown).rstrip(), style="dim" if number == 0 else None)

    def working(self, what: str) -> AbstractContextManager[object]:
        """Show a spinner while the block runs."""
        return self._console.status(what)

    def agrees(self, question: str) -> bool:
        """Ask a yes-or-no question; the default is no."""
        from rich.prompt import Confirm

        try:
            return Confirm.ask(question, console=self._console, default=False)
        except EOFError:
            return False
