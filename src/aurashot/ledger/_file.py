"""The file of a ledger: how it is made, opened and checked, and its errors."""

from __future__ import annotations

import os
import sqlite3
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from aurashot._part import set_mode
from aurashot._reasons import reason_of
from aurashot.errors import LedgerError
from aurashot.ledger._schema import APPLICATION_ID, VERSION, pragma, upgrade
from aurashot.ledger._tables import check_tables
from aurashot.ledger._trust import check_file, check_unchanged, make_private

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

_SETTINGS: Final = ("trusted_schema = OFF", "cell_size_check = ON", "mmap_size = 0")
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


def connect(path: Path, timeout: float, *, create: bool) -> tuple[sqlite3.Connection, os.stat_result]:
    """Open a ledger; make it if it is missing and that is allowed. Return also what is known of its file.

    Raises:
        LedgerError: It cannot be opened or trusted, is another program's, or of a newer version.
    """
    with troubles(path):
        if create:
            path.parent.mkdir(parents=True, exist_ok=True)
            _make(path)
        known = check_file(path)
        if known is None:
            raise _absent(path)
        connection = _opened(path, timeout)
        try:
            _check(connection, path)
            check_unchanged(path, known)
            make_private(path)
            _prepare(connection, path, timeout)
        except BaseException:
            connection.close()
            raise
    return connection, known


def connect_to_read(path: Path, timeout: float, known: os.stat_result) -> sqlite3.Connection:
    """Open a ledger that this process has opened already, for reading only.

    Raises:
        LedgerError: It cannot be opened, or another file stands in its place.
    """
    with troubles(path):
        connection = _opened(path, timeout)
        try:
            check_unchanged(path, known)
            connection.execute("PRAGMA query_only = ON")
        except BaseException:
            connection.close()
            raise
    return connection


def wait(connection: sqlite3.Connection, seconds: float) -> None:
    """Set for how long a connection waits for other processes."""
    connection.execute(f"PRAGMA busy_timeout = {int(min(max(seconds, 0.0), LONGEST) * 1000)}")


def _absent(path: Path) -> LedgerError:
    return LedgerError(
        f"There is no ledger at '{path}'; check the path, or make one by recording calls, with "
        f"AuraShot(ledger=SQLiteLedger({str(path)!r}))"
    )


def _opened(path: Path, timeout: float) -> sqlite3.Connection:
    address = f"{path.absolute().as_uri()}?mode=rw"
    connection = sqlite3.connect(address, uri=True, timeout=timeout, isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    try:
        _defend(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _defend(connection: sqlite3.Connection) -> None:
    """Let nothing that is in the file run, or reach other files: https://www.sqlite.org/security.html."""
    for setting in _SETTINGS:
        connection.execute(f"PRAGMA {setting}")
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    if sys.version_info >= (3, 12):
        connection.setconfig(sqlite3.SQLITE_DBCONFIG_DEFENSIVE, True)
        connection.setconfig(sqlite3.SQLITE_DBCONFIG_ENABLE_VIEW, False)


def _make(path: Path) -> None:
    """Make the file before SQLite does, so that no other user can ever open it; its journals inherit its mode."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with open(descriptor, "r+b") as file:  # noqa: PTH123 - a descriptor
        if os.name == "posix":
            set_mode(file, 0o600)  # whatever the umask


def _prepare(connection: sqlite3.Connection, path: Path, timeout: float) -> None:
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
    try:
        _check_contents(connection, path)
    finally:
        if connection.in_transaction:
            connection.execute("COMMIT")


def _check_contents(connection: sqlite3.Connection, path: Path) -> None:
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    version, application = pragma(connection, "user_version"), pragma(connection, "application_id")
    if application != APPLICATION_ID and (version or application or tables):
        raise LedgerError(f"The ledger {path} is another program's database; choose another path")
    if version > VERSION:
        raise LedgerError(
            f"The ledger {path} was made by a newer aurashot (its version is {version}); upgrade aurashot"
        )
    check_tables(connection, path, max(version, 0))
