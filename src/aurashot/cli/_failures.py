"""How every command fails: one line on standard error, and an exit code."""

from __future__ import annotations

import sys
from typing import Any, Final, NoReturn

import typer
from typer.core import TyperGroup

from aurashot.errors import AuraShotError, ConfigurationError, InputError

EXIT_FAILED: Final = 1
"""The service, the network or the machine did not do its part."""
EXIT_USAGE: Final = 2
"""What the user gave cannot work: an option, a file, a missing key."""
EXIT_INTERRUPTED: Final = 130
"""Ctrl-C: 128 and the number of SIGINT, as shells have it."""


class Commands(TyperGroup):
    """The group that holds all commands, and prints their errors."""

    def invoke(self, ctx: Any) -> Any:
        """Run the chosen command."""
        try:
            return super().invoke(ctx)
        except AuraShotError as error:
            fail(error)
        except KeyboardInterrupt as stop:
            below = "\n" if sys.stderr.isatty() else ""  # a terminal shows ^C on the line that was begun
            typer.echo(below + "; ".join(["stopped", *_notes(stop)]), err=True)
            raise typer.Exit(EXIT_INTERRUPTED) from None


def fail(error: AuraShotError, *, is_free: bool = False) -> NoReturn:
    """End the command with one line about an error.

    Args:
        error: What went wrong.
        is_free: Whether the work cost nothing because a sandbox did it.

    Raises:
        typer.Exit: With the exit code that fits.
    """
    typer.echo(f"error: {in_words(error, is_free=is_free)}", err=True)
    raise typer.Exit(exit_code(error)) from None


def exit_code(error: AuraShotError) -> int:
    """Return the exit code of an error."""
    return EXIT_USAGE if isinstance(error, ConfigurationError | InputError) else EXIT_FAILED


def in_words(error: AuraShotError, *, is_free: bool = False) -> str:
    """Return one line with what went wrong, what it may have cost, and what to quote to support."""
    clauses = [error.message.rstrip("."), *_notes(error), *_images(error)]
    marks = {"request id": error.request_id}
    for each in error.delivered:
        marks = {"request id": getattr(each, "request_id", None), "idempotency key": each.meta.idempotency_key}
    if error.may_be_charged and not error.delivered and not is_free:
        marks["idempotency key"] = error.idempotency_key
    if (error.may_be_charged or len(error.delivered) > len(_images(error))) and not is_free:
        clauses.append("it may have been billed all the same")
    quoted = ", ".join(f"{name} {value}" for name, value in marks.items() if value)
    return printable("; ".join(clauses) + (f" ({quoted})" if quoted else ""))


def _images(error: AuraShotError) -> list[str]:
    """Return a clause with the URLs of the images that were made before the error."""
    addresses = [output.url for each in error.delivered for output in getattr(each, "outputs", ())[:1]]
    return [f"the image was made and is at {address}" for address in addresses]


def _notes(error: BaseException) -> list[str]:
    return getattr(error, "__notes__", [])


def printable(text: str) -> str:
    """Return a text on one line without control characters: the service and file names may hold any."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
