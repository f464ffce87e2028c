"""`aurashot record`: what a program sends and receives, as a file that tests replay."""

from pathlib import Path
from typing import Annotated

import typer

from aurashot.errors import AuraShotError, InputError

_NOTHING = "Nothing was recorded: no client of the SDK sent a request; python -I and -E programs cannot be recorded"
_OPTIONS = {"har_path": "--output", "command": "COMMAND", "keep_fields": "--keep-field"}


def record(
    command: Annotated[list[str], typer.Argument(metavar="COMMAND", help="The program and its arguments.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The recording to write, in the HTTP Archive format.")
    ] = Path("recording.har"),
    replace: Annotated[bool, typer.Option("--replace", help="Replace a recording that is there.")] = False,
    keep_field: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="A JSON field to keep although the SDK does not know it; repeatable."),
    ] = None,
) -> None:
    """Run a Python program and record the requests of its clients, for tests that replay them.

    The requests are sent, and billed, as always. The recording holds no key: only known headers and fields are kept,
    the query values of URLs are hidden, and nothing is written if anything looks like a key. It holds prompts and
    downloaded images.

    Example: aurashot record -o tests/cafe.har -- python app.py

    The exit code is that of the program; 1 if it was 0 and there is no recording.
    """
    from aurashot.cli._output import Output
    from aurashot.testing import record_program

    hint = Output().hint
    if output.exists() and not replace:
        raise InputError(
            f"--output: {output} exists, and its images may have been paid for; add --replace, or choose another file",
            argument="output",
        )
    try:
        recorded = record_program(command, output, keep_fields=keep_field or ())
    except InputError as error:
        option = _OPTIONS.get(error.argument or "", "")
        raise InputError(
            error.message.replace(f"{error.argument}:", f"{option}:", 1), argument=error.argument
        ) from error
    if not recorded.requests:
        if recorded.exit_code:
            raise typer.Exit(recorded.exit_code)
        raise AuraShotError(_NOTHING)
    count = len(recorded.requests)
    hint(f"{count} request{'s are' if count > 1 else ' is'} recorded in {output}.")
    if recorded.left_out:
        names = ", ".join(recorded.left_out)
        hint(f"Fields that the SDK does not know are left out: {names}; keep one with --keep-field.")
    raise typer.Exit(recorded.exit_code)
