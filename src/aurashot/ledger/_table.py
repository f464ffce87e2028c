"""What is read from and written into the tables of a ledger, each in the transaction of its caller."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Final, cast

from aurashot._reasons import described
from aurashot.errors import InputError, LedgerError
from aurashot.ledger._cap import check_cap
from aurashot.ledger._entries import Entry, entry_of, microseconds, numbered
from aurashot.ledger._rules import check_key
from aurashot.ledger._schema import DAY
from aurashot.ledger._values import storable, unicode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aurashot.ledger._cap import SpendCap
    from aurashot.ledger._owner import Owner
    from aurashot.ledger._records import Annotate, Intent, Settle

INSERT: Final = """
    INSERT INTO calls (idempotency_key, operation, outcome, started_at, prompt_digest, prompt, reference_digests, tags,
        run, operation_id, parent_id, request_digest, owner, again)
    SELECT :idempotency_key, :operation, :outcome, :started_at, :prompt_digest, :prompt, :reference_digests, :tags,
        :run, :operation_id, :parent_id, :request_digest, :owner, :again
"""
UNLESS_USED: Final = """
    WHERE NOT EXISTS (SELECT 1 FROM calls WHERE idempotency_key = :idempotency_key AND outcome != 'not_paid')
"""
"""Nearly all keys are new. One statement is enough then: each gives up the interpreter's lock and waits for it."""
SETTLE: Final = """
    UPDATE calls SET outcome = :outcome, finished_at = :now, attempts = :attempts, request_id = :request_id,
        urls = :urls, input_tokens = :input_tokens, output_tokens = :output_tokens, error = :error, result = :result,
        again = again OR (outcome = 'not_paid' AND :outcome != 'not_paid' AND EXISTS (
            SELECT 1 FROM calls AS other WHERE other.idempotency_key = calls.idempotency_key
                AND other.outcome != 'not_paid' AND other.again = 0))
    WHERE number = :number
"""
"""An entry that was written off and turns out to be on the bill is recorded, also when its key was used again."""
RESOLVE: Final = """
    UPDATE calls SET outcome = ?, finished_at = ?, request_id = coalesce(?, request_id),
        urls = coalesce(?, urls) WHERE idempotency_key = ? AND outcome IN ('unknown', 'pending', 'blocked')
"""
OF_KEY: Final = "SELECT * FROM calls WHERE idempotency_key = ? AND outcome != 'not_paid' ORDER BY number"
SPENT: Final = """
    SELECT spent FROM counts WHERE per = ? AND period = {period}
        AND (tag, value) = (SELECT key, value FROM json_each(?))
"""
"""The tag goes through `json_each`, as it did when it was counted: so both are the same text, whatever is in it."""
PERIODS: Final = {"day": f"CAST(? / {DAY} AS TEXT)", "run": "?"}
HAS_TAGS: Final = """
    NOT EXISTS (SELECT 1 FROM json_each(?) AS asked WHERE NOT EXISTS (
        SELECT 1 FROM json_each(calls.tags) AS has WHERE has.key = asked.key AND has.value = asked.value))
"""


UNREADABLE: Final = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What values that somebody else has written into the file raise when they are parsed."""


def read(connection: sqlite3.Connection, query: str, *values: object) -> list[Entry]:
    """Return the entries that a query selects."""
    return [_entry(row) for row in connection.execute(query, values)]


def _entry(row: sqlite3.Row) -> Entry:
    try:
        return entry_of(row)
    except UNREADABLE as problem:
        raise LedgerError(
            f"Entry {row['number']!r} of the ledger cannot be read ({described(problem)}); aurashot did not write it"
        ) from problem


def reserve(
    connection: sqlite3.Connection, intent: Intent, *, caps: Sequence[SpendCap], run: str, keep_prompt: bool
) -> Entry:
    """Write a new entry, or return the one that was paid under the same key.

    Raises:
        UnresolvedError: A request under the key may be on the bill.
        InputError: The key was used for another request, or a tag is no string, or has a NUL character.
        SpendCapError: It would exceed a cap.
        LedgerError: The key cannot be stored.
    """
    _check_key(intent.idempotency_key)
    begin = partial(Entry.begin, intent, number=0, run=run, keep_prompt=keep_prompt)
    if intent.pay_once and not caps and are_tags(intent.tags):
        entry = begin()
        done = connection.execute(INSERT + UNLESS_USED, _row(entry, again=False))
        if done.rowcount:
            return numbered(entry, done.lastrowid or 0)
    earlier = read(connection, OF_KEY, intent.idempotency_key) if intent.pay_once else []
    paid = check_key(intent, earlier)
    if paid is not None:
        return paid
    if not are_tags(intent.tags):
        raise InputError("tags: strings by name are needed, without NUL characters", argument="tags")
    entry = begin()
    _check_caps(connection, entry, caps)
    return _insert(
        connection, intent, entry, again=not intent.pay_once or any(_is_own(intent, each) for each in earlier)
    )


def _check_key(key: str) -> None:
    if unicode(key) != key:  # written out, it would be another key
        raise LedgerError(f"The idempotency key {key!r} is not a text that an entry can have; use another one")


def are_tags(tags: object) -> bool:
    """Return whether these can be tags. SQLite's `json_each` ends a text at a NUL, so there may be none."""
    return isinstance(tags, Mapping) and all(
        isinstance(text, str) and "\0" not in text
        for pair in cast("Mapping[object, object]", tags).items()
        for text in pair
    )


