"""Open files by their paths: regular files only, and unchanged since the first time."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from aurashot.errors import InvalidImageError

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

_SENTENCES = {
    errno.ENOENT: "does not exist; check the path and the folder that it starts from",
    errno.ENOTDIR: "does not exist; check the path and the folder that it starts from",
    errno.EACCES: "may not be read; check its permissions",
    errno.EPERM: "may not be read; check its permissions",
    errno.EISDIR: "is a folder; pass one file in it",
    errno.ENXIO: "is a socket or a device, not a file; pass a regular file",
    errno.EMFILE: "cannot be opened: this program has too many files open; close some, or raise its limit (ulimit -n)",
    errno.ENAMETOOLONG: "is too long for a path; if it is base64, pass 'data:image/png;base64,…' or the decoded bytes",
    errno.ELOOP: "is a symbolic link that leads back to itself; pass the file itself",
}

TEXT_MODE = "does not give bytes; open it in binary mode, with open(path, 'rb')"


@dataclass(frozen=True, slots=True)
class DiskFile:
    """A file, and what it was like when it was first opened."""

    path: Path
    device: int
    inode: int
    size: int
    modified: int

    @classmethod
    def at(cls, path: Path) -> DiskFile:
        """Describe the file at a path.

        Raises:
            InvalidImageError: It is missing, not readable, or not a regular file.
        """
        with _open_regular(path) as file:
            return _describe(file, path)

    def open(self) -> BinaryIO:
        """Open it for reading.

        Raises:
            InvalidImageError: It is missing, or has changed.
        """
        file = _open_regular(self.path)
        if _describe(file, self.path) != self:
            file.close()
            raise InvalidImageError(f"'{self.path}' changed while it was being sent; pass it again once it is finished")
        return file


def _open_regular(path: Path) -> BinaryIO:
    with translated(f"'{path}'"):
        file = open(path, "rb", opener=_without_waiting)  # noqa: SIM115 - Path.open takes no opener; the caller closes
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise InvalidImageError(f"'{path}' is a pipe or a device, not a file; pass a regular file, or its bytes")
    return file


def _describe(file: BinaryIO, path: Path) -> DiskFile:
    status = os.fstat(file.fileno())
    return DiskFile(path, status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


@contextmanager
def translated(label: str) -> Generator[None]:
    """Turn an error of the operating system into a sentence about the image."""
    try:
        yield
    except OSError as error:
        sentence = _SENTENCES.get(error.errno or 0, f"cannot be read ({error.strerror or error}); try a copy of it")
        raise InvalidImageError(f"{label} {sentence}") from error
    except UnicodeDecodeError as error:
        raise InvalidImageError(f"{label} {TEXT_MODE}") from error
    except (TypeError, ValueError) as error:  # a closed file, or one whose `read` takes no size
        raise InvalidImageError(f"{label} cannot be read ({error}); pass the bytes themselves") from error


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))  # opening a named pipe would wait for its writer
