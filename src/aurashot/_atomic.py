"""Write files whole or not at all: into a hidden file beside the target, synced, then renamed.

Whoever reads the target sees the old content or the new one, also after a crash or a power cut. The hidden file is
locked while somebody writes it, so that what killed programs left behind can be told apart and removed.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
import time
from contextlib import contextmanager, suppress
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

if TYPE_CHECKING:
    from collections.abc import Generator

_NAME: Final = re.compile(r"\..+\.[0-9a-f]{8}\.part")
_YOUNG: Final = 60.0
"""Seconds for which an unlocked file is left alone: its writer may be about to lock it."""
_ABANDONED: Final = 24 * 3600.0
"""The same where files cannot be locked."""


_CANNOT: Final = {
    errno.EACCES,
    errno.EINVAL,
    errno.ENOSYS,
    errno.ENOTSUP,
    errno.ENOTTY,
    errno.EOPNOTSUPP,
    errno.EPERM,
    errno.EROFS,
}
"""What file systems of networks, phones and archives answer to chmod and fsync that they do not have."""
_PERMISSIONS: Final = 0o777  # without setuid: new content does not run as somebody else
_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")


if sys.platform == "win32":

    def _lock(descriptor: int) -> float:
        """Return the age at which an unlocked file counts as left behind."""
        del descriptor  # files are not locked here
        return _ABANDONED

else:
    import fcntl

    def _lock(descriptor: int) -> float:
        """Lock a file, unless a living process has, and return the age at which it counts as left behind."""
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return _YOUNG


def write(path: Path, content: bytes, *, mode: int = 0o666) -> None:
    """Write a file, replacing an earlier one at once or not at all.

    Args:
        path: The file; a symbolic link stays, and what it points to is replaced.
        content: All of its bytes.
        mode: Who may open it, less what the umask takes away. An earlier file's own mode is kept within it.

    Raises:
        OSError: It cannot be written, or is not a regular file.
    """
    target = replaceable(path)
    sweep(target.parent)
    part, file = open_part(target.parent, target.name, mode)
    try:
        with file:
            file.write(content)
            earlier = mode_of(target)
            if earlier is not None:
                set_mode(file, earlier & (mode | (mode & 0o444) >> 2))  # also what is executable
            sync_file(file)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    sync_folder(target.parent)


def path_fault(path: str) -> str | None:
    """Return why a text cannot be the path of a file or a folder, or None if it can."""
    if not path.strip():
        return "it is empty"
    if "\0" in path:
        return "it has a NUL character in it"
    if _URL.match(path):
        return "it is a URL"
    try:
        os.fsencode(path)
    except UnicodeEncodeError:
        return "it has a character in it that no file name can have"
    return None


def replaceable(path: Path) -> Path:
    """Return the file that a path leads to, which is there or can be made.

    Raises:
        OSError: It is not a regular file, but a folder, a device, a pipe or a socket.
    """
    with suppress(FileNotFoundError):
        if not stat.S_ISREG(path.stat().st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file")
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def mode_of(path: Path) -> int | None:
    """Return the permissions of a file, or None if there is none."""
    try:
        return path.stat().st_mode & _PERMISSIONS
    except FileNotFoundError:
        return None


def open_part(folder: Path, name: str, mode: int = 0o666) -> tuple[Path, BinaryIO]:
    """Make a hidden file in a folder, locked until it is closed."""
    path = folder / f".{name}.{os.urandom(4).hex()}.part"
    file = open(path, "x+b", opener=partial(os.open, mode=mode))  # noqa: SIM115 - Path.open takes no mode; the caller closes
    with suppress(OSError):  # a file system without locks
        _lock(file.fileno())
    return path, file


def sync_file(file: BinaryIO) -> None:
    """Wait until what was written to a file is on the disk, where the file system can say so."""
    file.flush()
    with _where_possible():
        os.fsync(file.fileno())


def set_mode(file: BinaryIO, mode: int) -> None:
    """Set who may open a file, where the file system has permissions."""
    with _where_possible():
        os.chmod(file.fileno() if os.chmod in os.supports_fd else file.name, mode)  # noqa: PTH101 - by descriptor


@contextmanager
def _where_possible() -> Generator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _CANNOT:
            raise


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk, where the system can say so."""
    with suppress(OSError):  # not every system opens folders; the file itself is on the disk by now
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@lru_cache(maxsize=256)
def sweep(folder: Path) -> None:
    """Remove what killed programs left in a folder, once in the life of this one.

    Only regular files of this user's with a name of ours, that no living process has locked, and that are a minute old.
    """
    with suppress(OSError), os.scandir(folder) as found:
        for entry in found:
            if _NAME.fullmatch(entry.name):
                _remove_if_stale(Path(entry.path))


def _remove_if_stale(path: Path) -> None:
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        try:
            if _is_stale(descriptor):
                path.unlink()
        finally:
            os.close(descriptor)


def _is_stale(descriptor: int) -> bool:
    state = os.fstat(descriptor)
    if not stat.S_ISREG(state.st_mode) or (os.name == "posix" and state.st_uid != os.geteuid()):
        return False
    return time.time() - state.st_mtime > _lock(descriptor)
