"""`aurashot login`: store the API key where all your programs find it."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aurashot.errors import ConfigurationError

if TYPE_CHECKING:
    from aurashot.cli._output import Output

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
    keyring: Annotated[
        bool, typer.Option("--keyring", help="Store it in the keyring of your system instead of a file.")
    ] = False,
) -> None:
    """Store your API key in a file that only you can read, or in the keyring of your system.

    The command prompts for the key without showing it, or reads it from standard input. It stores the key in
    .aurashot.env, where all your clients find it; with --keyring, that file only says that the key is in the keyring.
    """
    from aurashot.cli._output import Output

    given = [name for name, is_given in (("--here", here), ("--folder", folder), ("--keyring", keyring)) if is_given]
    if len(given) > 1:
        raise ConfigurationError(f"{given[0]} and {given[1]} exclude each other; leave one out")
    output = Output()
    if sys.stdin.isatty():
        output.hint(f"Create a key at {KEYS_PAGE}")
        key = typer.prompt("API key", hide_input=True, err=True)
    else:
        key = _line()
    last = key.strip().strip("'\"`").strip()[-4:]  # without the quotes that it may be in
    if keyring:
        _store_in_keyring(key, last, output)
    else:
        _store(key, last, Path.cwd() if here else folder, output)


def _store(key: str, last: str, folder: Path | None, output: "Output") -> None:
    from aurashot import save_key

    path = save_key(key, folder=folder)
    output.show(
        {"path": str(path), "keyring": None, "ends_in": last},
        lambda screen: screen.say(f"The key ending in {last} is stored in {path}, readable only by you."),
        [str(path)],
    )


def _store_in_keyring(key: str, last: str, output: "Output") -> None:
    from aurashot import save_key_in_keyring

    name = save_key_in_keyring(key)
    output.show(
        {"path": None, "keyring": name, "ends_in": last},
        lambda screen: screen.say(f"The key ending in {last} is stored in the system's keyring ({name})."),
        [name],
    )


def _line() -> str:
    try:
        return sys.stdin.readline()
    except UnicodeDecodeError:
        raise ConfigurationError("Standard input is not text; pass the key as the website shows it") from None
