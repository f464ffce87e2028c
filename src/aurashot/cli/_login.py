"""`aurashot login`: store the key where every program of yours finds it."""

import sys
from pathlib import Path
from typing import Annotated

import typer

KEYS_PAGE = "https://www.aurashot.art/studio?tab=keys"


def login(
    folder: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="The folder to store it in; your home directory by default.")
    ] = None,
) -> None:
    """Store your API key in a file that only you can read.

    The command asks for the key and does not show it, or reads it from standard input. It is stored in .aurashot.env,
    where every client of yours finds it.
    """
    from aurashot import save_key
    from aurashot.cli._screen import Screen

    screen = Screen()
    if sys.stdin.isatty():
        screen.say(f"Keys are made at {KEYS_PAGE}")
        key = typer.prompt("API key", hide_input=True)
    else:
        key = sys.stdin.readline()
    path = save_key(key, folder=folder)
    screen.say(f"The key that ends in {key.strip()[-4:]} is stored in {path}, which only you can read.")
