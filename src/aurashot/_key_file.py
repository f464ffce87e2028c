"""The file `.aurashot.env`: readable only by its owner, or refused."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from aurashot._reasons import reason_of
from aurashot.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

FILE_NAME: Final = ".aurashot.env"


def read(path: Path) -> dict[str, str | None]:
    """Return the names and values of a file.

    Raises:
        ConfigurationError: It cannot be read, or other users can read it.
    """
    from dotenv import dotenv_values

    try:
        with path.open(encoding="utf-8") as file:
            _check_private(path, os.fstat(file.fileno()))
            return dotenv_values(stream=file, interpolate=False)
    except (OSError, UnicodeDecodeError) as problem:
        raise ConfigurationError(f"{path} cannot be read: {reason_of(problem)}") from problem


def write(path: Path, name: str, value: str) -> None:
    """Set one name in a file, atomically; its other lines stay as they are.

    Raises:
        ConfigurationError: It cannot be written, other users can read it, or it is a link.
    """
    from aurashot import _atomic

    try:
        if path.is_symlink():
            raise ConfigurationError(f"{path} is a link; write the key into the file itself, or remove the link")
        if path.exists() and not path.is_file():  # reading a pipe would wait
            raise ConfigurationError(f"{path} is not a regular file; remove it, or choose another folder")
        others = _lines_without(path, name) if path.exists() else ""
        if others and not others.endswith("\n"):
            others += "\n"
        _atomic.write(path, f"{others}{name}={_quoted(value)}\n".encode(), mode=0o600)
    except OSError as problem:
        raise ConfigurationError(f"{path} cannot be written: {reason_of(problem)}") from problem


def _lines_without(path: Path, name: str) -> str:
    from dotenv.parser import parse_stream

    read(path)  # which refuses a file that is not private
    with path.open(encoding="utf-8") as file:
        return "".join(binding.original.string for binding in parse_stream(file) if binding.key != name)


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _check_private(path: Path, state: os.stat_result) -> None:
    """Refuse a file that other users can write or read: the key in it may be theirs, or known to them."""
    if os.name != "posix":
        return
    if state.st_uid != os.geteuid():
        raise ConfigurationError(f"{path} belongs to another user; keep a file of your own, or set AURASHOT_API_KEY")
    if state.st_mode & 0o077:
        raise ConfigurationError(f"{path} can be read by other users; restrict it with chmod 600 {path}")
