"""A library in a folder of this machine.

Files get their names when they are complete and on the disk. A character's folder is built, and taken apart, in a
hidden folder beside `avatars`, and gets its name, or loses it, by one call of the system. So a program may be killed at
any moment: what is in `avatars` is complete. What is left in the hidden folder belongs to a name, and whoever takes the
lock of that name next removes it.
"""

from __future__ import annotations

import errno
import os
import shutil
import sys
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from aurashot import _atomic
from aurashot._part import Part, sweep
from aurashot.characters._held import Held, acquired
from aurashot.characters._names import AVATARS
from aurashot.characters._store import (
    OWN_FOLDER,
    StoredFile,
    checked_path,
    library_error,
    lock_key,
    lock_name,
    told,
)
from aurashot.characters._tree import (
    build,
    content_of,
    folder_names,
    is_same,
    names_in,
    remove_tree,
    rename_folder,
    sync,
    walk,
)

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

_READ: Final = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
"""Opening a named pipe would wait for its writer."""
_LOCK: Final = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
_IS_NOWHERE: Final = {errno.ENOTDIR, errno.ENAMETOOLONG}
"""What the system says of a path that no file can have."""
_UNFINISHED: Final = ("new", "removed")
"""Folders, beside `avatars`, of what is being built or taken apart."""
_PATIENCE: Final = 60.0
"""Seconds to wait for a lock."""


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

    def _unlock(descriptor: int) -> None:
        os.lseek(descriptor, 0, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _unlock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)  # also for a child that has inherited the descriptor


