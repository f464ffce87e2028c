"""What an error of another library says, for a message."""

from __future__ import annotations

from typing import Final

_NOTHING: Final = {"", "()", "None"}
"""What errors without arguments, or with nothing in them, have as their text."""


def reason_of(problem: BaseException) -> str:
    """Return the text of an error on one line, or its class if it has none, as `TimeoutError()` and others."""
    for text in (getattr(problem, "strerror", None), problem):
        line = " ".join(str(text).split())
        if line not in _NOTHING:
            return line
    return type(problem).__name__


def described(problem: BaseException) -> str:
    """Return the class of an error and its text, if it has one."""
    kind, reason = type(problem).__name__, reason_of(problem)
    return kind if reason == kind else f"{kind}: {reason}"
