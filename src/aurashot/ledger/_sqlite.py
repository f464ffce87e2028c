"""The ledger in a SQLite file, for any number of threads and processes."""

from __future__ import annotations

import os
import weakref
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast
from uuid import uuid4

from aurashot._atomic import path_fault
from aurashot._reasons import described
from aurashot.errors import AuraShotError, ConfigurationError, InputError, LedgerError
from aurashot.ledger import _table as table
from aurashot.ledger._cap import SpendCap, caps_of
from aurashot.ledger._commits import BusyError, Job
from aurashot.ledger._connections import Connections
from aurashot.ledger._entries import Entry, microseconds
from aurashot.ledger._file import in_words, troubles
from aurashot.ledger._records import (
    PATIENCE,
    Annotate,
    Intent,
    Ledger,
    Payment,
    Reserve,
    Settle,
    Settlement,
    Write,
)
from aurashot.ledger._rules import check_key
from aurashot.ledger._summary import Summary, summed
from aurashot.ledger._values import unicode

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

    from aurashot.ledger._commits import Step

T = TypeVar("T")

_inherited: list[Connections] = []
"""Connections of a parent process: closing them, as the garbage collector would, is not safe in a child."""


class SQLiteLedger(Ledger):
    """A ledger in a SQLite file.

    One object serves any number of threads, tasks and clients; several processes may use one file. What is written is
    on the disk (WAL, synchronous=FULL) before the call goes on, so that it survives `kill -9` and a power failure.

    The file is readable only by its owner (0600): the URLs of images are stored as received, and can be signed. A file
    that belongs to another user, that others can write to, that is a symbolic link, or that has tables or triggers of
    others is refused.

    Args:
        path: The file; created if it is missing, with its folder.
        cap: How much may be spent: one cap, or several that all apply. A call that would exceed one is not sent.
        run: A name for this run of the program, which `SpendCap(per="run")` counts by; a new one by default.
            Several processes that pass the same name share its cap.
        keep_prompts: Whether prompts are stored in full; otherwise only as SHA-256 digests.

    Raises:
        LedgerError: The file cannot be used: locked, read-only, damaged, another program's or user's, or of a newer
            version.
        ConfigurationError: An argument is invalid.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        cap: SpendCap | Sequence[SpendCap] | None = None,
        run: str | None = None,
        keep_prompts: bool = False,
        create: bool = True,
    ) -> None:
        _check_path(path)
        self._caps = caps_of(cap)
        self.path: Path = Path(path).expanduser()
        self.cap: SpendCap | tuple[SpendCap, ...] | None = (
            cap if cap is None or isinstance(cap, SpendCap) else self._caps
        )
        self.run: str = run or uuid4().hex
        _check_run(self.run)
        self._keep_prompts = keep_prompts
        self._open(create=create)

    def recall(self, intent: Intent, *, timeout: float = PATIENCE) -> Entry | None:
        """Return the paid entry that answers a request, or None if the request may be sent; write nothing.

        Args:
            intent: The request that is about to be sent.
            timeout: Seconds to wait for concurrent writers.

        Raises:
            UnresolvedError: A request under the key may be on the bill.
            InputError: The key was used for another request; `argument` is `idempotency_key`.
            LedgerError: The file cannot be read.
        """
        _check_text("idempotency_key", intent.idempotency_key)
        if not intent.pay_once:
            return None
        return check_key(intent, self._read(table.read, table.OF_KEY, intent.idempotency_key, timeout=timeout))

    def write(self, writes: Sequence[Write], *, timeout: float = PATIENCE) -> list[Entry | AuraShotError | None]:
        """Write all of it, synced to the disk at once; threads that write at the same time share the sync.

        Returns:
            For each write what it made: the new entry of a `Reserve`, or the earlier one that was paid under its key;
            None for the others; or the error for which it was not written.

        Raises:
            LedgerError: None of it was written: the file is busy, read-only, full, damaged or closed.
        """
        job = Job([self._step(write) for write in writes], timeout)
        try:
            self._run(job)
            return list(map(self._result, job.results))
        except BaseException as reason:
            self._give_up(job, reason)
            raise

    def _step(self, write: Write) -> Step:
        match write:
            case Reserve(intent):
                return partial(
                    table.reserve, intent=intent, caps=self._caps, run=self.run, keep_prompt=self._keep_prompts
                )
            case Settle():
                return partial(table.settle, write=write)
            case Annotate():
                return partial(table.annotate, write=write)

    def _result(self, result: Any) -> Entry | AuraShotError | None:
        """Return what a step made; what it raised belongs to this thread from here on."""
        if not isinstance(result, Exception):
            return cast("Entry | None", result)
        error = result if isinstance(result, AuraShotError) else in_words(self.path, result)
        return error.with_traceback(None)

    def _give_up(self, job: Job, reason: BaseException) -> None:
        """Release what was reserved for a thread that is interrupted before it receives the entry: it sends nothing."""
        made = [each for each in job.results if isinstance(each, Entry) and each.payment == "unknown"]
        if job.is_done and job.problem is None and made:
            released = Settlement(payment="not_paid", attempts=0, error=type(reason).__name__)
            self._run(Job([self._step(Settle(entry.number, released)) for entry in made], PATIENCE))

    def _run(self, job: Job) -> None:
        own = self._connections()
        if not job.steps:
            return
        try:
            with troubles(self.path):
                own.commits.run(job)
        except BusyError:
            raise LedgerError(f"The ledger {self.path} is busy, because other threads are writing; try again") from None

    def resolve(
        self, key: str, payment: Payment, *, urls: Sequence[str] | None = None, request_id: str | None = None
    ) -> int:
        """Record what the bill, or the service, says about an unresolved call; return the number of entries.

        Args:
            key: The idempotency key of the call.
            payment: `paid` or `not_paid`.
            urls: The URLs of the images, if they were found.
            request_id: The service's own identifier, if it was found.

        Raises:
            InputError: Nothing is unresolved under that key, or `payment` is neither.
            LedgerError: It cannot be recorded.
        """
        if payment not in {"paid", "not_paid"}:
            raise InputError(f"payment: resolve as 'paid' or 'not_paid', not {payment!r}", argument="payment")
        _check_text("key", key)
        _check_text("request_id", request_id)
        step = partial(table.resolve, key=key, payment=payment, urls=urls, request_id=request_id)
        job = Job([step], PATIENCE)
        self._run(job)
        (number,) = job.results
        if isinstance(number, Exception):
            raise in_words(self.path, number)
        if not number:
            raise InputError(f"key: nothing is unresolved under {key!r}", argument="key")
        return cast("int", number)

    def entries(self, since: datetime | None = None) -> list[Entry]:
        """Return the entries, the oldest first.

        Args:
            since: Only entries recorded at this time or later; with a time zone.

        Raises:
            InputError: `since` has no time zone.
            LedgerError: The file cannot be read.
        """
        query = "SELECT * FROM calls WHERE started_at >= ? ORDER BY number"
        return self._read(table.read, query, _since(since))

    def unresolved(self) -> list[Entry]:
        """Return the entries that are `unknown`, including those under way, or `pending`.

        Raises:
            LedgerError: The file cannot be read.
        """
        return self._read(table.read, "SELECT * FROM calls WHERE outcome IN ('unknown', 'pending') ORDER BY number")

    def find(
        self, *, key: str | None = None, operation_id: str | None = None, tags: Mapping[str, str] | None = None
    ) -> list[Entry]:
        """Return the entries that meet all conditions, the oldest first.

        Args:
            key: The idempotency key.
            operation_id: The id of the public call that made the request.
            tags: Tags that an entry has, with these values; it may have others.

        Raises:
            InputError: No condition was given, or one is of another type.
            LedgerError: The file cannot be read.
        """
        _check_conditions(key, operation_id, tags)
        return self._read(table.find, key, operation_id, tags)

    def summary(self, since: datetime | None = None) -> Summary:
        """Return the sums of the entries.

        Args:
            since: Only entries recorded at this time or later; with a time zone.

        Raises:
            InputError: `since` has no time zone.
            LedgerError: The file cannot be read.
        """
        return self._read(_summed, _since(since))

    def _read(self, work: Callable[..., T], *arguments: object, timeout: float = PATIENCE) -> T:
        own = self._connections()
        with troubles(self.path), own.reading(timeout) as connection:
            return work(connection, *arguments)

    def _connections(self) -> Connections:
        if self._own is None:
            raise LedgerError(f"The ledger {self.path} is closed; make a new one")
        if self._own.pid != os.getpid():
            _inherited.append(self._own)
            self._open(create=False)
        return self._own

    def _open(self, *, create: bool) -> None:
        own = Connections(self.path, PATIENCE, create=create)
        self._own: Connections | None = own
        weakref.finalize(self, own.abandon)

    def close(self) -> None:
        """Close the file; closing it twice is allowed."""
        own, self._own = self._own, None
        if own is not None:
            own.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by path: another process opens the file again, in the same run."""
        return _reopened, (str(self.path.absolute()), self.cap, self.run, self._keep_prompts)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r}, cap={self.cap!r})"