class LocalStore:
    """A library in a folder of this machine.

    Args:
        root: The folder that has `avatars` in it; it is created when something is written.
        timeout: Seconds to wait for another process.
    """

    def __init__(self, root: Path, *, timeout: float = _PATIENCE) -> None:
        self.root: Path = root
        self._text = os.fspath(root)
        self._timeout = timeout
        self._held: Held[int] = Held()

    def __repr__(self) -> str:
        return f"LocalStore({self._text!r})"

    def _place(self, path: str) -> str:
        return f"{self._text}/{checked_path(path)}"  # pathlib takes ten times as long, for each of 10,000

    def local(self, path: str) -> Path:
        """Return where a file or a folder is."""
        return Path(self._place(path))

    def read(self, path: str) -> bytes:
        """Return the content of a file."""
        try:
            descriptor = os.open(self._place(path), _READ)
            try:
                return content_of(descriptor)
            finally:
                os.close(descriptor)
        except FileNotFoundError:
            raise
        except OSError as error:
            if error.errno in _IS_NOWHERE:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path) from error
            raise library_error(path, "read", error) from error

    def create(self, path: str, content: bytes) -> None:
        """Write a file that is not there yet."""
        place = self.local(path)
        with told(path, "written"):
            self._make_folders(path)
            sweep(place.parent)
            with Part(place.parent, place.name) as part:
                part.file.write(content)
                part.sync()
                if not part.take(place.name):
                    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)

    def replace(self, path: str, content: bytes) -> None:
        """Write a file, in place of an earlier one."""
        with told(path, "written"):
            self._make_folders(path)
            _atomic.write(self.local(path), content, follow=False)

    def _make_folders(self, path: str) -> None:
        """Make the folders that a file is to be in, but never that of a character."""
        place = self.root
        if not place.is_dir():
            place.mkdir(parents=True, exist_ok=True)
        parts = path.split("/")[:-1]
        for depth, part in enumerate(parts):
            above, place = place, place / part
            if place.is_dir():
                continue
            if depth == 1 and parts[0] == AVATARS:
                raise FileNotFoundError(errno.ENOENT, "there is no such character", path)
            if os.path.lexists(place) and not place.is_dir():  # another process may just have made it
                raise NotADirectoryError(errno.ENOTDIR, f"'{place}' is a file where a folder is needed", path)
            place.mkdir(exist_ok=True)
            sync(above)

    def remove(self, path: str) -> bool:
        """Remove a file, or a link itself."""
        place = self.local(path)
        with told(path, "removed"):
            try:
                place.unlink()
            except (FileNotFoundError, NotADirectoryError):
                return False
            sync(place.parent)
            return True

    def files(self, folder: str, *, hidden: bool = False) -> Iterator[StoredFile]:
        """Return the files below a folder; folders that are links are left out."""
        with told(folder, "read"):
            yield from walk(self._place(folder), folder, hidden=hidden)

    def folders(self, folder: str) -> Iterator[str]:
        """Return the names of the folders directly in a folder, sorted, without hidden ones."""
        with told(folder, "read"):
            names = folder_names(self._place(folder))
        return iter(names)

    @contextmanager
    def lock(self, name: str) -> Generator[None]:
        """Exclude all others that want the lock of that name, and remove what a killed process has left."""
        if name in self._held.locks:
            yield
            return
        key = lock_key(name)
        with told(OWN_FOLDER, "locked"):
            descriptor = acquired(name, lambda: self._try_lock(key), self._timeout)
        with self._held.holding(name, descriptor, lambda open_file: self._release(key, open_file)):
            self._clear(key)
            yield

    def _try_lock(self, key: str) -> int | None:
        """Lock a file, and return its descriptor; None if another has it locked, or has just removed it."""
        path = self._lock_path(key)
        self._make_folders(path)
        descriptor = os.open(self._place(path), _LOCK, 0o666)
        try:
            _lock(descriptor)
            if os.path.samestat(os.fstat(descriptor), os.stat(self._place(path))):  # noqa: PTH116
                return descriptor
        except (BlockingIOError, PermissionError, FileNotFoundError):  # PermissionError: what Windows says
            pass
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
        return None

    def _release(self, key: str, descriptor: int) -> None:
        """Remove the file while it is locked: who waits for it finds that out, and makes another one."""
        with suppress(OSError):  # Windows removes no open file; an empty one stays
            os.unlink(self._place(self._lock_path(key)))  # noqa: PTH108
        with suppress(OSError):
            _unlock(descriptor)
        os.close(descriptor)

    def _lock_path(self, key: str) -> str:
        return f"{OWN_FOLDER}/locks/{key}"

    def create_folder(self, path: str, files: Iterable[tuple[str, bytes]]) -> None:
        """Build a folder where nobody sees it, then give it its name."""
        target, name = self.local(path), lock_name(path)
        with self.lock(name), told(path, "created"):
            if os.path.lexists(target):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
            building = self._hidden_place("new", name)
            try:
                build(building, files)
                self._make_folders(f"{AVATARS}/{target.name}")
                rename_folder(building, target)
            except BaseException:
                shutil.rmtree(building, ignore_errors=True)
                raise

    def rename(self, old: str, new: str) -> None:
        """Rename a folder by one call of the system."""
        source, target = self.local(old), self.local(new)
        with ExitStack() as stack:
            for name in sorted({lock_name(old), lock_name(new)}):
                stack.enter_context(self.lock(name))
            stack.enter_context(told(old, "renamed"))
            if os.path.lexists(target) and not is_same(source, target):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), new)
            rename_folder(source, target)

    def remove_folder(self, path: str) -> list[str]:
        """Take the name of a folder away, then remove what is in it."""
        place, name = self.local(path), lock_name(path)
        with self.lock(name), told(path, "removed"):
            if not os.path.lexists(place):
                return []
            if place.is_symlink():  # what it leads to is somebody else's
                place.unlink()
                return [path]
            hidden = self._hidden_place("removed", name)
            rename_folder(place, hidden)
            sync(place.parent)
            return remove_tree(hidden, path)

    def _hidden_place(self, kind: str, name: str) -> Path:
        path = f"{OWN_FOLDER}/{kind}/{lock_key(name)}-{uuid4().hex}"
        self._make_folders(path)
        return self.local(path)

    def _clear(self, key: str) -> list[str]:
        """Remove what killed processes have left under a name, whose lock this thread has."""
        removed: list[str] = []
        for kind in _UNFINISHED:
            folder = f"{OWN_FOLDER}/{kind}"
            with told(folder, "removed"):
                for name in filter(lambda each: each.startswith(f"{key}-"), names_in(self._place(folder))):
                    removed += remove_tree(self.local(f"{folder}/{name}"), f"{folder}/{name}")
        return removed

    def sweep(self) -> list[str]:
        """Remove what killed processes have left under any name that nobody uses at the moment."""
        keys: set[str] = set()
        for kind in _UNFINISHED:
            with told(OWN_FOLDER, "read"):
                keys.update(name.partition("-")[0] for name in names_in(self._place(f"{OWN_FOLDER}/{kind}")))
        mine = set(map(lock_key, self._held.locks))
        removed: list[str] = []
        for key in sorted(keys):
            descriptor = None if key in mine else self._try_lock(key)
            try:
                if descriptor is not None or key in mine:
                    removed += self._clear(key)
            finally:
                if descriptor is not None:
                    self._release(key, descriptor)
        return removed
