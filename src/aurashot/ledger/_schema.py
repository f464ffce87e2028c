"""The tables of a ledger, and the migration of older files.

A new file takes the same steps as an old one, so that both have the same tables. All steps that a file lacks are one
transaction: a file is of one version or of another, never in between.

`counts` holds how many images may be on the bill, of each day and of each run, in all (the empty tag) and of each value
of each tag. Triggers keep it, so that no way of writing into `calls` can leave it out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import sqlite3

APPLICATION_ID: Final = 0x61757261
"""`aura` in ASCII, in the header of the file (SQLite, PRAGMA application_id)."""
DAY: Final = 86_400_000_000
"""Microseconds."""

_FIRST: Final = (
    """
    CREATE TABLE calls (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        idempotency_key TEXT NOT NULL,
        operation TEXT NOT NULL,
        outcome TEXT NOT NULL CHECK (outcome IN ('paid', 'not_paid', 'unknown')),
        started_at INTEGER NOT NULL,
        finished_at INTEGER,
        attempts INTEGER NOT NULL DEFAULT 0,
        request_id TEXT,
        urls TEXT NOT NULL DEFAULT '[]',
        input_tokens INTEGER,
        output_tokens INTEGER,
        error TEXT,
        prompt_digest TEXT,
        prompt TEXT,
        reference_digests TEXT NOT NULL,
        tags TEXT NOT NULL,
        run TEXT NOT NULL
    )
    """,
    "CREATE INDEX calls_by_key ON calls (idempotency_key)",
    "CREATE INDEX calls_by_time ON calls (started_at, outcome)",
    "CREATE INDEX calls_by_run ON calls (run, outcome)",
    "CREATE INDEX calls_unresolved ON calls (number) WHERE outcome = 'unknown'",
    f"PRAGMA application_id = {APPLICATION_ID}",
)


TAGS: Final = "each.key != '' AND each.type = 'text'"
"""Of `json_each(tags) AS each`: the tags that can have a cap."""


def _changed(row: str, by: int, uncounted: str) -> str:
    """Return the statement of a trigger that adds a row of `calls` to the counts, or takes it out."""
    return f"""
        INSERT INTO counts (per, period, tag, value, spent)
        SELECT span.per, span.period, part.tag, part.value, {by}
        FROM (SELECT 'day' AS per, {row}.started_at / {DAY} AS period UNION ALL SELECT 'run', {row}.run) AS span,
            (SELECT '' AS tag, '' AS value UNION ALL
             SELECT each.key, each.value FROM json_each({row}.tags) AS each WHERE {TAGS}) AS part
        WHERE {row}.outcome NOT IN ({uncounted})
        ON CONFLICT (per, period, tag, value) DO UPDATE SET spent = spent + {by};
    """  # noqa: S608  # the parts are this module's own


def _triggers(uncounted: str) -> tuple[str, ...]:
    """Return the statements that make the triggers; the outcomes are those that no cap counts."""
    return (
        f"CREATE TRIGGER counts_insert AFTER INSERT ON calls BEGIN {_changed('NEW', +1, uncounted)} END",
        f"CREATE TRIGGER counts_delete AFTER DELETE ON calls BEGIN {_changed('OLD', -1, uncounted)} END",
        f"""
        CREATE TRIGGER counts_update AFTER UPDATE OF outcome, started_at, tags, run ON calls
        WHEN (OLD.outcome IN ({uncounted})) != (NEW.outcome IN ({uncounted}))
            OR OLD.started_at != NEW.started_at OR OLD.tags != NEW.tags OR OLD.run != NEW.run
        BEGIN {_changed("OLD", -1, uncounted)} {_changed("NEW", +1, uncounted)} END
        """,
    )


def _counted(per: str, period: str) -> tuple[str, str]:
    """Return the statements that count the rows that are there, in all and by tag."""
    into = f"INSERT INTO counts SELECT '{per}', {period}"
    where = "WHERE outcome != 'not_paid'"
    return (
        f"{into}, '', '', count(*) FROM calls {where} GROUP BY 2",
        f"{into}, each.key, each.value, sum(1) FROM calls, json_each(tags) AS each {where} AND {TAGS} GROUP BY 2, 3, 4",
    )


_SECOND: Final = (
    "ALTER TABLE calls ADD COLUMN operation_id TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE calls ADD COLUMN parent_id TEXT",
    "ALTER TABLE calls ADD COLUMN request_digest TEXT",
    "ALTER TABLE calls ADD COLUMN result TEXT",
    "ALTER TABLE calls ADD COLUMN notes TEXT NOT NULL DEFAULT '{}'",
    "ALTER TABLE calls ADD COLUMN owner TEXT",
    "ALTER TABLE calls ADD COLUMN again INTEGER NOT NULL DEFAULT 0",
    # one key may have paid several times in a file of version 1, where nothing was refused
    """
    UPDATE calls SET again = 1 WHERE outcome != 'not_paid' AND number NOT IN
        (SELECT min(number) FROM calls WHERE outcome != 'not_paid' GROUP BY idempotency_key)
    """,
    "CREATE UNIQUE INDEX calls_pay_once ON calls (idempotency_key) WHERE outcome != 'not_paid' AND again = 0",
    "CREATE INDEX calls_by_operation ON calls (operation_id)",
    "DROP INDEX calls_by_run",
    """
    CREATE TABLE counts (
        per TEXT NOT NULL,
        period TEXT NOT NULL,
        tag TEXT NOT NULL,
        value TEXT NOT NULL,
        spent INTEGER NOT NULL,
        PRIMARY KEY (per, period, tag, value)
    ) WITHOUT ROWID
    """,
    *_counted("day", f"started_at / {DAY}"),
    *_counted("run", "run"),
    *_triggers("'not_paid'"),
)

_COLUMNS: Final = """
    number, idempotency_key, operation, outcome, started_at, finished_at, attempts, request_id, urls, input_tokens,
    output_tokens, error, prompt_digest, prompt, reference_digests, tags, run, operation_id, parent_id, request_digest,
    result, notes, owner, again
