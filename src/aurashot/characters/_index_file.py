"""The SQLite file of an index: nothing in it is needed, so that whatever is wrong with it, it is made anew.

The file is this user's alone (0600). A connection is opened for each use, which takes a fraction of a millisecond:
nothing stays open in a process that forks, and a file that another process has replaced is not used any longer.
"""

from __future__ import annotations

import os
import sqlite3
import stat
import sys
import threading
from contextlib import contextmanager, suppress
from random import random
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeVar

from aurashot._part import is_own

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

T = TypeVar("T")

APPLICATION_ID: Final = 0x41534758
VERSION: Final = 1
PATIENCE: Final = 2.0
"""Seconds to wait for another process; what is not written is found missing, and written, by the next search."""
_ATTEMPTS: Final = 3
_MOVED: Final = "SQLITE_READONLY_DBMOVED"
"""What SQLite says when another process has put a new file in the place of an open one."""
_ENDINGS: Final = ("", "-journal", "-wal", "-shm")
_SCHEMA: Final = (
    """
    CREATE TABLE images (
        id INTEGER PRIMARY KEY, character TEXT NOT NULL, name TEXT NOT NULL, created INTEGER NOT NULL, verdict TEXT,
        facts BLOB NOT NULL, tags TEXT NOT NULL, size INTEGER NOT NULL, modified INTEGER NOT NULL,
        beside_size INTEGER NOT NULL, beside_modified INTEGER NOT NULL, UNIQUE (character, name)
    )
    """,
    "CREATE INDEX by_time ON images (created)",
    "CREATE TABLE texts (id INTEGER PRIMARY KEY, created INTEGER NOT NULL, folded TEXT NOT NULL)",
    "CREATE TABLE folders (character TEXT PRIMARY KEY, stamp TEXT NOT NULL)",
    "CREATE TABLE notes (name TEXT PRIMARY KEY, value REAL NOT NULL)",
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {VERSION}",
)
_SETTINGS: Final = (
    "trusted_schema = OFF",
    "cell_size_check = ON",
    "mmap_size = 0",
    "secure_delete = ON",  # what is forgotten is overwritten
    "synchronous = NORMAL",
    "temp_store = MEMORY",
)


class _UnusableError(Exception):
    """The file is another program's, another user's, or of another version."""


class Used(NamedTuple, Generic[T]):
    """What was done with an index.

    Attributes:
        result: What it gave.
        made: A number that says which index it was: one that was made anew has another.
    """

    result: T
    made: float


class IndexFile:
    """Where an index is kept; in memory, if no file can be.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._memory: sqlite3.Connection | None = None
        self._lock = threading.RLock()

    def use(self, work: Callable[[sqlite3.Connection], T]) -> Used[T]:
        """Do something with a connection; if the file is broken, make it anew and do it once more.

        Raises:
            BusyError: Another process was writing all the time.
        """
        if self._memory is None:
            for _ in range(_ATTEMPTS):
                try:
                    with _connected(self.path) as (connection, made):
                        return Used(work(connection), made)
                except (sqlite3.Error, _UnusableError, OSError, TypeError, ValueError, OverflowError) as error:
                    if is_busy(error):
                        raise BusyError from error
                    if getattr(error, "sqlite_errorname", "") != _MOVED:
                        self.discard()
        with self._lock:
            if self._memory is None:
                self._memory = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
            made = _prepare(self._memory)
            return Used(work(self._memory), made)

    @property
    def is_there(self) -> bool:
        """Whether there is an index, in a file or in memory."""
        return self._memory is not None or self.path.exists()

    def discard(self) -> None:
        """Remove the file, and what SQLite has put beside it."""
        for ending in _ENDINGS:
            with suppress(OSError):
                self.path.with_name(self.path.name + ending).unlink(missing_ok=True)

    def close(self) -> None:
        """Give up what is kept in memory."""
        with self._lock:
            memory, self._memory = self._memory, None
            if memory is not None:
                memory.close()


class BusyError(Exception):
    """Another process was writing for too long."""


def is_busy(error: Exception) -> bool:
    """Whether an error only says that another process is writing."""
    return getattr(error, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))


@contextmanager
def transaction(connection: sqlite3.Connection) -> Generator[None]:
    """Write all of it or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:  # Ctrl-C as well: what was half written goes
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


@contextmanager
def _connected(path: Path) -> Generator[tuple[sqlite3.Connection, float]]:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    _make(path)
    address = f"{path.absolute().as_uri()}?mode=rw"
    connection = sqlite3.connect(address, uri=True, timeout=PATIENCE, isolation_level=None)
    try:
        yield connection, _prepare(connection)
    finally:
        connection.close()


def _make(path: Path) -> None:
    """Make the file before SQLite does, so that no other user can ever open it; refuse one that others could write."""
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    state = path.lstat()
    is_private = os.name != "posix" or not state.st_mode & 0o022
    if not stat.S_ISREG(state.st_mode) or not is_own(state) or not is_private:
        raise _UnusableError
    if os.name == "posix" and state.st_mode & 0o077:
        with suppress(OSError):  # a file system without permissions
            path.chmod(0o600)


def _prepare(connection: sqlite3.Connection) -> float:
    """Make the tables if they are missing, and return which index it is."""
    for setting in _SETTINGS:
        connection.execute(f"PRAGMA {setting}")
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    if sys.version_info >= (3, 12):
        connection.setconfig(sqlite3.SQLITE_DBCONFIG_DEFENSIVE, True)
    if _version(connection) == (0, 0):
        with transaction(connection):
            if _version(connection) == (0, 0):  # no other process has made the tables meanwhile
                for statement in _SCHEMA:
                    connection.execute(statement)
                connection.execute("INSERT INTO notes VALUES ('made', ?)", [random()])  # noqa: S311 - no secret
    made = connection.execute("SELECT value FROM notes WHERE name = 'made'").fetchone()
    if made is None or _version(connection) != (APPLICATION_ID, VERSION):
        raise _UnusableError
    return float(made[0])


def _version(connection: sqlite3.Connection) -> tuple[int, int]:
    names = ("application_id", "user_version")
    application, version = (int(connection.execute(f"PRAGMA {name}").fetchone()[0]) for name in names)
    return application, version