def _reopened(
    path: str,
    cap: SpendCap | tuple[SpendCap, ...] | None,
    run: str,
    keep_prompts: bool,  # noqa: FBT001  # called by pickle
) -> SQLiteLedger:
    return SQLiteLedger(path, cap=cap, run=run, keep_prompts=keep_prompts)


def _summed(connection: sqlite3.Connection, since: int) -> Summary:
    query = "SELECT operation, outcome, tags, input_tokens, output_tokens FROM calls WHERE started_at >= ?"
    try:
        return summed(tuple(row) for row in connection.execute(query, (since,)))
    except table.UNREADABLE as problem:
        raise LedgerError(
            f"The ledger has an entry that cannot be added up ({described(problem)}); aurashot did not write it"
        ) from problem


def _check_path(path: object) -> None:
    if not isinstance(path, str | os.PathLike) or str(path) in {"", ":memory:"}:  # pyright: ignore[reportUnknownArgumentType]  # of whatever kind
        raise ConfigurationError(
            "A ledger needs the path of a file; what is kept in memory is lost when the process ends"
        )
    if fault := path_fault(str(path)):  # pyright: ignore[reportUnknownArgumentType]  # of whatever kind
        raise ConfigurationError(f"{path!r} cannot be the path of a ledger: {fault}; pass the path of a file")


