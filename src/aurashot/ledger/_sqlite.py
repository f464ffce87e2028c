"""The ledger in a SQLite file, for any number of threads and processes."""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
import weakref
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self
from uuid import uuid4

from aurashot.errors import ConfigurationError, InputError, LedgerError, SpendCapError
from aurashot.ledger._cap import SpendCap, today
from aurashot.ledger._entries import Entry, Summary, entry_of, microseconds, summed
from aurashot.ledger._file import connect, troubles
from aurashot.ledger._records import Intent, Ledger, Payment, Settlement

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Generator, Sequence
    from types import TracebackType

PATIENCE: Final = 5.0
"""Seconds to wait for others who write, where the caller does not say."""

RESERVE: Final = """
    INSERT INTO calls
        (idempotency_key, operation, outcome, started_at, prompt_digest, prompt, reference_digests, tags, run)
    VALUES (?, ?, 'unknown', ?, ?, ?, ?, ?, ?)
"""
SETTLE: Final = """
    UPDATE calls SET outcome = ?, finished_at = ?, attempts = ?, request_id = ?, urls = ?, input_tokens = ?,
        output_tokens = ?, error = ? WHERE number = ?
"""
RESOLVE: Final = """
    UPDATE calls SET outcome = ?, finished_at = ?, request_id = coalesce(?, request_id),
        urls = coalesce(?, urls) WHERE idempotency_key = ? AND outcome = 'unknown'
"""
SPENT: Final = {
    "day": "SELECT count(*) FROM calls WHERE outcome != 'not_paid' AND started_at >= ?",
    "run": "SELECT count(*) FROM calls WHERE outcome != 'not_paid' AND run = ?",
}


