"""Open files by their paths: regular files only, and unchanged since the first time."""

from __future__ import annotations

import errno
import io
import os
import stat
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from aurashot._reasons import described, reason_of
from aurashot.errors import InputError, InvalidImageError, LibraryError

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

_BUFFER = 256 * 1024
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


class _WatchedFile(io.RawIOBase):
    """A file that is read to the size that it had when it was opened, and that must not change meanwhile.

    A request says how long its body is before the body is read.
    """

    def __init__(self, file: io.FileIO, path: Path) -> None:
        self._path = path
        self._file = file
        self._opened = os.fstat(file.fileno())

    def readinto(self, buffer: Any, /) -> int | None:
        left = self._opened.st_size - self._file.tell()
        with translated(f"'{self._path}'"):
            count = self._file.readinto(memoryview(buffer)[: max(left, 0)])
            has_changed = self._has_changed()
        if (left > 0 and not count) or has_changed:
            raise InvalidImageError(f"'{self._path}' changed while it was read; pass it again once it is finished")
        return count

    def _has_changed(self) -> bool:
        now = os.fstat(self._file.fileno())
        return (now.st_size, now.st_mtime_ns) != (self._opened.st_size, self._opened.st_mtime_ns)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._file.seek(offset, whence)

    def fileno(self) -> int:
        return self._file.fileno()

    def close(self) -> None:
        self._file.close()
        super().close()


def _open_regular(path: Path) -> BinaryIO:
    with reading(f"'{path}'"):
        file = io.FileIO(path, opener=_without_waiting)
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise InvalidImageError(f"'{path}' is a pipe or a device, not a file; pass a regular file, or its bytes")
    return io.BufferedReader(_WatchedFile(file, path), _BUFFER)


def _describe(file: BinaryIO, path: Path) -> DiskFile:
    status = os.fstat(file.fileno())
    return DiskFile(path, status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


@contextmanager
def translated(label: str) -> Generator[None]:
    """Turn an error of the operating system into a sentence about the image."""
    try:
        yield
    except OSError as error:
        sentence = _SENTENCES.get(error.errno or 0, f"cannot be read ({reason_of(error)}); try a copy of it")
        raise InvalidImageError(f"{label} {sentence}") from error
    except UnicodeDecodeError as error:
        raise InvalidImageError(f"{label} {TEXT_MODE}") from error


@contextmanager
def reading(label: str) -> Generator[None]:
    """Turn whatever the `read` of a user's object raises, or the opening of a path, into a sentence about the image.

    A path with half a character and a closed file raise ValueError, a `read` that takes no size TypeError, and streams
    of archives and of network libraries raise errors of their own.
    """
    try:
        with translated(label):
            yield
    except (InputError, LibraryError):  # these say what to do
        raise
    except Exception as error:
        raise InvalidImageError(f"{label} cannot be read ({described(error)}); pass the bytes themselves") from error


def _without_waiting(path: str, flags: int) -> int:
    # opening a named pipe would wait for its writer, and a terminal could become that of this process
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0))
