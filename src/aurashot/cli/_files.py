"""Files in the folder of `--out`, written atomically, with errors that name the option."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from aurashot import _atomic
from aurashot._reasons import reason_of
from aurashot.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path


def check_folder(path: Path) -> None:
    """Check that `--out` can be a folder.

    Raises:
        InputError: It cannot, for example because it is a URL.
    """
    if fault := _atomic.path_fault(str(path)):
        raise InputError(f"--out: {fault}; pass a folder", argument="out")


@contextmanager
def writing(path: Path) -> Generator[None]:
    """Name `--out` in errors when a file or folder cannot be written.

    Raises:
        InputError: It cannot be written.
    """
    try:
        yield
    except OSError as problem:
        message = f"--out: '{path}' cannot be written ({reason_of(problem)}); choose another folder"
        raise InputError(message, argument="out") from problem


def write(path: Path, content: bytes) -> None:
    """Write a file atomically.

    Raises:
        InputError: It cannot be written.
    """
    with writing(path):
        _atomic.write(path, content)