class _Own:
    """The connection of one process, and the lock of its threads."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.pid: int = os.getpid()
        self.connection = connection
        self.lock = threading.Lock()

    def close(self) -> None:
        if self.pid == os.getpid():  # a child of `fork()` must not touch the parent's
            self.connection.close()


_inherited: list[_Own] = []
"""Connections of a parent process: closing them, as the garbage collector would, is not safe in a child."""


class SQLiteLedger(Ledger):
    """A ledger in a SQLite file.

    One object serves any number of threads, tasks and clients; several processes may use one file. What is written is
    on the disk (WAL, synchronous=FULL) before the call goes on, so that it survives `kill -9` and a power failure.

    The file is made for its owner alone (0600): the addresses of pictures are stored as they came, and can be signed.

    Args:
        path: The file; made when it is not there, with its folder.
        cap: How much may be spent. A call that would exceed it is not sent.
        run: A name for this run of the program, which `SpendCap(per="run")` counts by; a fresh one unless given.
            Several processes that give one name share its cap.
        keep_prompts: Whether prompts are stored in full; otherwise only as SHA-256 digests.

    Raises:
        LedgerError: The file cannot be used: locked, read-only, damaged, another program's, or of a newer version.
        ConfigurationError: An argument cannot work.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        cap: SpendCap | None = None,
        run: str | None = None,
        keep_prompts: bool = False,
        create: bool = True,
    ) -> None:
        _check(path, cap)
        self.path: Path = Path(path).expanduser()
        self.cap = cap
        self.run: str = run or uuid4().hex
        self._keep_prompts = keep_prompts
        self._open(create=create)

    def reserve(self, intent: Intent, *, timeout: float = PATIENCE) -> int:
        """Record a request before its first byte goes out, and return the number of the entry.

        Args:
            intent: The request.
            timeout: Seconds to wait for others who are writing.

        Raises:
            LedgerError: It cannot be recorded, so it must not be sent.
            SpendCapError: It would exceed the cap; nothing was written.
        """
        now = microseconds(datetime.now(UTC))
        prompt = intent.prompt
        row = (
            intent.idempotency_key,
            intent.operation,
            now,
            None if prompt is None else _digest(prompt),
            prompt if self._keep_prompts else None,
            json.dumps({name: _digest(address) for name, address in intent.references.items()}),
            json.dumps(dict(intent.tags)),
            self.run,
        )
        with self._writing(timeout) as connection:
            self._check_cap(connection)
            number = connection.execute(RESERVE, row).lastrowid
        return number or 0

    def _check_cap(self, connection: sqlite3.Connection) -> None:
        if self.cap is None:
            return
        window = {"day": microseconds(today()), "run": self.run}[self.cap.per]
        spent: int = connection.execute(SPENT[self.cap.per], (window,)).fetchone()[0]
        if spent < self.cap.max_images:
            return
        error = SpendCapError(
            f"the cap of {self.cap.max_images} images a {self.cap.per} is reached: {spent} are paid, under way or "
            "unresolved; raise it, resolve what is not on the bill, or wait"
        )
        error.max_images, error.per, error.spent = self.cap.max_images, self.cap.per, spent
        raise error

    def settle(self, entry: int, settlement: Settlement, *, timeout: float = PATIENCE) -> None:
        """Record what became of a request.

        Raises:
            LedgerError: It cannot be recorded; the entry stays `unknown`.
        """
        row = (
            settlement.outcome,
            microseconds(datetime.now(UTC)),
            settlement.attempts,
            settlement.request_id,
            json.dumps(settlement.urls),
            settlement.input_tokens,
            settlement.output_tokens,
            settlement.error,
            entry,
        )
        with self._writing(timeout) as connection:
            connection.execute(SETTLE, row)

    def resolve(
        self, key: str, outcome: Payment, *, urls: Sequence[str] | None = None, request_id: str | None = None
    ) -> int:
        """Write down what the bill, or the service, says about a call that was unresolved; return how many entries.

        Args:
            key: The idempotency key of the call.
            outcome: `paid` or `not_paid`.
            urls: The addresses of the pictures, if they were found.
            request_id: The service's own identifier, if it was found.

        Raises:
            InputError: Nothing is unresolved under that key, or the outcome is none.
            LedgerError: It cannot be recorded.
        """
        if outcome not in {"paid", "not_paid"}:
            raise InputError(f"outcome: resolve as 'paid' or 'not_paid', not {outcome!r}", argument="outcome")
        found = None if urls is None else json.dumps(list(urls))
        row = (outcome, microseconds(datetime.now(UTC)), request_id, found, key)
        with self._writing(PATIENCE) as connection:
            number = connection.execute(RESOLVE, row).rowcount
        if not number:
            raise InputError(f"key: nothing is unresolved under {key!r}", argument="key")
        return number

    def entries(self, since: datetime | None = None) -> list[Entry]:
        """Return the entries, the oldest first.

        Args:
            since: Only those that were recorded at this time or later; with a time zone.

        Raises:
            InputError: `since` has no time zone.
            LedgerError: The file cannot be read.
        """
        return self._entries("SELECT * FROM calls WHERE started_at >= ? ORDER BY number", (_since(since),))

    def unresolved(self) -> list[Entry]:
        """Return the entries whose outcome nobody knows, those under way among them.

        Raises:
            LedgerError: The file cannot be read.
        """
        return self._entries("SELECT * FROM calls WHERE outcome = 'unknown' ORDER BY number", ())

    def summary(self, since: datetime | None = None) -> Summary:
        """Sum up the entries.

        Args:
            since: Only those that were recorded at this time or later; with a time zone.

        Raises:
            InputError: `since` has no time zone.
            LedgerError: The file cannot be read.
        """
        query = "SELECT operation, outcome, tags, input_tokens, output_tokens FROM calls WHERE started_at >= ?"
        with self._turn(PATIENCE) as connection:
            return summed(tuple(row) for row in connection.execute(query, (_since(since),)))

    def _entries(self, query: str, values: tuple[object, ...]) -> list[Entry]:
        with self._turn(PATIENCE) as connection:
            return [entry_of(row) for row in connection.execute(query, values)]

    @contextmanager
    def _writing(self, timeout: float) -> Generator[sqlite3.Connection]:
        """Give the connection within one transaction, which is on the disk when the block has ended."""
        with self._turn(timeout) as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _turn(self, timeout: float) -> Generator[sqlite3.Connection]:
        """Give the connection to one thread at a time."""
        give_up = time.monotonic() + timeout
        own = self._own_connection()
        if not own.lock.acquire(timeout=max(0.0, timeout)):
            raise LedgerError(f"the ledger {self.path} is busy: other threads are writing; try again")
        try:
            with troubles(self.path):
                left = max(0.0, give_up - time.monotonic())
                own.connection.execute(f"PRAGMA busy_timeout = {int(left * 1000)}")
                yield own.connection
        finally:
            own.lock.release()

    def _own_connection(self) -> _Own:
        if self._own is None:
            raise LedgerError(f"the ledger {self.path} is closed: make a new one")
        if self._own.pid != os.getpid():
            _inherited.append(self._own)
            self._open(create=False)
        return self._own

    def _open(self, *, create: bool) -> None:
        own = _Own(connect(self.path, PATIENCE, create=create))
        self._own: _Own | None = own
        weakref.finalize(self, own.close)

    def close(self) -> None:
        """Close the file; closing twice is fine."""
        own, self._own = self._own, None
        if own is not None:
            with own.lock:
                own.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by path: in another process it is opened anew, and belongs to the same run."""
        return _reopened, (str(self.path.absolute()), self.cap, self.run, self._keep_prompts)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r}, cap={self.cap!r})"


def _reopened(path: str, cap: SpendCap | None, run: str, keep_prompts: bool) -> SQLiteLedger:  # noqa: FBT001  # called by pickle
    return SQLiteLedger(path, cap=cap, run=run, keep_prompts=keep_prompts)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _check(path: object, cap: object) -> None:
    if not isinstance(path, str | os.PathLike) or str(path) in {"", ":memory:"}:  # pyright: ignore[reportUnknownArgumentType]  # of whatever kind
        raise ConfigurationError("a ledger needs the path of a file: what is kept in memory is lost when it matters")
    if cap is not None and not isinstance(cap, SpendCap):
        raise ConfigurationError(f"cap= takes a SpendCap, not {type(cap).__name__}")


def _since(since: object) -> int:
    if since is None:
        return 0
    if not isinstance(since, datetime) or since.tzinfo is None:
        raise InputError(f"since: a datetime with a time zone is needed, not {since!r}", argument="since")
    return microseconds(since)
