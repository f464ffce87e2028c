"""A library in an object store: S3, Google Cloud Storage, Azure, or memory.

An object store has no folders and renames nothing. What takes several requests is therefore noted first, in an object
below `.aurashot/pending`, and the note is removed when it is done. A folder counts as there when its
`profile/character.json` is: it is written last and removed first. Whoever takes the lock of a name next finishes or
undoes what a killed process has noted under it.

A lock is an object that is created if it is absent. Nobody's clock is believed: one that waits takes the lock over when
it has seen the same object for as long as a lock lasts, by its own monotonic clock; and one that has a lock renews it
before it writes, by a request that fails if the lock has been taken over.
"""

from __future__ import annotations

import errno
import json
import os
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple, cast
from uuid import uuid4

from aurashot.characters._held import Held, Turns
from aurashot.characters._layout import PROFILE
from aurashot.characters._names import AVATARS
from aurashot.characters._store import OWN_FOLDER, StoredFile, checked_path, lock_key, lock_name
from aurashot.errors import LibraryError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from aurashot.characters._objects import Objects, Version

LOCK_SECONDS: Final = 90.0
"""How long a lock lasts that nobody renews. A request takes at most half of that, repetitions included."""
_PATIENCE: Final = 10.0
"""Seconds to wait for a lock at least."""
_LOCKS: Final = f"{OWN_FOLDER}/locks"
_PENDING: Final = f"{OWN_FOLDER}/pending"


class Pending(NamedTuple):
    """Something that takes several requests, and may be left undone.

    Attributes:
        kind: `create`, `rename` or `remove`.
        path: The folder.
        target: The folder that it is renamed to.
    """

    kind: str
    path: str
    target: str = ""

    @property
    def locks(self) -> set[str]:
        """The names of the locks that it needs."""
        return {lock_name(each) for each in (self.path, self.target) if each}


@dataclass(slots=True)
class _Lock:
    """A lock that a thread has, or watches.

    Attributes:
        key: The name of its object.
        version: The version of its object.
        since: When it was renewed, or seen first, by the monotonic clock.
    """

    key: str
    version: Version
    since: float = field(default_factory=time.monotonic)


