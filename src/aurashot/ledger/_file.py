"""The file of a ledger: how it is made, opened and checked, and its errors."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aurashot._part import set_mode
from aurashot._reasons import reason_of
from aurashot.errors import LedgerError
from aurashot.ledger._schema import APPLICATION_ID, VERSION, pragma, upgrade

if TYPE_CHECKING:
    from collections.abc import Generator

LONGEST: Final = 3600.0
"""Seconds for which SQLite is asked to wait at once; the number has to fit into 32 bits."""

_TROUBLES: Final = (
    ("SQLITE_BUSY", "is locked: another process is writing; try again, or end the one that holds it"),
    ("SQLITE_LOCKED", "is locked: another process is writing; try again, or end the one that holds it"),
    ("SQLITE_READONLY", "cannot be written to; give this user write permission, or choose another path"),
    ("SQLITE_PERM", "cannot be written to; give this user write permission, or choose another path"),
    ("SQLITE_FULL", "is on a full disk; make room, or choose another path"),
    ("SQLITE_CORRUPT", "is damaged; move it elsewhere, keep it, and start a new one"),
    ("SQLITE_NOTADB", "is not a ledger; choose another path"),
    ("SQLITE_CANTOPEN", "cannot be opened; choose another path"),
    ("SQLITE_IOERR", "cannot be read or written; the disk is failing or full"),
)
"""What SQLite calls it, and what to do: https://www.sqlite.org/rescode.html."""


@contextmanager
def troubles(path: Path) -> Generator[None]:
    """Turn errors of the file into `LedgerError`.

    Raises:
        LedgerError: The file cannot be used.
    """
    try:
        yield
    except sqlite3.Error as problem:
        raise in_words(path, problem) from problem
    except OSError as problem:
        raise LedgerError(f"The ledger {path} cannot be opened: {reason_of(problem)}") from problem


def in_words(path: Path, problem: Exception) -> LedgerError:
    """Return an error of SQLite as one of ours, which says what to do."""
    name = getattr(problem, "sqlite_errorname", "")
    advice = next((words for code, words in _TROUBLES if name.startswith(code)), "cannot be used")
    return LedgerError(f"The ledger {path} {advice} ({reason_of(problem)})")


def connect(path: Path, timeout: float, *, create: bool) -> sqlite3.Connection:
    """Open a ledger; make it if it is missing and that is allowed.

    Raises:
        LedgerError: It cannot be opened, is another program's, or of a newer version.
    """
    with troubles(path):
        if create:
            target = Path(os.path.realpath(path))  # a link whose target is missing is kept, too
            target.parent.mkdir(parents=True, exist_ok=True)
            _make_private(target)
        _check_is_file(path)
        connection = _opened(path, timeout)
        try:
            _prepare(connection, path, timeout)
        except BaseException:
            connection.close()
            raise
    return connection


def connect_to_read(path: Path, timeout: float) -> sqlite3.Connection:
    """Open a ledger that this process has opened already, for reading only.

    Raises:
        LedgerError: It cannot be opened.
    """
    with troubles(path):
        connection = _opened(path, timeout)
        connection.execute("PRAGMA query_only = ON")
    return connection


def wait(connection: sqlite3.Connection, seconds: float) -> None:
    """Set for how long a connection waits for other processes."""
    connection.execute(f"PRAGMA busy_timeout = {int(min(max(seconds, 0.0), LONGEST) * 1000)}")


def _check_is_file(path: Path) -> None:
    if path.is_dir():
        raise LedgerError(f"The ledger {path} is a folder; pass the path of a file in it")
    if path.exists() and not path.is_file():
        raise LedgerError(f"The ledger {path} is not a regular file; choose another path")
    if not path.exists():
        raise LedgerError(
            f"There is no ledger at '{path}'; check the path, or make one by recording calls, with "
            f"AuraShot(ledger=SQLiteLedger({str(path)!r}))"
        )


def _opened(path: Path, timeout: float) -> sqlite3.Connection:
    address = f"{path.absolute().as_uri()}?mode=rw"
    connection = sqlite3.connect(address, uri=True, timeout=timeout, isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    return connection


def _make_private(path: Path) -> None:
    """Make the file before SQLite does, so that no other user can ever open it; its journals inherit its mode."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with open(descriptor, "r+b") as file:  # noqa: PTH123 - a descriptor
        if os.name == "posix":
            set_mode(file, 0o600)  # whatever the umask


def _prepare(connection: sqlite3.Connection, path: Path, timeout: float) -> None:
    _check(connection, path)
    mode = _write_ahead(connection, time.monotonic() + timeout)
    if mode != "wal":
        raise LedgerError(f"The ledger {path} is on a file system that cannot hold one ({mode}); choose another path")
    connection.execute("PRAGMA synchronous = FULL")
    if pragma(connection, "user_version") < VERSION:
        upgrade(connection)


def _write_ahead(connection: sqlite3.Connection, give_up: float) -> str:
    """Return the journal mode that the file now has; SQLite itself does not wait for others who set it."""
    while True:
        try:
            mode: str = pragma(connection, "journal_mode = WAL")
        except sqlite3.OperationalError as problem:
            if problem.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > give_up:
                raise
            time.sleep(0.01)
        else:
            return mode


def _check(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("BEGIN")  # one look: another process may be making the table
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    version, application = pragma(connection, "user_version"), pragma(connection, "application_id")
    connection.execute("COMMIT")
    if application != APPLICATION_ID and (version or application or tables):
        raise LedgerError(f"The ledger {path} is another program's database; choose another path")
    if version > VERSION:
        raise LedgerError(
            f"The ledger {path} was made by a newer aurashot (its version is {version}); upgrade aurashot"
        )