def _check_run(run: object) -> None:
    if not isinstance(run, str) or unicode(run) != run:
        raise ConfigurationError(f"run={run!r} is not a text that an entry can have; pass another name")


def _check_conditions(key: object, operation_id: object, tags: object) -> None:
    if key is None and operation_id is None and not tags:
        raise InputError("find: give a key, an operation_id or tags")
    for name, value in (("key", key), ("operation_id", operation_id)):
        if value is not None and not isinstance(value, str):
            raise InputError(f"{name}: a string is needed, not {type(value).__name__}", argument=name)
        _check_text(name, value)
    if tags is not None and not table.are_tags(tags):
        raise InputError(f"tags: strings by name are needed, without NUL characters, not {tags!r}", argument="tags")


def _check_text(name: str, value: str | None) -> None:
    """Refuse lone surrogates, which are in no entry, and which SQLite cannot be asked for."""
    try:
        (value or "").encode()
    except UnicodeEncodeError:
        raise InputError(f"{name}: {value!r} is not a text that an entry can have; check it", argument=name) from None


def _since(since: object) -> int:
    if since is None:
        return 0
    if not isinstance(since, datetime) or since.tzinfo is None:
        raise InputError(f"since: a datetime with a time zone is needed, not {since!r}", argument="since")
    return microseconds(since)
