"""Where a library keeps its files: a folder of this machine, or an object store.

Paths are relative to the library's root, and have `/` between their parts. What a store cannot do is a `LibraryError`
that names the character and the file; only that something is missing or is already there are Python's own errors, since
callers expect them.
"""

from __future__ import annotations

import errno
import hashlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from aurashot._reasons import reason_of
from aurashot.characters._names import AVATARS, name_key
from aurashot.errors import LibraryError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator
    from contextlib import AbstractContextManager
    from datetime import datetime
    from pathlib import Path

OWN_FOLDER: Final = ".aurashot"
"""What belongs to the library and to no character: locks, and what is about to be created or removed."""

_SENTENCES: Final = {
    errno.EACCES: "it may not be used; check its permissions",
    errno.EDQUOT: "the quota of this user is used up; free some space, and try again",
    errno.EMFILE: "this program has too many files open; close some, or raise its limit (ulimit -n)",
    errno.ENAMETOOLONG: "its path is too long for the file system; use a shorter name, or another root",
    errno.ENOSPC: "the disk is full; free some space, and try again",
    errno.EPERM: "it may not be used; check its permissions",
    errno.EROFS: "the file system is read-only; use another root",
    errno.ESTALE: "it was moved or replaced meanwhile; get the character again",
    errno.EXDEV: f"'{AVATARS}' and '{OWN_FOLDER}' are on different file systems; put both on one",
}


_NOWHERE: Final = frozenset(("", ".", ".."))
"""Parts that a path within the root does not have."""


class StoredFile(NamedTuple):
    """A file of a store.

    Attributes:
        path: Relative to the library's root.
        size: In bytes.
        modified: When it was written last, in UTC, by the clock of the store.
    """

    path: str
    size: int
    modified: datetime


class Store(Protocol):
    """Where a library keeps its files. Each method may be called by several threads and processes at once."""

    def read(self, path: str) -> bytes:
        """Return the content of a file.

        Raises:
            FileNotFoundError: There is none.
            LibraryError: It cannot be read.
        """
        ...

    def create(self, path: str, content: bytes) -> None:
        """Write a file that is not there yet: whole or not at all, and on the disk when this returns.

        Raises:
            FileExistsError: It is there.
            FileNotFoundError: It would be in the folder of a character that is not there.
            LibraryError: It cannot be written.
        """
        ...

    def replace(self, path: str, content: bytes) -> None:
        """Write a file, in place of an earlier one: the old or the new content is there at any time.

        Raises:
            FileNotFoundError: It would be in the folder of a character that is not there.
            LibraryError: It cannot be written.
        """
        ...

    def remove(self, path: str) -> bool:
        """Remove a file, and return whether it was there.

        Raises:
            LibraryError: It cannot be removed.
        """
        ...

    def files(self, folder: str, *, hidden: bool = False) -> Iterator[StoredFile]:
        """Return the files below a folder; none if there is no such folder.

        Args:
            folder: The folder.
            hidden: Whether those are included whose names begin with a dot, such as partial files.

        Raises:
            LibraryError: It cannot be read.
        """
        ...

    def folders(self, folder: str) -> Iterator[str]:
        """Return the names of the folders directly in a folder, sorted, without hidden ones.

        Raises:
            LibraryError: It cannot be read.
        """
        ...

    def lock(self, name: str) -> AbstractContextManager[None]:
        """Exclude all other threads and processes that want the lock of that name; a thread may take it twice.

        What a killed process has left undone under that name is finished or undone first.

        Raises:
            LibraryError: Another process has it, and does not let go.
        """
        ...

    def create_folder(self, path: str, files: Iterable[tuple[str, bytes]]) -> None:
        """Create a character's folder with some files: all of them are there in the end, or none.

        Args:
            path: The folder.
            files: The path of each file in the folder, with its content; `profile/character.json` is the last one.

        Raises:
            FileExistsError: There is a folder.
            LibraryError: It cannot be written.
        """
        ...

    def rename(self, old: str, new: str) -> None:
        """Rename a character's folder: the old one or the new one is complete at any time.

        Raises:
            FileExistsError: There is a folder of the new name.
            FileNotFoundError: There is no folder of the old name.
            LibraryError: It cannot be renamed.
        """
        ...

    def remove_folder(self, path: str) -> list[str]:
        """Remove a character's folder with all that is in it, and return the paths of its files.

        Raises:
            LibraryError: It cannot be removed.
        """
        ...

    def sweep(self) -> list[str]:
        """Finish or undo what killed processes have left undone, and return the paths of the files that were removed.

        What another process may still be doing is left alone.

        Raises:
            LibraryError: Something cannot be removed.
        """
        ...

    def local(self, path: str) -> Path | None:
        """Return where a file or a folder is on this machine; None in an object store."""
        ...


def lock_name(path: str) -> str:
    """Return the name of the lock that belongs to the folder of a character, or to the character's name."""
    return name_key(path.rpartition("/")[2])


def lock_key(name: str) -> str:
    """Return the name of a lock's file: it says nothing about the character."""
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def checked_path(path: str) -> str:
    """Return a path if it stays within the root.

    Raises:
        LibraryError: It does not.
    """
    parts = path.split("/")
    if not _NOWHERE.isdisjoint(parts) or "\0" in path:
        raise LibraryError(f"The path {path[:200]!r} leads out of the library", path=path)
    return path


def character_in(path: str) -> str | None:
    """Return the name of the folder of the character that a path belongs to, if it belongs to one."""
    top, _, rest = path.partition("/")
    return rest.partition("/")[0] or None if top == AVATARS else None


def library_error(path: str, verb: str, problem: BaseException) -> LibraryError:
    """Return the error for something that a store could not do.

    Args:
        path: The file or the folder.
        verb: What could not be done to it: `read`, `written`, …
        problem: Why.
    """
    slug = character_in(path)
    sentence = _SENTENCES.get(getattr(problem, "errno", None) or 0) or reason_of(problem)[:500]
    whose = f" of the character '{slug}'" if slug else ""
    return LibraryError(f"'{path}'{whose} cannot be {verb}: {sentence}", character=slug, path=path)


@contextmanager
def told(path: str, verb: str) -> Generator[None]:
    """Turn an error of the operating system into one that names the character and the file."""
    try:
        yield
    except (FileExistsError, FileNotFoundError):
        raise
    except OSError as error:
        raise library_error(path, verb, error) from error


@contextmanager
def about(character: str) -> Generator[None]:
    """Name a character in errors that name none, such as those of its lock or its draft."""
    try:
        yield
    except LibraryError as error:
        if error.character is None:
            error.character = character
        raise
