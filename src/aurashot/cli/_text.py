"""Text that a terminal only shows."""

from __future__ import annotations

from typing import Final

_CONTROL_SPACES: Final = "\x1c\x1d\x1e\x1f\x85"
"""Control characters that Python counts as white space."""


def printable(text: str) -> str:
    """Return a text as one line that a terminal only shows: responses, tags, ledgers and file names are not trusted.

    Line breaks and other white space become spaces. Control characters, and those that change the direction of text or
    take no space, become escapes of Python. Lone surrogates stay, for the output to escape them.
    """
    return text if text.isprintable() else "".join(map(_shown, text))


def decoded(text: str) -> str:
    """Return a text with the characters that the bytes of an argument or a file name stand for.

    In a C locale, Python turns each of their bytes that is no ASCII into a lone surrogate.
    """
    try:
        return text.encode("utf-8", "surrogateescape").decode()
    except UnicodeError:  # bytes that are no UTF-8, or surrogates that stand for no byte
        return text


def _shown(letter: str) -> str:
    if letter.isprintable() or "\ud800" <= letter <= "\udfff":
        return letter
    return " " if letter.isspace() and letter not in _CONTROL_SPACES else letter.encode("unicode_escape").decode()
