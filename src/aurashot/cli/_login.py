"""`aurashot login`: store the API key where all your programs find it."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from aurashot.errors import ConfigurationError

KEYS_PAGE = "https://www.aurashot.art/studio?tab=keys"


def login(
    folder: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="The folder to store it in; your home directory by default.")
    ] = None,
    here: Annotated[
        bool,
        typer.Option(
            "--here",
            help="Store it in this folder, for programs that run in it; they use it although another key is at home.",
        ),
    ] = False,
) -> None:
    """Store your API key in a file that only you can read.

    The command prompts for the key without showing it, or reads it from standard input. It stores the key in
    .aurashot.env, where all your clients find it.
    """
    from aurashot import save_key
    from aurashot.cli._output import Output

    if here and folder is not None:
        raise ConfigurationError("--here and --folder exclude each other; leave one out")
    output = Output()
    if sys.stdin.isatty():
        output.hint(f"Create a key at {KEYS_PAGE}")
        key = typer.prompt("API key", hide_input=True, err=True)
    else:
        key = _line()
    path = save_key(key, folder=Path.cwd() if here else folder)
    last = key.strip().strip("'\"`").strip()[-4:]  # without the quotes that it may be in
    output.show(
        {"path": str(path), "ends_in": last},
        lambda screen: screen.say(f"The key ending in {last} is stored in {path}, readable only by you."),
        [str(path)],
    )


def _line() -> str:
    try:
        return sys.stdin.readline()
    except UnicodeDecodeError:
        raise ConfigurationError("Standard input is not text; pass the key as the website shows it") from None
