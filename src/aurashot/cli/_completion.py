"""`aurashot completion`: completion of commands and options in a shell."""

from typing import Annotated, Literal

import typer

Shell = Literal["bash", "zsh", "fish", "powershell"]


def completion(
    shell: Annotated[Shell, typer.Argument(metavar="SHELL", help="bash, zsh, fish or powershell.")],
) -> None:
    """Print the script that completes commands and options in a shell.

    For bash, add the line: eval "$(aurashot completion bash)" to ~/.bashrc; for fish, run: aurashot completion fish >
    ~/.config/fish/completions/aurashot.fish
    """
    from typer import completion as typers

    from aurashot.cli._commands import COMPLETE
    from aurashot.cli._output import Output

    script = typers.get_completion_script(  # type: ignore[attr-defined] # typer imports it there for --show-completion
        prog_name="aurashot", complete_var=COMPLETE, shell=shell
    )
    Output().show({"shell": shell, "script": script}, lambda screen: screen.lines(script), script.splitlines())
