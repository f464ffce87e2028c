"""Files in the folder of `--out`, written atomically, with errors that name the option."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from aurashot import _atomic
from aurashot._reasons import reason_of
from aurashot.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable
    from pathlib import Path


def check_folder(path: Path) -> None:
    """Check that `--out` can be a folder.

    Raises:
        InputError: It cannot, for example because it is a URL.
    """
    if fault := _atomic.path_fault(str(path)):
        raise InputError(f"--out: {fault}; pass a folder", argument="out")


def check_replaces_nothing(folder: Path, stems: Iterable[str], mark: str) -> None:
    """Check that a command would replace only files of its own earlier run, which has left a mark in the folder.

    Args:
        folder: The folder that it writes to.
        stems: The names of its files without their extensions.
        mark: The name of the file that says that the files are of an earlier run.

    Raises:
        InputError: Another file has one of the names, or the folder cannot be read.
    """
    with writing(folder):
        present = sorted(folder.iterdir()) if folder.is_dir() else []
    if any(path.name == mark for path in present):
        return
    names = {stem.casefold() for stem in stems}
    for path in present:
        if path.stem.casefold() in names:
            message = f"--out: '{path}' exists, and may be yours; choose another folder, or move the file"
            raise InputError(message, argument="out")


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


def write(path: Path, content: bytes, *, mode: int = 0o666) -> None:
    """Write a file atomically, readable for whom the mode says, less what the umask takes away.

    Raises:
        InputError: It cannot be written.
    """
    with writing(path):
        _atomic.write(path, content, mode=mode)


def move(path: Path, target: Path) -> None:
    """Give a file in the folder its final name; a file that has it is replaced.

    It is not read again: by then, its name may be that of a link which somebody else has put there.

    Raises:
        InputError: That is not possible.
    """
    with writing(target):
        path.replace(_atomic.replaceable(target))
