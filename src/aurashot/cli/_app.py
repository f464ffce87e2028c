"""The `aurashot` command: its options, and the groups below it."""

from typing import Annotated

import typer

from aurashot import __version__
from aurashot.cli._demo import demo
from aurashot.cli._failures import Commands
from aurashot.cli._login import login
from aurashot.cli._mcp import mcp
from aurashot.cli._models import models
from aurashot.cli._sandbox import sandbox
from aurashot.cli._spend import spend
from aurashot.cli._verify import verify

app: typer.Typer = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # plain help: importing rich would make it three times slower
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(demo)
app.command()(login)
app.command()(verify)
app.command()(mcp)
app.add_typer(spend)
app.add_typer(sandbox)
app.add_typer(models)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"aurashot {__version__}")
        raise typer.Exit


@app.callback()
def aurashot(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None:
    """AuraShot: the same face in every image."""
