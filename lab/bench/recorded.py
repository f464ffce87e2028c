"""The loads of the ledger section: the client with a ledger, and a ledger alone."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import ExitStack, closing
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from lab.bench.load import steady, steady_threads
from lab.bench.measure import clock, since
from lab.bench.peers import FACE, PROMPT, blocking, concurrent

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from aurashot.ledger import Intent, SQLiteLedger
    from lab.bench.load import Tally

USERS: Final = 1_000
"""Number of values of the tag that has a cap."""


def tasks(url: str, path: str | None, **load: Any) -> Tally:
    """Make concurrent async calls, with a ledger if `path` is set."""

    async def run(**options: Any) -> Tally:
        async with concurrent.aurashot(url, **options) as call:
            return await steady(call, **load)

    with ExitStack() as stack:
        return asyncio.run(run(**_options(stack, path)))


def threads(url: str, path: str | None, **load: Any) -> Tally:
    """Make concurrent blocking calls on one client, with a ledger if `path` is set."""
    with ExitStack() as stack:
        return steady_threads(blocking.aurashot(url, **_options(stack, path)), **load)


def _options(stack: ExitStack, path: str | None) -> dict[str, Any]:
    from aurashot.ledger import SQLiteLedger

    return {} if path is None else {"ledger": stack.enter_context(SQLiteLedger(path))}


DRIVERS: Final[dict[str, Callable[..., Tally]]] = {driver.__name__: driver for driver in (tasks, threads)}


def count_entries(path: Path) -> dict[str, int]:
    """Return the number of entries of a ledger, by payment."""
    with closing(sqlite3.connect(path)) as file:
        return dict(file.execute("SELECT outcome, count(*) FROM calls GROUP BY outcome").fetchall())


def fill(path: Path, entries: int) -> None:
    """Create a ledger with paid entries of today for many users: one through its API, the others as copies."""
    from aurashot.ledger import SQLiteLedger

    with SQLiteLedger(path) as ledger:
        _reserve_and_settle(ledger)
    with closing(sqlite3.connect(path, isolation_level=None)) as file:
        file.execute("PRAGMA synchronous = OFF")
        file.execute(
            "PRAGMA cache_size = -500000"
        )  # in KiB; large enough for the whole file, which makes random inserts fast
        columns: list[str] = [row[1] for row in file.execute("PRAGMA table_info(calls)") if row[1] != "number"]
        copied = ", ".join(COPIED.get(name, name) for name in columns)
        file.execute(COPY.format(columns=", ".join(columns), copied=copied), {"entries": entries})
        file.execute("PRAGMA wal_checkpoint(TRUNCATE)")


COPIED: Final = {
    "idempotency_key": "hex(randomblob(16))",
    "operation_id": "hex(randomblob(16))",
    "started_at": "started_at + n",
    "tags": f"json_object('user', 'user-' || (n % {USERS}))",
}
COPY: Final = """
    WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < :entries)
    INSERT INTO calls ({columns}) SELECT {copied} FROM numbers, calls WHERE calls.number = 1
"""
"""The triggers of the tables count the copies like other entries."""


def time_entries(path: str, count: int) -> dict[str, Any]:
    """Reserve and settle entries under a daily cap and a cap per user, and return the cost."""
    from aurashot.ledger import SpendCap, SQLiteLedger

    unlimited = 10**9
    with SQLiteLedger(path, cap=[SpendCap(max_images=unlimited), SpendCap(max_images=unlimited, by="user")]) as ledger:
        _reserve_and_settle(ledger)
        start = clock()
        for _ in range(count):
            _reserve_and_settle(ledger)
        return asdict(since(start))


def _reserve_and_settle(ledger: SQLiteLedger) -> None:
    from aurashot.ledger import Settlement

    ledger.settle(ledger.reserve(_intent()), Settlement(payment="paid", attempts=1, urls=(FACE,)))


def _intent() -> Intent:
    from aurashot.ledger import Intent

    key = str(uuid4())
    return Intent(
        idempotency_key=key,
        operation="generate",
        operation_id=key,
        prompt=PROMPT,
        references={"face": FACE},
        tags={"user": "user-1"},
    )
