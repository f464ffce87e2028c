"""The `aurashot` command: its options, and the table of its commands."""

from typing import Annotated

import typer

from aurashot import __version__
from aurashot.cli._commands import Command, Commands

Commands.table = {
    "id-photo": Command("_generate", "id_photo", "Make the ID photo of a person."),
    "generate": Command("_generate", "generate", "Generate an image of a person in a new scene."),
    "edit": Command("_generate", "edit", "Edit an image and keep its person."),
    "upload": Command("_transfer", "upload", "Upload images and print their URLs."),
    "download": Command("_transfer", "download", "Download images."),
    "characters": Command("_characters", "characters", "Characters: the same person kept as an object."),
    "legacy": Command("_legacy", "legacy", "The legacy workflows, for older integrations."),
    "demo": Command("_demo", "demo", "Make an ID photo, a cafe scene and a rooftop edit."),
    "verify": Command("_verify", "verify", "Compare images with an anchor on your machine."),
    "spend": Command("_spend", "spend", "What was spent, and which calls are unresolved."),
    "login": Command("_login", "login", "Store your API key where only you can read it."),
    "doctor": Command("_doctor", "doctor", "Check what keeps this from working, and how to fix it."),
    "models": Command("_models", "models", "The files of the face engine."),
    "mcp": Command("_mcp", "mcp", "An MCP server, for agents that generate images."),
    "skill": Command("_skill", "skill", "The Agent Skill, which teaches agents to use this command."),
    "record": Command("_record", "record", "Run a program and record its calls as HAR, for tests.", runs_another=True),
    "sandbox": Command("_sandbox", "sandbox", "A local emulator of the service."),
    "completion": Command("_completion", "completion", "Print the script that completes commands in a shell."),
    "character-generate": Command("_script", "character_generate"),
    "query": Command("_script", "query"),
    "id-photo of the script": Command("_script", "id_photo"),
    "edit of the script": Command("_script", "edit"),
    "generate of the script": Command("_script", "generate"),
}
"""All commands, in the order of `aurashot --help`, which imports none of them."""

app: typer.Typer = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # plain help: importing rich would make it three times slower
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"aurashot {__version__}")
        raise typer.Exit


# `Commands` takes these three out of the command line, wherever they stand; here, they are in the help.
@app.callback()
def aurashot(
    wanted: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="auto|human|json|agent|quiet",
            envvar="AURASHOT_FORMAT",
            help="The format of the output, with every command; human on a terminal, agent for known agents.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None:
    """AuraShot: the same face in every image."""