class ObjectStore:
    """A library in an object store.

    Args:
        objects: The requests, and how they fail.
        lock_seconds: How long a lock lasts that nobody renews: so long a name cannot be used after a process was
            killed.
    """

    def __init__(self, objects: Objects, *, lock_seconds: float = LOCK_SECONDS) -> None:
        self.objects: Objects = objects
        self._seconds = lock_seconds
        self._held: Held[_Lock] = Held()
        self._turns = Turns()

    def __repr__(self) -> str:
        return f"ObjectStore({self.objects.address!r})"

    def local(self, path: str) -> None:
        """Return None: nothing is on this machine."""
        del path

    def read(self, path: str) -> bytes:
        """Return the content of an object."""
        return self.objects.read(checked_path(path))

    def create(self, path: str, content: bytes) -> None:
        """Write an object that is not there yet."""
        self._check_folder(path)
        self._renew()
        self.objects.create(path, content)

    def replace(self, path: str, content: bytes) -> None:
        """Write an object, in place of an earlier one."""
        self._check_folder(path)
        self._renew()
        self.objects.replace(path, content)

    def _check_folder(self, path: str) -> None:
        """Check that an object of a character does not outlive it."""
        top, slug, *inner = checked_path(path).split("/")
        is_loose = top == AVATARS and "/".join(inner) != PROFILE
        if is_loose and self.objects.version(f"{top}/{slug}/{PROFILE}") is None:
            raise FileNotFoundError(errno.ENOENT, "there is no such character", path)

    def remove(self, path: str) -> bool:
        """Remove an object, and return whether it was there."""
        was_there = self.objects.version(checked_path(path)) is not None
        if was_there:
            self._renew()
            self.objects.remove([path])
        return was_there

    def files(self, folder: str, *, hidden: bool = False) -> Iterator[StoredFile]:
        """Return the objects below a folder, sorted."""
        found = self.objects.below(checked_path(folder))
        skip = len(folder)
        return iter(sorted(each for each in found if hidden or "/." not in each.path[skip:]))

    def folders(self, folder: str) -> Iterator[str]:
        """Return the names of the folders directly in a folder, sorted, without those that are under construction."""
        names = {each for each in self.objects.folders(checked_path(folder)) if not each.startswith(".")}
        return iter(sorted(names - set(self._half_done(folder))))

    def _half_done(self, folder: str) -> Iterator[str]:
        """Return the names of folders that are being written or removed, or were copied to another name."""
        for pending in self._pending().values():
            for path in filter(None, (pending.path, pending.target)):
                is_copied = path == pending.path and bool(pending.target) and self._is_there(pending.target)
                if path.rpartition("/")[0] == folder and (is_copied or not self._is_there(path)):
                    yield path.rpartition("/")[2]

    def _is_there(self, folder: str) -> bool:
        return self.objects.version(f"{folder}/{PROFILE}") is not None

    @contextmanager
    def lock(self, name: str) -> Generator[None]:
        """Exclude all others that want the lock of that name, then finish or undo what was left under it."""
        if name in self._held.locks:
            yield
            return
        while True:
            with self._held.holding(name, self._take(name), self._release):
                left = self._left(name)
                if all(each.locks <= self._held.locks.keys() for each in left.values()):
                    self._settle(left)
                    yield
                    return
            self._settle_locked(left)  # it needs another lock as well, and locks are taken in one order

    def _left(self, name: str) -> dict[str, Pending]:
        """Return what was left undone under a name, whose lock this thread has."""
        return {path: each for path, each in self._pending().items() if name in each.locks}

    def _take(self, name: str) -> _Lock:
        key = f"{_LOCKS}/{lock_key(name)}"
        watched: list[_Lock] = []
        return self._turns.acquired(name, lambda: self._try_lock(key, watched), max(3 * self._seconds, _PATIENCE))

    def _try_lock(self, key: str, watched: list[_Lock] | None = None) -> _Lock | None:
        """Create the object of a lock, or take over one that has not changed for as long as a lock lasts.

        A lock that another has costs one request each time: nothing is written while its object is there.
        """
        content = uuid4().hex.encode()
        version = self.objects.version(key) if watched else None
        if version is None:
            start = time.monotonic()
            with suppress(FileExistsError):
                return _Lock(key, self.objects.create(key, content), start)
            version = self.objects.version(key)
        if watched is None or version is None:
            return None
        if not watched or watched[0].version != version:
            watched[:] = [_Lock(key, version)]
        elif time.monotonic() - watched[0].since > self._seconds:
            start = time.monotonic()
            new = self.objects.exchange(key, content, version)
            return None if new is None else _Lock(key, new, start)
        return None

    def _renew(self) -> None:
        """Make sure that the locks of this thread are its own until the next request is done.

        Raises:
            LibraryError: One has been taken over.
        """
        for name, lock in self._held.locks.items():
            if not self._is_kept(lock):
                raise LibraryError(
                    f"This process stood still for more than {self._seconds:g} seconds while it changed '{name}', and "
                    "another one has gone on; get the character again",
                    character=name,
                    path=lock.key,
                )

    def _is_kept(self, lock: _Lock) -> bool:
        """Renew a lock, unless that was done a moment ago, and return whether it is still that of this thread."""
        start = time.monotonic()
        if start - lock.since < self._seconds / 4:
            return True
        version = self.objects.exchange(lock.key, uuid4().hex.encode(), lock.version)
        if version is None:
            return False
        lock.version, lock.since = version, start
        return True

    def _release(self, lock: _Lock) -> None:
        with suppress(LibraryError):  # then it ends by itself
            if self._is_kept(lock):
                self.objects.remove([lock.key])

    def _pending(self) -> dict[str, Pending]:
        """Return what is under way or was left undone, by the paths of its notes."""
        found: dict[str, Pending] = {}
        for each in self.objects.below(_PENDING):
            with suppress(FileNotFoundError):
                found[each.path] = Pending(*cast("list[str]", json.loads(self.objects.read(each.path))))
        return found

    def _settle_locked(self, left: dict[str, Pending]) -> None:
        for path, pending in left.items():
            with ExitStack() as stack:
                for name in sorted(pending.locks - self._held.locks.keys()):
                    stack.enter_context(self._held.holding(name, self._take(name), self._release))
                self._settle({path: pending})

    def _settle(self, left: dict[str, Pending]) -> list[str]:
        """Finish or undo what a killed process has noted, and return the objects that were removed."""
        removed: list[str] = []
        for path, pending in left.items():
            if self.objects.version(path) is not None:  # nobody else has done it meanwhile
                removed += self._settle_one(pending)
                self.objects.remove([path])
        return removed

    def _settle_one(self, pending: Pending) -> list[str]:
        if pending.kind == "remove":
            return self._remove_all(pending.path)
        created = pending.target or pending.path
        if not self._is_there(created):
            return self._remove_all(created)
        return self._remove_all(pending.path) if pending.kind == "rename" else []

    def _remove_all(self, folder: str) -> list[str]:
        """Remove the objects of a folder, the one that makes it a character first."""
        self._renew()
        self.objects.remove([f"{folder}/{PROFILE}"])
        self._renew()
        paths = self._paths(folder)
        self.objects.remove(paths)
        return paths

    def _paths(self, folder: str) -> list[str]:
        return [each.path for each in self.objects.below(folder)]

    @contextmanager
    def _noted(self, pending: Pending) -> Generator[list[str]]:
        """Note what takes several requests until it is done; if it fails, undo or finish it at once where possible.

        Yields:
            To be filled with the objects that were created: if the creation of a folder fails, only these are removed.
        """
        path, created = f"{_PENDING}/{uuid4().hex}", list[str]()
        self.objects.create(path, json.dumps(pending).encode())
        try:
            yield created
        except BaseException:
            with suppress(LibraryError, FileNotFoundError):
                if pending.kind != "create":
                    self._settle_one(pending)
                elif not self._is_there(pending.path):
                    self.objects.remove(created)
                self.objects.remove([path])
            raise
        self.objects.remove([path])

    def create_folder(self, path: str, files: Iterable[tuple[str, bytes]]) -> None:
        """Write the objects of a folder; the last one makes it a character."""
        with self.lock(lock_name(checked_path(path))):
            self._check_absent(path)
            with self._noted(Pending("create", path)) as created:
                for relative, content in files:
                    self._renew()
                    self.objects.create(checked_path(f"{path}/{relative}"), content)
                    created.append(f"{path}/{relative}")

    def _check_absent(self, folder: str) -> None:
        if next(self.objects.below(folder), None) is not None:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), folder)

    def rename(self, old: str, new: str) -> None:
        """Copy the objects of a folder, the one that makes it a character last; then remove the old ones."""
        with ExitStack() as stack:
            for name in sorted({lock_name(checked_path(old)), lock_name(checked_path(new))}):
                stack.enter_context(self.lock(name))
            if not self._is_there(old):
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), old)
            self._check_absent(new)
            with self._noted(Pending("rename", old, new)):
                for path in sorted(self._paths(old), key=lambda each: each == f"{old}/{PROFILE}"):
                    self._renew()
                    self.objects.copy(path, new + path[len(old) :])
                self._remove_all(old)

    def remove_folder(self, path: str) -> list[str]:
        """Remove the objects of a folder, the one that makes it a character first."""
        with self.lock(lock_name(checked_path(path))):
            paths = self._paths(path)
            if paths:
                with self._noted(Pending("remove", path)):
                    self._remove_all(path)
            return paths

    def sweep(self) -> list[str]:
        """Finish or undo what was left undone under names that nobody uses at the moment."""
        removed: list[str] = []
        for path, pending in self._pending().items():
            with ExitStack() as stack:
                if all(self._enter(stack, name) for name in sorted(pending.locks)):
                    removed += self._settle({path: pending})
        return removed

    def _enter(self, stack: ExitStack, name: str) -> bool:
        """Take a lock if it is free, and return whether this thread has it."""
        if name not in self._held.locks:
            lock = self._try_lock(f"{_LOCKS}/{lock_key(name)}")
            if lock is None:
                return False
            stack.enter_context(self._held.holding(name, lock, self._release))
        return True