def _is_own(intent: Intent, entry: Entry) -> bool:
    return bool(intent.operation_id) and entry.operation_id == intent.operation_id


def _insert(connection: sqlite3.Connection, intent: Intent, entry: Entry, *, again: bool) -> Entry:
    try:
        number = connection.execute(INSERT, _row(entry, again=again)).lastrowid
    except sqlite3.IntegrityError:  # the index is the last word on who holds a key
        held = read(connection, OF_KEY, intent.idempotency_key)
        paid = check_key(replace(intent, operation_id=""), held)
        if paid is None:
            raise
        return paid
    return numbered(entry, number or 0)


def _row(entry: Entry, *, again: bool) -> dict[str, object]:
    row: dict[str, object] = {
        "idempotency_key": entry.idempotency_key,
        "operation": entry.operation,
        "outcome": entry.payment,
        "started_at": microseconds(entry.started_at),
        "prompt_digest": entry.prompt_digest,
        "prompt": entry.prompt,
        "reference_digests": json.dumps(dict(entry.references)),
        "tags": json.dumps(dict(entry.tags)),
        "run": entry.run,
        "operation_id": entry.operation_id,
        "parent_id": entry.parent_id,
        "request_digest": entry.request_digest,
        "owner": entry.owner and _dumped(entry.owner),
        "again": again,
    }
    return storable(row)


@lru_cache(maxsize=8)
def _dumped(owner: Owner) -> str:
    """Return a process as it is stored; nearly all entries of a process have the same one."""
    return json.dumps(asdict(owner))


def _check_caps(connection: sqlite3.Connection, entry: Entry, caps: Sequence[SpendCap]) -> None:
    for cap in caps:
        value = None if cap.by is None else entry.tags.get(cap.by)
        if cap.by is None or value is not None:
            check_cap(cap, value, spent(connection, entry, cap, value))


def spent(connection: sqlite3.Connection, entry: Entry, cap: SpendCap, value: str | None) -> int:
    """Return how many images may be on the bill beside a new entry, by what its cap counts."""
    period = {"day": microseconds(entry.started_at), "run": entry.run}[cap.per]
    tag = json.dumps({cap.by or "": value or ""})
    row = connection.execute(SPENT.format(period=PERIODS[cap.per]), (cap.per, period, tag)).fetchone()
    return row[0] if row else 0


def settle(connection: sqlite3.Connection, write: Settle) -> None:
    """Write down what became of a request.

    Raises:
        LedgerError: There is no such entry.
    """
    settlement = write.settlement
    row: dict[str, object] = {
        "outcome": settlement.payment,
        "now": microseconds(datetime.now(UTC)),
        "attempts": settlement.attempts,
        "request_id": settlement.request_id,
        "urls": json.dumps(settlement.urls, default=str),
        "input_tokens": settlement.input_tokens,
        "output_tokens": settlement.output_tokens,
        "error": settlement.error,
        "result": settlement.result,
        "number": write.number,
    }
    if not connection.execute(SETTLE, storable(row)).rowcount:
        raise _absent(write.number)


def annotate(connection: sqlite3.Connection, write: Annotate) -> None:
    """Add notes to an entry.

    Raises:
        LedgerError: There is no such entry.
    """
    row = connection.execute("SELECT notes FROM calls WHERE number = ?", (write.number,)).fetchone()
    if row is None:
        raise _absent(write.number)
    notes = json.dumps(json.loads(row[0]) | dict(write.notes))
    connection.execute("UPDATE calls SET notes = ? WHERE number = ?", (notes, write.number))


def _absent(number: int) -> LedgerError:
    return LedgerError(f"The ledger has no entry {number!r}")


def resolve(
    connection: sqlite3.Connection, key: str, payment: str, *, urls: Sequence[str] | None, request_id: str | None
) -> int:
    """Write down what became of all that is unknown under a key; return how many entries that are."""
    found = None if urls is None else json.dumps(list(urls))
    row = (payment, microseconds(datetime.now(UTC)), request_id, found, key)
    return connection.execute(RESOLVE, row).rowcount


def find(
    connection: sqlite3.Connection, key: str | None, operation_id: str | None, tags: Mapping[str, str] | None
) -> list[Entry]:
    """Return the entries that meet all conditions that are given."""
    conditions = {
        "idempotency_key = ?": key,
        "operation_id = ?": operation_id,
        HAS_TAGS: None if tags is None else json.dumps(dict(tags)),
    }
    given = {condition: value for condition, value in conditions.items() if value is not None}
    query = f"SELECT * FROM calls WHERE {' AND '.join(given)} ORDER BY number"  # noqa: S608  # the conditions of above
    return read(connection, query, *given.values())
