"""The file `.aurashot.env`, which holds an API key: which files are trusted, and how one is read and written.

A file that another user owns or can write may hold that user's key, and photos would go to that user's account: it is
ignored. A file that others can only read works, with a warning, since `echo` creates such files.
"""

from __future__ import annotations

import io
import logging
import os
import stat
from typing import TYPE_CHECKING, Final

from aurashot._reasons import reason_of
from aurashot.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

FILE_NAME: Final = ".aurashot.env"
_MOST_BYTES: Final = 64 * 1024
_ROOT: Final = 0

logger: Final = logging.getLogger("aurashot")


class UntrustedFileError(ConfigurationError):
    """Another user owns the file, or can write it."""


def read(path: Path) -> dict[str, str | None] | None:
    """Return the names and values of a file, or None if there is no such file.

    Raises:
        UntrustedFileError: Another user owns the file, or can write it.
        ConfigurationError: It cannot be read, or is too large.
        OSError: Its folder cannot be looked into.
    """
    from dotenv import dotenv_values

    content = text_of(path)
    if content is None:
        return None
    if os.name == "posix" and path.stat().st_mode & 0o044:
        logger.warning("%s can be read by other users; restrict it with chmod 600 %s", path, path)
    return dotenv_values(stream=io.StringIO(content), interpolate=False)


def write(path: Path, name: str, value: str, *, without: Collection[str] = ()) -> None:
    """Set one name in a file, atomically, and make it readable only by its owner; its other lines stay as they are.

    Args:
        path: The file.
        name: What is set.
        value: To what.
        without: Names that are removed.

    Raises:
        UntrustedFileError: Another user owns the file, or can write it.
        ConfigurationError: It cannot be written, or is a link.
    """
    from aurashot import _atomic

    try:
        check_writable(path)
        others = _lines_without(path, {name, *without})
        if others and not others.endswith("\n"):
            others += "\n"
        _atomic.write(path, f"{others}{name}={_quoted(value)}\n".encode(), mode=0o600, follow=False)
    except OSError as problem:
        raise ConfigurationError(f"{path} cannot be written: {reason_of(problem)}") from problem


def check_writable(path: Path) -> None:
    """Check that a file is none that must not be replaced.

    Raises:
        ConfigurationError: It is a link, or no regular file.
    """
    if path.is_symlink():
        raise ConfigurationError(f"{path} is a link; write the key into the file itself, or remove the link")
    if path.exists() and not path.is_file():  # reading a pipe would wait
        raise ConfigurationError(f"{path} is not a regular file; remove it, or choose another folder")


def text_of(path: Path) -> str | None:
    """Return the text of a file that is trusted, or None if there is no regular file."""
    try:
        state = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    if not stat.S_ISREG(state.st_mode):
        return None
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except PermissionError as problem:
        _check_owner(path, state.st_uid)
        raise ConfigurationError(f"{path} cannot be read: {reason_of(problem)}") from problem
    with os.fdopen(descriptor, "rb") as file:
        state = os.fstat(descriptor)
        _check_trusted(path, state)
        if state.st_size > _MOST_BYTES:
            raise ConfigurationError(f"{path} is too large to be a key file; it has {state.st_size:,} bytes")
        try:
            return file.read(_MOST_BYTES).decode()
        except (OSError, UnicodeDecodeError) as problem:
            raise ConfigurationError(f"{path} cannot be read: {reason_of(problem)}") from problem


def _check_trusted(path: Path, state: os.stat_result) -> None:
    if os.name != "posix":
        return
    _check_owner(path, state.st_uid)
    if state.st_mode & 0o022:
        raise UntrustedFileError(f"{path} can be written by other users; restrict it with chmod 600 {path}")


def _check_owner(path: Path, owner: int) -> None:
    if os.name == "posix" and owner not in {os.geteuid(), _ROOT}:
        raise UntrustedFileError(f"{path} belongs to another user; write a file of your own, or set AURASHOT_API_KEY")


def _lines_without(path: Path, names: Collection[str]) -> str:
    from dotenv.parser import parse_stream

    lines = parse_stream(io.StringIO(text_of(path) or ""))
    return "".join(binding.original.string for binding in lines if binding.key not in names)


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
