"""Asking before something is done that cannot be undone."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import typer

from aurashot.errors import ConfigurationError

if TYPE_CHECKING:
    from aurashot.cli._output import Output


def confirm(output: Output, what: str, *, yes: bool) -> None:
    """Say what will be done, and exit unless the user agrees.

    Args:
        output: Where the result is printed afterwards.
        what: What will be done, as a sentence without a full stop.
        yes: Whether the user has agreed already, by an option.

    Raises:
        ConfigurationError: There is nobody to ask.
        typer.Exit: The user does not agree.
    """
    if yes:
        return
    if not _is_interactive():
        raise ConfigurationError(f"{what}, and there is no terminal to confirm it; add --yes")

    from aurashot.cli._screen import Screen

    screen = Screen(stderr=True)
    screen.say(f"{what}.")
    if not screen.agrees("Continue?"):
        output.hint("Nothing was changed.")
        raise typer.Exit(1)


def _is_interactive() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()
