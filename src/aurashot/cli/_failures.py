"""Errors of commands: one line on standard error, and an exit code."""

from __future__ import annotations

import sys
from typing import Any, Final, NoReturn

import typer
from typer.core import TyperGroup

from aurashot.errors import AuraShotError, ConfigurationError, InputError

EXIT_FAILED: Final = 1
"""The service, the network or the machine failed."""
EXIT_USAGE: Final = 2
"""The user's input is invalid: an option, a file, a missing key."""
_CONTROL_SPACES: Final = "\x1c\x1d\x1e\x1f\x85"
"""Control characters that Python counts as white space."""
EXIT_INTERRUPTED: Final = 130
"""Ctrl-C: 128 plus the number of SIGINT, as in shells."""


class Commands(TyperGroup):
    """The group that holds all commands, and prints their errors."""

    def invoke(self, ctx: Any) -> Any:
        """Run the chosen command."""
        try:
            return super().invoke(ctx)
        except AuraShotError as error:
            fail(error)
        except KeyboardInterrupt as stop:
            below = "\n" if sys.stderr.isatty() else ""  # a terminal shows ^C on the current line
            typer.echo(below + printable("; ".join(["stopped", *_notes(stop)])), err=True)
            raise typer.Exit(EXIT_INTERRUPTED) from None


def fail(error: AuraShotError, *, is_free: bool = False) -> NoReturn:
    """Exit with one line about an error.

    Args:
        error: What went wrong.
        is_free: Whether the work cost nothing because a sandbox did it.

    Raises:
        typer.Exit: With the exit code of the error.
    """
    typer.echo(f"error: {describe(error, is_free=is_free)}", err=True)
    raise typer.Exit(exit_code(error)) from None


def exit_code(error: AuraShotError) -> int:
    """Return the exit code of an error."""
    return EXIT_USAGE if isinstance(error, ConfigurationError | InputError) else EXIT_FAILED


def describe(error: AuraShotError, *, is_free: bool = False) -> str:
    """Return one line with what went wrong, whether it may have been billed, and the ids that support needs."""
    clauses = [error.message.rstrip("."), *_notes(error), *_images(error)]
    marks = {"request id": error.request_id}
    for each in error.delivered:
        marks = {"request id": getattr(each, "request_id", None), "idempotency key": each.meta.idempotency_key}
    if error.may_be_charged and not error.delivered and not is_free:
        marks["idempotency key"] = error.idempotency_key
    if (error.may_be_charged or len(error.delivered) > len(_images(error))) and not is_free:
        clauses.append("it may have been billed anyway")
    quoted = ", ".join(f"{name} {value}" for name, value in marks.items() if value)
    return printable("; ".join(clauses) + (f" ({quoted})" if quoted else ""))


def _images(error: AuraShotError) -> list[str]:
    """Return a clause for each image that was generated before the error; its URL can be signed, and is not printed."""
    return ["the image was generated" for each in error.delivered if getattr(each, "outputs", ())]


def _notes(error: BaseException) -> list[str]:
    return getattr(error, "__notes__", [])


def printable(text: str) -> str:
    """Return a text as one line that a terminal only shows: responses, tags, ledgers and file names are not trusted.

    Line breaks and other white space become spaces. Control characters, and those that change the direction of text or
    take no space, become escapes of Python. Lone surrogates stay, for the output to escape them.
    """
    return text if text.isprintable() else "".join(map(_shown, text))


def _shown(letter: str) -> str:
    if letter.isprintable() or "\ud800" <= letter <= "\udfff":
        return letter
    return " " if letter.isspace() and letter not in _CONTROL_SPACES else letter.encode("unicode_escape").decode()
