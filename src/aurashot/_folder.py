"""An open folder: its files are used by their names in it, also when its path leads elsewhere by now.

Between two calls with the same path, whoever may write to a folder can put a link, or a folder of their own, in the
place of what was there. A descriptor stays with what was opened.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

BY_DESCRIPTOR: Final = {os.open, os.stat, os.unlink, os.rename, os.link} <= os.supports_dir_fd
"""Whether the system has these calls for names in an open folder. Windows has not: there, paths have to do."""

_NEW: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL
_SAFE: Final = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
"""No link is followed, and nobody is waited for: opening a named pipe would."""
_FOLDER: Final = getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_DIRECTORY", 0)
"""A folder need not be readable for files to be made in it; `O_PATH` is of Linux."""


class Folder:
    """A folder, open until it is closed.

    Args:
        path: Where it is; links are followed.

    Raises:
        OSError: There is no folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = os.open(path, _FOLDER) if BY_DESCRIPTOR else None

    def _place(self, name: str) -> str:
        return str(self.path / name) if self._descriptor is None else name

    def create(self, name: str, mode: int) -> int:
        """Make a file that is not there yet, and return its descriptor."""
        return os.open(self._place(name), _NEW | _SAFE, mode, dir_fd=self._descriptor)

    def open(self, name: str) -> int:
        """Open a file for reading and writing, and return its descriptor."""
        return os.open(self._place(name), os.O_RDWR | _SAFE, dir_fd=self._descriptor)

    def state(self, name: str) -> os.stat_result | None:
        """Return what is known of a file, or of a link itself; None if there is none."""
        with suppress(FileNotFoundError):
            return os.stat(self._place(name), dir_fd=self._descriptor, follow_symlinks=False)
        return None

    def holds(self, name: str, descriptor: int) -> bool:
        """Return whether a name is that of an open file, and not of another that took its place."""
        state = self.state(name)
        return state is not None and os.path.samestat(state, os.fstat(descriptor))

    def rename(self, name: str, new: str) -> None:
        """Rename a file; one that has the name is replaced."""
        places = self._place(name), self._place(new)
        os.replace(*places, src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)

    def link(self, name: str, new: str) -> None:
        """Give a file another name.

        Raises:
            FileExistsError: The name is taken.
        """
        at = self._descriptor
        os.link(self._place(name), self._place(new), src_dir_fd=at, dst_dir_fd=at, follow_symlinks=False)

    def remove(self, name: str) -> None:
        """Remove a file, or a link itself."""
        os.unlink(self._place(name), dir_fd=self._descriptor)

    @property
    def is_at_its_path(self) -> bool:
        """Whether its path still leads to it."""
        return self._descriptor is None or os.path.samestat(self.path.stat(), os.fstat(self._descriptor))

    def sync(self) -> None:
        """Wait until the names in it are on the disk, where the system can say so."""
        with suppress(OSError):  # not every folder can be read or synced; the files themselves are on the disk by now
            descriptor = os.open(self._place("."), os.O_RDONLY, dir_fd=self._descriptor)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def close(self) -> None:
        """Close it; closing it twice is allowed."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)
