"""Standard output: colours and a moving sign on a terminal, plain lines everywhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aurashot.cli._failures import printable

if TYPE_CHECKING:
    from contextlib import AbstractContextManager


class Screen:
    """Where a command tells what it does."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console = Console(markup=False, emoji=False, highlight=False, soft_wrap=True)

    def say(self, text: str = "") -> None:
        """Print one line."""
        self._console.print(printable(text))

    def row(self, name: str, value: str, remark: str = "") -> None:
        """Print one line of a table: what it is, a file or a number, and a remark."""
        from rich.text import Text

        cells = Text.assemble("  ", (f"{name:<10}", "bold"), f"{printable(value):<14}", (f"  {remark}", "dim"))
        cells.rstrip()
        self._console.print(cells)

    def working(self, what: str) -> AbstractContextManager[object]:
        """Show that something is going on, while the block lasts."""
        return self._console.status(what)

    def agrees(self, question: str) -> bool:
        """Ask a question; without an answer it is a no."""
        from rich.prompt import Confirm

        try:
            return Confirm.ask(question, console=self._console, default=False)
        except EOFError:
            return False