"""

_THIRD: Final = (  # more outcomes; SQLite changes a CHECK by copying the table
    "ALTER TABLE calls RENAME TO earlier_calls",
    """
    CREATE TABLE calls (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        idempotency_key TEXT NOT NULL,
        operation TEXT NOT NULL,
        outcome TEXT NOT NULL CHECK (outcome IN ('paid', 'not_paid', 'unknown', 'pending', 'blocked')),
        started_at INTEGER NOT NULL,
        finished_at INTEGER,
        attempts INTEGER NOT NULL DEFAULT 0,
        request_id TEXT,
        urls TEXT NOT NULL DEFAULT '[]',
        input_tokens INTEGER,
        output_tokens INTEGER,
        error TEXT,
        prompt_digest TEXT,
        prompt TEXT,
        reference_digests TEXT NOT NULL,
        tags TEXT NOT NULL,
        run TEXT NOT NULL,
        operation_id TEXT NOT NULL DEFAULT '',
        parent_id TEXT,
        request_digest TEXT,
        result TEXT,
        notes TEXT NOT NULL DEFAULT '{}',
        owner TEXT,
        again INTEGER NOT NULL DEFAULT 0
    )
    """,
    f"INSERT INTO calls ({_COLUMNS}) SELECT {_COLUMNS} FROM earlier_calls",  # noqa: S608  # the module's own
    "DELETE FROM sqlite_sequence WHERE name = 'calls'",
    "UPDATE sqlite_sequence SET name = 'calls' WHERE name = 'earlier_calls'",
    "DROP TABLE earlier_calls",
    "CREATE INDEX calls_by_key ON calls (idempotency_key)",
    "CREATE INDEX calls_by_time ON calls (started_at, outcome)",
    "CREATE INDEX calls_by_operation ON calls (operation_id)",
    "CREATE INDEX calls_unresolved ON calls (number) WHERE outcome IN ('unknown', 'pending')",
    "CREATE UNIQUE INDEX calls_pay_once ON calls (idempotency_key) WHERE outcome != 'not_paid' AND again = 0",
    *_triggers("'not_paid', 'blocked'"),
)

STEPS: Final = (_FIRST, _SECOND, _THIRD)
"""What leads from each version of the tables to the next; an empty file is version 0."""
VERSION: Final = len(STEPS)
"""Of the tables; in the header as well (PRAGMA user_version)."""


def upgrade(connection: sqlite3.Connection) -> None:
    """Upgrade the tables to this version, in one transaction."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = pragma(connection, "user_version")  # another process may have been faster
        for step in STEPS[version:]:
            for statement in step:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {max(version, VERSION)}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def pragma(connection: sqlite3.Connection, what: str) -> Any:
    """Return what a PRAGMA says."""
    value: Any = connection.execute(f"PRAGMA {what}").fetchone()[0]
    return value
