"""The group that holds all commands: each is imported when it is used, and errors are told in the format of the run."""

import os
import re
import sys
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from importlib import import_module
from typing import Any, ClassVar, NamedTuple, NoReturn, cast

import typer
import typer.main
from typer.core import TyperGroup

from aurashot.cli import _format

EPILOG = "Every command also takes --format, --json and --debug: see aurashot --help."


class Command(NamedTuple):
    """Where a command is, and what `aurashot --help` says of it."""

    module: str
    """The module of the package that it is in, such as `_login`."""
    name: str
    """The name of its function, or of the typer app of a group, in that module."""
    summary: str = ""
    """The first sentence of its help; without one, it is not listed."""
    runs_another: bool = False
    """Whether its arguments are a command line of another program, with options of its own."""


COMPLETE = "_AURASHOT_COMPLETE"
"""The variable with which a shell asks for completions."""
SCRIPT = "_script"
"""The module of the commands that answer to the spellings of the service's script."""
_NONE = Command("", "")
_OF_THE_SCRIPT = {
    "--description",
    "--face-image",
    "--generate-version",
    "--output",
    "--target-image",
    "--wait",
    "--workflow",
}
"""Options that only the service's script has."""


def spelled(args: Sequence[str]) -> str:
    """Return the name of the command that is meant: `id-photo`, `edit` and `generate` are those of the script, too."""
    given = {word.partition("=")[0] for word in args[1:]}
    if args[0] not in {"id-photo", "edit", "generate"} or not given & _OF_THE_SCRIPT:
        return args[0]
    if args[0] == "generate" and "--workflow" not in given:
        return "character-generate"
    return f"{args[0]} of the script"


class _Loaded(MutableMapping[str, Any]):
    """The commands by name, each imported when it is looked up; those without a summary are not listed."""

    def __init__(self, table: dict[str, Command]) -> None:
        self._table = table
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            command = self._table[name]
            self._made[name] = _made(name, command)
        return self._made[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._made[name] = command

    def __delitem__(self, name: str) -> None:
        del self._table[name]

    def __iter__(self) -> Iterator[str]:
        return (name for name, command in self._table.items() if command.summary)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _made(name: str, command: Command) -> Any:
    """Return the command of a function, or the group of a typer app."""
    what: Callable[..., object] | typer.Typer = getattr(import_module(f"aurashot.cli.{command.module}"), command.name)
    parent = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    parent.callback()(lambda: None)
    if isinstance(what, typer.Typer):
        parent.add_typer(what, name=name)
    else:
        settings = {"allow_interspersed_args": False} if command.runs_another else None
        parent.command(name, epilog=EPILOG, context_settings=settings)(what)
    group = cast("TyperGroup", typer.main.get_command(parent))
    made = group.commands[name]
    for each in getattr(made, "commands", {}).values():
        each.epilog = EPILOG
    return made


class Commands(TyperGroup):
    """The group that holds all commands, and tells their errors."""

    table: ClassVar[dict[str, Command]]

    def __init__(self, **attributes: Any) -> None:
        attributes["commands"] = _Loaded(self.table)
        super().__init__(**attributes)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """List the commands without importing them."""
        rows = [(name, self.table[name].summary) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of the commands in their order, without importing any."""
        del ctx
        return list(self.commands)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command that is meant, with the arguments for it."""
        name = spelled(args)
        if self.table.get(name, _NONE).module == SCRIPT:
            _format.use(_format.current()._replace(format="json"))
        return super().resolve_command(ctx, [name, *args[1:]])

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,  # noqa: ARG002  # typer's signature; errors are told here
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> NoReturn:
        """Run a command line and exit."""
        extra["windows_expand_args"] = windows_expand_args
        words = sys.argv[1:] if args is None else list(args)
        try:
            code = self._run(words, prog_name, complete_var, **extra)
        except Exception as error:  # what nobody foresaw is one line, too
            if _format.current().debug:
                raise
            code = _unexpected(error)
        sys.exit(code)

    def _run(self, words: list[str], prog_name: str | None, complete_var: str | None, **extra: Any) -> int:
        from aurashot.errors import AuraShotError

        try:
            words = _format.split(words)
            if COMPLETE in os.environ:
                _load_shells()
            code = super().main(words, prog_name, complete_var or COMPLETE, standalone_mode=False, **extra)
        except AuraShotError as error:
            code = _code_of(error)
        except typer.Abort:
            code = _stopped(KeyboardInterrupt())
        except typer.TyperException as error:
            code = _misused(error)
        return code if isinstance(code, int) else 0

    def invoke(self, ctx: Any) -> Any:
        """Run the chosen command."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as stop:
            return _stopped(stop)


def _load_shells() -> None:
    """Let typer know the shells, which it does by itself only if it adds options for completion."""
    from typer import completion

    completion.completion_init()  # type: ignore[attr-defined] # typer imports it there for these options


def _code_of(error: Any) -> int:
    from aurashot.cli._failures import fail

    try:
        fail(error)
    except typer.Exit as leaving:
        return leaving.exit_code


def _stopped(stop: BaseException) -> int:
    from aurashot.cli._failures import interrupt

    try:
        interrupt(stop)
    except typer.Exit as leaving:
        return leaving.exit_code


def _misused(error: Any) -> int:
    """Tell a usage error: for people with the usage of the command, for programs as an object."""
    from aurashot.cli._exit_codes import USAGE
    from aurashot.cli._failures import failure, tell

    if _format.current().format in {"human", "quiet"} or type(error).__name__ == "NoArgsIsHelpError":
        error.message = _without_keys(error.message)
        error.show()
    else:
        tell("", failure(_without_keys(error.format_message()).rstrip("."), USAGE, type="UsageError"))
    return USAGE.code


def _without_keys(message: str) -> str:
    """Return a message without API keys: somebody may have passed one as an argument."""
    return re.sub(r"sk_\w+", "(hidden)", message)


def _unexpected(error: Exception) -> int:
    from aurashot.cli._exit_codes import FAILED
    from aurashot.cli._failures import failure, tell
    from aurashot.cli._text import printable

    said = printable(f"{type(error).__name__}: {error}")
    message = f"Unexpected error ({said}); run the command again with --debug, and report what it shows"
    tell(message, failure(message, FAILED, type=type(error).__name__, paid="unknown"))
    return FAILED.code
