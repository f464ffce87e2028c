"""`aurashot skill`: what an agent needs to know to use this command."""

from pathlib import Path
from typing import Annotated

import typer

skill = typer.Typer(
    name="skill",
    no_args_is_help=True,
    help="The Agent Skill: what an agent needs to know to use this command.",
)


@skill.command()
def show() -> None:
    """Print the skill of this version."""
    from aurashot.cli._output import write
    from aurashot.cli._skill_files import text

    write(text().splitlines())


@skill.command()
def install(
    everywhere: Annotated[
        bool, typer.Option("-g", "--global", help="For all projects: in your home directory.")
    ] = False,
    dest: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The folder to write SKILL.md to, without a link.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace another version, and what is in the way.")] = False,
) -> None:
    """Install the skill where agents look for it.

    It is written to .agents/skills/aurashot in the working directory, and .claude/skills/aurashot is a link to it. With
    -g, both are in your home directory, or in CLAUDE_CONFIG_DIR for the link.
    """
    from aurashot.cli._output import Output
    from aurashot.cli._skill_files import install as write_skill
    from aurashot.errors import ConfigurationError

    if everywhere and dest is not None:
        raise ConfigurationError("--global and --dest exclude each other; leave one out")
    done = write_skill(everywhere=everywhere, dest=dest, force=force)
    data = {"path": str(done.file), "link": str(done.link) if done.link else None, "written": done.is_new}
    linked = f", with a link from {done.link}" if done.link else ""
    state = "is installed" if done.is_new else "was installed already"
    Output().show(data, lambda screen: screen.say(f"The skill {state}: {done.file}{linked}"), quiet=[str(done.file)])
