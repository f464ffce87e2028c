"""Write files whole or not at all: into a hidden file beside the target, synced, then renamed.

Whoever reads the target sees the old content or the new one, also after a crash or a power cut.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from typing import TYPE_CHECKING, Final

from aurashot._part import Part, is_own, sweep

if TYPE_CHECKING:
    from pathlib import Path

_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")
_LINKS: Final = 40
"""Links that are followed one after the other, as on Linux."""


def write(path: Path, content: bytes, *, mode: int = 0o666, follow: bool = True) -> None:
    """Write a file, replacing an earlier one at once or not at all.

    Args:
        path: The file.
        content: All of its bytes.
        mode: Who may open it, less what the umask takes away. The mode of this user's earlier file is kept within it.
        follow: Whether a symbolic link stays, and what it points to is replaced; otherwise the link itself is replaced.

    Raises:
        OSError: It cannot be written, or is not a regular file.
    """
    target = replaceable(path) if follow else path
    sweep(target.parent)
    with Part(target.parent, target.name, mode=mode, replaces=True) as part:
        part.file.write(content)
        part.set_mode(part.mode & (mode | (mode & 0o444) >> 2))  # also what is executable
        part.sync()
        part.replace(target.name)


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
    """Return the file that a path leads to, which is there or can be made; its own links are followed, one by one.

    Raises:
        OSError: It is not a regular file, but a folder, a device, a pipe or a socket; or a link that somebody else has
            put there.
    """
    for _ in range(_LINKS):
        try:
            state = path.lstat()
        except FileNotFoundError:
            return path
        if not stat.S_ISLNK(state.st_mode):
            if stat.S_ISREG(state.st_mode):
                return path
            raise OSError(errno.EINVAL, "it is not a regular file")
        if not is_own(state) and state.st_uid != 0:
            raise OSError(errno.EPERM, "it is a link that another user has made")
        path = path.parent / path.readlink()
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
