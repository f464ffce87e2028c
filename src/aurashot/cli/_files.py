"""Files in the folder that the user chose: written whole, and blamed on the right option."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from aurashot import _atomic
from aurashot.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path


@contextmanager
def writing(path: Path) -> Generator[None]:
    """Blame `--out` when the operating system does not let a file or folder be written.

    Raises:
        InputError: It does not.
    """
    try:
        yield
    except OSError as problem:
        message = f"--out: '{path}' cannot be written ({problem.strerror}); choose another folder"
        raise InputError(message, argument="out") from problem


def write(path: Path, content: bytes) -> None:
    """Write a file, replacing an earlier one at once or not at all.

    Raises:
        InputError: The operating system does not let it.
    """
    with writing(path):
        _atomic.write(path, content)
