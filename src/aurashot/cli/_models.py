"""`aurashot models`: the files of the face engine."""

from pathlib import Path
from typing import Annotated

import typer

models = typer.Typer(name="models", no_args_is_help=True, help="The files of the face engine, for aurashot.identity.")


@models.callback()
def _group() -> None:
    """Keep `fetch` a subcommand: typer would merge a group's only command into the group."""


@models.command()
def fetch(
    folder: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="The folder to store them in; a cache in your home directory by default."),
    ] = None,
    source: Annotated[
        str | None, typer.Option(metavar="URL", help="A mirror of the OpenCV zoo, over https; the zoo by default.")
    ] = None,
) -> None:
    """Download the two model files (11 MB) from the OpenCV zoo, and check their digests.

    Files that are there already are not downloaded again. This is not needed if the extra "identity" is installed,
    which brings them. YuNet has the MIT licence, and SFace Apache 2.0.
    """
    from aurashot.cli._output import Output
    from aurashot.identity import fetch_models

    output = Output()
    with output.working("downloading the face models"):
        path = fetch_models(folder, source=source) if source else fetch_models(folder)
    output.show({"path": str(path)}, lambda screen: screen.say(f"The face models are in {path}."), [str(path)])
    if folder is not None:
        output.hint(f"To use them, set AURASHOT_FACE_MODELS={path}")
