"""Output for people: colours and a spinner on a terminal, plain lines everywhere else.

Every command prints to people here, so that all of them behave alike: what the output's encoding cannot show is
escaped, and a reader who has left, as `head` does, ends neither the command nor what it pays for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aurashot._reasons import reason_of
from aurashot.cli._text import decoded, printable
from aurashot.errors import AuraShotError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from contextlib import AbstractContextManager

    from PIL.Image import Image

_DOTS: Final = "⠋⠙⠹"
"""What the usual spinner is made of."""
MOST_CELL: Final = 300
"""Characters of a cell of a table that are shown; idempotency keys have at most 255."""


class Screen:
    """The output of a command.

    Args:
        silent: Whether nothing is shown, as the result is printed in another format.
        stderr: Whether it is standard error.
    """

    def __init__(self, *, silent: bool = False, stderr: bool = False) -> None:
        self._console = _console(stderr=stderr)
        self._console.quiet = silent
        self._encoding = getattr(self._console.file, "encoding", None) or "utf-8"

    def say(self, text: str = "") -> None:
        """Print one line."""
        self._print(self._shown(text))

    def lines(self, text: str) -> None:
        """Print several lines."""
        for line in text.splitlines():
            self.say(line)

    def row(self, name: str, value: str, remark: str = "") -> None:
        """Print one line of a table: a name, a value, and a remark."""
        from rich.text import Text

        shown = Text.assemble(
            "  ", (f"{name:<10}", "bold"), f"{_short(self._shown(value)):<14}", (f"  {self._shown(remark)}", "dim")
        )
        shown.rstrip()
        self._print(shown)

    def table(self, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Print a table; columns of numbers are aligned to the right."""
        from rich.cells import cell_len

        first, *others = cells = [[_short(self._shown(cell), MOST_CELL) for cell in row] for row in (head, *rows)]
        right = [all(row[column].replace(",", "").isdigit() for row in others) for column in range(len(first))]
        widths = [max(cell_len(row[column]) for row in cells) for column in range(len(first))]
        for row in cells:
            gaps = [" " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True)]
            shown = zip(gaps, row, right, strict=True)
            line = "  ".join(gap + cell if on_right else cell + gap for gap, cell, on_right in shown)
            self._print(f"  {line}".rstrip(), style="dim" if row is first else None)

    def faces(self, faces: Callable[[], Sequence[tuple[Sequence[str], Image | None]]]) -> None:
        """Show captioned faces, if the terminal shows images; they are not made otherwise."""
        from aurashot.cli import _inline_images

        kind = None if self._console.quiet else _inline_images.renderable()
        if kind is None:
            return
        named = [([self._shown(line) for line in lines], face) for lines, face in faces()]
        for row in _inline_images.rows(named, self._console.width, kind):
            self._print(row.image)
            for line in row.captions:
                self._print(line, style="dim")

    def image(self, path: str) -> None:
        """Show an image file, if the terminal shows images; one that cannot be read is not shown."""
        from aurashot.cli import _inline_images

        kind = None if self._console.quiet else _inline_images.renderable()
        if kind is None:
            return
        image = _inline_images.opened(path, min(_inline_images.WIDEST, self._console.width - 1), kind)
        if image is not None:
            self._print(image)

    def working(self, what: str) -> AbstractContextManager[object]:
        """Show a spinner while the block runs."""
        spinner = "dots" if _encodable(_DOTS, self._encoding) == _DOTS else "line"
        status: AbstractContextManager[object] = self._console.status(self._shown(what), spinner=spinner)
        return status

    def agrees(self, question: str) -> bool:
        """Ask a yes-or-no question; the default is no."""
        from rich.prompt import Confirm

        try:
            return Confirm.ask(question, console=self._console, default=False)
        except EOFError:
            return False

    def _shown(self, text: str) -> str:
        return _encodable(printable(decoded(text)), self._encoding)

    def _print(self, what: Any, style: str | None = None) -> None:
        try:
            self._console.print(what, style=style)
        except OSError as problem:
            self._console.on_broken_pipe()  # or the rest would be written, and fail again, when the program ends
            raise AuraShotError(f"The output cannot be written ({reason_of(problem)})") from problem


def _short(text: str, most: int = 4_000) -> str:
    """Return a text without what is too long to be read; a ledger or a response may have any length."""
    return text if len(text) <= most else f"{text[: most - 4]} ..."


def _console(*, stderr: bool) -> Any:
    import sys

    from rich.console import Console

    from aurashot.cli._output import discard

    class Lasting(Console):
        """An output which goes nowhere once its reader has left."""

        def on_broken_pipe(self) -> None:
            self.quiet = True
            discard(sys.stderr if stderr else sys.stdout)

    return Lasting(markup=False, emoji=False, highlight=False, soft_wrap=True, stderr=stderr)


def _encodable(text: str, encoding: str) -> str:
    """Return a text with escapes for the characters that an encoding does not have."""
    return text.encode(encoding, "backslashreplace").decode(encoding)
