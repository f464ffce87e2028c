"""The output format of a run: what was asked for, or what suits whoever reads it."""

import os
import sys
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from typing import Final, Literal, NamedTuple, TypeAlias, cast, get_args

from aurashot.errors import ConfigurationError

Format: TypeAlias = Literal["human", "json", "agent", "quiet"]
Wanted: TypeAlias = Literal["auto", "human", "json", "agent", "quiet"]

VARIABLE: Final = "AURASHOT_FORMAT"

AGENT_VARIABLES: Final = (
    "AGENT",  # Goose, Amp and others set it to their name
    "AI_AGENT",  # the same, proposed by Vercel's detect-agent
    "CLAUDECODE",
    "CLINE_ACTIVE",
    "CODEX_SANDBOX",
    "CODEX_THREAD_ID",
    "COPILOT_CLI",
    "CURSOR_AGENT",
    "GEMINI_CLI",
    "OPENCODE",
)
"""What agents set in the shells that they run commands in; one that is empty, `0` or `false` counts as not set."""

_OFF: Final = {"", "0", "false", "no"}
_JSON: Final = "--json"
_FORMAT: Final = "--format"
_DEBUG: Final = "--debug"


class Choice(NamedTuple):
    """The options that every command takes."""

    format: Format
    debug: bool = False


_current: ContextVar[Choice | None] = ContextVar("aurashot_cli_choice", default=None)


def current() -> Choice:
    """Return the options of this run; without one, what the environment says."""
    return _current.get() or Choice(_resolved(None))


def use(choice: Choice) -> None:
    """Set the options of this run."""
    _current.set(choice)


def split(words: Sequence[str]) -> list[str]:
    """Take the options that every command takes out of a command line, wherever they stand before `--`.

    Args:
        words: The arguments, without the name of the program.

    Returns:
        The other arguments. If the options are wrong, the run has a format all the same: that of the environment.

    Raises:
        ConfigurationError: A format is missing or unknown.
    """
    use(Choice(_resolved(None, lenient=True)))
    end = words.index("--") if "--" in words else len(words)
    rest: list[str] = []
    wanted: str | None = None
    debug = False
    before = iter(words[:end])
    for word in before:
        name, has_value, value = word.partition("=")
        if word == _JSON:
            wanted = "json"
        elif word == _DEBUG:
            debug = True
        elif name == _FORMAT:
            wanted = value if has_value else next(before, "")
        else:
            rest.append(word)
    use(Choice(_resolved(wanted), debug))
    return [*rest, *words[end:]]


def _resolved(wanted: str | None, *, lenient: bool = False) -> Format:
    source = _FORMAT
    if wanted is None:
        source, wanted = VARIABLE, os.environ.get(VARIABLE) or "auto"
    if wanted not in get_args(Wanted):
        if lenient:
            return _detected(os.environ)
        known = ", ".join(get_args(Wanted))
        raise ConfigurationError(f"{source}: {wanted!r} is not a format; choose one of {known}")
    return _detected(os.environ) if wanted == "auto" else cast("Format", wanted)


def _detected(environment: Mapping[str, str]) -> Format:
    """Return `human` on a terminal, `agent` where an agent runs the command, and else `human`, which is plain then."""
    if not sys.stdout.isatty() and is_agent(environment):
        return "agent"
    return "human"


def is_agent(environment: Mapping[str, str]) -> bool:
    """Whether one of the variables of agents is set."""
    return any(environment.get(name, "").lower() not in _OFF for name in AGENT_VARIABLES)
