"""Files under way: hidden, locked while somebody writes, and swept when their writer was killed."""

from __future__ import annotations

import os
import re
import stat
import sys
import time
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, Final

_NAME: Final = re.compile(r"\..+\.[0-9a-f]{8}\.part")
_YOUNG: Final = 60.0
"""Seconds for which an unlocked file is left alone: its writer may be about to lock it."""
_ABANDONED: Final = 24 * 3600.0
"""The same where files cannot be locked."""


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


def open_part(folder: Path, name: str) -> tuple[Path, BinaryIO]:
    """Make a hidden file in a folder, locked until it is closed."""
    path = folder / f".{name}.{os.urandom(4).hex()}.part"
    file = path.open("x+b")
    with suppress(OSError):  # a file system without locks
        _lock(file.fileno())
    return path, file


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
