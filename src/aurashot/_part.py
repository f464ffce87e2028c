"""The hidden file that becomes another when it is complete, and the removal of those that killed programs left behind.

It is locked while somebody writes it, so that one which is left behind can be told apart.

A folder may be shared, and whoever may write to it can replace what is in it at any moment. So all is done with the
open file and the open folder, and a name is given only to the file that was written.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
import time
import zlib
from contextlib import ExitStack, contextmanager, suppress
from functools import lru_cache
from typing import TYPE_CHECKING, BinaryIO, Final, Self

from aurashot._folder import BY_DESCRIPTOR, Folder

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

_NAME: Final = re.compile(r"\.(.+)\.aurashot-([0-9a-f]{16})([0-9a-f]{8})\.part", re.DOTALL)
"""Of a hidden file: a random number, and a check sum by which the name of a file of somebody else is told apart."""
_SHOWN: Final = 50
"""Characters of the target's name in that of the hidden file: file systems allow 255 bytes."""
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
_REPLACED: Final = "somebody else has put another file in its place"
_PERMISSIONS: Final = 0o777  # without setuid: new content does not run as somebody else


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


class Part:
    """A hidden file in a folder, which gets its name when it is complete; locked until then, and removed otherwise.

    Args:
        folder: The folder.
        name: What its own name begins with.
        mode: Who may open it, less what the umask takes away.
        replaces: Whether it will replace the file of that name, so that it is for no more users than that file was.

    Attributes:
        file: The open file.
        mode: Who may open it in the end: what the mode, the umask and an earlier file of this user say.

    Raises:
        OSError: It cannot be made.
    """

    def __init__(self, folder: Path, name: str, *, mode: int = 0o666, replaces: bool = False) -> None:
        self._undo = ExitStack()
        self._folder = Folder(folder)
        self._undo.callback(self._folder.close)
        try:
            earlier = self._earlier(name) if replaces else None
            self._name = _part_name(name)
            self.path = folder / self._name
            self.file = self._opened(_narrowed(mode, earlier))
            made = os.fstat(self.file.fileno()).st_mode  # what the umask makes of it; asking for the umask would set it
            self.mode = (earlier.st_mode if earlier is not None and is_own(earlier) else made) & _PERMISSIONS
        except BaseException:
            self.close()
            raise

    def _earlier(self, name: str) -> os.stat_result | None:
        """Return what is known of the file that has the name; a link that was put there meanwhile is none."""
        state = self._folder.state(name)
        return state if state is not None and stat.S_ISREG(state.st_mode) else None

    def _opened(self, mode: int) -> BinaryIO:
        descriptor = self._folder.create(self._name, mode)
        file = os.fdopen(descriptor, "r+b")
        self._undo.callback(file.close)
        self._undo.callback(self._remove)
        with suppress(OSError):  # a file system without locks
            _lock(descriptor)
        return file

    def set_mode(self, mode: int) -> None:
        """Set who may open it, where the file system has permissions."""
        set_mode(self.file, mode)

    def sync(self) -> None:
        """Wait until what was written is on the disk, where the file system can say so."""
        self.file.flush()
        with _where_possible():
            os.fsync(self.file.fileno())

    def replace(self, name: str) -> None:
        """Give it its name; a file that has it is replaced.

        Raises:
            OSError: That is not possible, or somebody else has put another file, or another folder, in its place.
        """
        self._check()
        self._folder.rename(self._name, name)
        self._confirm(name)

    def take(self, name: str) -> bool:
        """Give it a name, unless a file has it; return whether it has the name now.

        Raises:
            OSError: As for `replace`.
        """
        self._check()
        try:
            self._folder.link(self._name, name)
        except FileExistsError:
            return False
        except OSError:  # a file system without links: reserve the name, then replace the reservation
            if not self._reserve(name):
                return False
        self._confirm(name)
        return True

    def _reserve(self, name: str) -> bool:
        try:
            os.close(self._folder.create(name, 0o600))
        except FileExistsError:
            return False
        self._folder.rename(self._name, name)
        return True

    def _check(self) -> None:
        if not BY_DESCRIPTOR:
            self.file.close()  # Windows renames no open file
        elif not self._folder.is_at_its_path:
            raise OSError(errno.ESTALE, "its folder was moved or replaced meanwhile")
        elif not self._folder.holds(self._name, self.file.fileno()):
            raise OSError(errno.ESTALE, _REPLACED)

    def _confirm(self, name: str) -> None:
        """Make sure that it is this file that has the name: between two calls, another can take its place."""
        if BY_DESCRIPTOR and not self._folder.holds(name, self.file.fileno()):
            raise OSError(errno.ESTALE, _REPLACED)
        self._folder.sync()

    def _remove(self) -> None:
        with suppress(FileNotFoundError):
            if self.file.closed or self._folder.holds(self._name, self.file.fileno()):
                self._folder.remove(self._name)

    def close(self) -> None:
        """Remove the hidden file, unless it has its name, and close it; closing it twice is allowed."""
        self._undo.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _part_name(name: str) -> str:
    shown, number = name[:_SHOWN], os.urandom(8).hex()
    return f".{shown}.aurashot-{number}{_check_sum(shown, number)}.part"


def _check_sum(shown: str, number: str) -> str:
    return f"{zlib.crc32(os.fsencode(f'{shown}/{number}')):08x}"


def _is_part_name(name: str) -> bool:
    match = _NAME.fullmatch(name)
    return match is not None and match[3] == _check_sum(match[1], match[2])


def _narrowed(mode: int, earlier: os.stat_result | None) -> int:
    """Return the mode of a new file that replaces another: for its own user alone, until that one's mode is set."""
    if earlier is None:
        return mode
    return mode & (0o600 if is_own(earlier) else earlier.st_mode)


def set_mode(file: BinaryIO, mode: int) -> None:
    """Set who may open a file, where the file system has permissions."""
    with _where_possible():
        os.chmod(file.fileno() if os.chmod in os.supports_fd else file.name, mode)  # noqa: PTH101 - by descriptor


def is_own(state: os.stat_result) -> bool:
    """Return whether a file is this user's."""
    return os.name != "posix" or state.st_uid == os.geteuid()


@contextmanager
def _where_possible() -> Generator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _CANNOT:
            raise


@lru_cache(maxsize=256)
def sweep(path: Path) -> None:
    """Remove what killed programs left in a folder, once in the life of this one.

    Only what this SDK has certainly made: regular files of this user's with a name that only it gives, that no living
    process has locked, and that are a minute old.
    """
    with suppress(OSError):
        if names := list(filter(_is_part_name, os.listdir(path))):  # noqa: PTH208  # names, not paths
            _sweep(path, names)


def _sweep(path: Path, names: list[str]) -> None:
    folder = Folder(path)
    try:
        for name in names:
            with suppress(OSError):
                _remove_if_stale(folder, name)
    finally:
        folder.close()


def _remove_if_stale(folder: Folder, name: str) -> None:
    state = folder.state(name)
    if state is None or not _may_be_stale(state):
        return
    descriptor = folder.open(name)
    try:
        if _is_stale(descriptor) and folder.holds(name, descriptor):
            folder.remove(name)
    finally:
        os.close(descriptor)


def _may_be_stale(state: os.stat_result) -> bool:
    return stat.S_ISREG(state.st_mode) and is_own(state) and time.time() - state.st_mtime > _YOUNG


def _is_stale(descriptor: int) -> bool:
    state = os.fstat(descriptor)
    return _may_be_stale(state) and time.time() - state.st_mtime > _lock(descriptor)
