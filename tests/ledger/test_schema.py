"""A file of version 1 becomes one of version 2: all of it, or nothing."""

from __future__ import annotations

import resource
import sqlite3
import subprocess
import sys
import textwrap
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from aurashot import LedgerError, SpendCapError, UnresolvedError
from aurashot.ledger import SpendCap, SQLiteLedger, _schema
from tests.ledger.conftest import intent

if TYPE_CHECKING:
    from pathlib import Path

FIRST = """
    PRAGMA journal_mode = WAL;
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
    );
    CREATE INDEX calls_by_key ON calls (idempotency_key);
    CREATE INDEX calls_by_time ON calls (started_at, outcome);
    CREATE INDEX calls_by_run ON calls (run, outcome);
    CREATE INDEX calls_unresolved ON calls (number) WHERE outcome = 'unknown';
    PRAGMA application_id = 1635086945;
    PRAGMA user_version = 1;
"""
ROWS = """
    INSERT INTO calls (idempotency_key, operation, outcome, started_at, finished_at, attempts, urls, prompt_digest,
        reference_digests, tags, run)
    VALUES
        ('a', 'generate', 'paid', 86400000001, 86400000002, 1, '["https://p.example/1.png"]', 'f00', '{"face": "d1"}',
            '{"user": "alice"}', 'monday'),
        ('a', 'generate', 'paid', 86400000003, 86400000004, 1, '[]', 'f00', '{}',
            '{"user": "bob", "team": "x"}', 'monday'),
        ('a', 'generate', 'unknown', 172800000000, NULL, 0, '[]', 'f00', '{}', '{"user": "bob"}', 'tuesday'),
        ('b', 'edit', 'not_paid', 172800000001, 172800000002, 4, '[]', NULL, '{}', '{"user": "bob"}', 'tuesday'),
        ('c', 'edit', 'unknown', 172800000003, 172800000004, 1, '[]', NULL, '{}',
            '{"user": "bob", "": "x"}', 'tuesday');
"""
MANY = """
    INSERT INTO calls (idempotency_key, operation, outcome, started_at, reference_digests, tags, run)
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 5000)
    SELECT 'key-' || i, 'edit', 'paid', i, '{}', '{"user": "' || i || '"}', 'many' FROM n;
"""
COUNTS = {
    ("day", "1", "", ""): 2,
    ("day", "1", "user", "alice"): 1,
    ("day", "1", "user", "bob"): 1,
    ("day", "1", "team", "x"): 1,
    ("day", "2", "", ""): 2,
    ("day", "2", "user", "bob"): 2,
    ("run", "monday", "", ""): 2,
    ("run", "monday", "user", "alice"): 1,
    ("run", "monday", "user", "bob"): 1,
    ("run", "monday", "team", "x"): 1,
    ("run", "tuesday", "", ""): 2,
    ("run", "tuesday", "user", "bob"): 2,
}


@pytest.fixture
def old(path: Path) -> Path:
    """Return a file of version 1 with five entries, three of them under one key."""
    return made(path, ROWS)


def made(path: Path, rows: str) -> Path:
    """Make a file of version 1."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(FIRST + rows)
    return path


def tables(path: Path) -> list[tuple[str, ...]]:
    """Return all that a file is made of."""
    with closing(sqlite3.connect(path)) as connection:
        return sorted(connection.execute("SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'"))


def look(path: Path, query: str) -> list[tuple[object, ...]]:
    """Ask a file with plain SQL."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def test_an_old_file_opens_with_all_that_it_says(old: Path) -> None:
    """The entries are the same, and what they did not say is empty."""
    with SQLiteLedger(old) as ledger:
        entries = ledger.entries()
        assert ["aaabc", "paid paid unknown not_paid unknown"] == [
            "".join(entry.idempotency_key for entry in entries),
            " ".join(entry.payment for entry in entries),
        ]
        first = entries[0]
        assert (("https://p.example/1.png",), {"face": "d1"}, "monday") == (first.urls, first.references, first.run)
        assert ("", None, None, {}, None, None) == (
            first.operation_id,
            first.parent_id,
            first.result,
            first.notes,
            first.owner,
            first.owner_lives,
        )
    assert [(3,)] == look(old, "PRAGMA user_version")


def test_an_upgraded_file_is_like_a_new_one(old: Path, tmp_path: Path) -> None:
    """The same tables, indexes and triggers; opening it again changes nothing."""
    for place in (old, tmp_path / "new.db", old):
        SQLiteLedger(place).close()
    assert tables(tmp_path / "new.db") == tables(old)


def test_the_counts_are_those_of_the_rows(old: Path) -> None:
    """A cap of the new version knows what the old one spent."""
    SQLiteLedger(old).close()
    assert COUNTS == {tuple(row[:4]): row[4] for row in look(old, "SELECT * FROM counts")}
    with SQLiteLedger(old, run="tuesday", cap=SpendCap(max_images=2, per="run", by="user")) as ledger:
        with pytest.raises(SpendCapError):
            ledger.reserve(intent(tags={"user": "bob"}))
        assert 6 == ledger.reserve(intent(tags={"user": "alice"})).number


def test_a_key_that_paid_several_times_stays_as_it_is(old: Path) -> None:
    """Nothing is refused while upgrading; from then on the key pays no more."""
    with SQLiteLedger(old) as ledger:
        assert 3 == len(ledger.find(key="a"))
        with pytest.raises(UnresolvedError, match="its response was lost; look at the bill"):
            ledger.reserve(intent("c", operation="edit", prompt=None))
        ledger.resolve("c", "paid")
        assert 5 == ledger.reserve(intent("c", operation="edit", prompt=None)).number
    assert [(1, 0), (2, 1), (3, 1)] == look(old, "SELECT number, again FROM calls WHERE idempotency_key = 'a'")


def test_an_old_program_that_still_runs_keeps_the_counts(old: Path) -> None:
    """It writes as it always did; the file counts by itself."""
    with closing(sqlite3.connect(old, isolation_level=None)) as program:
        SQLiteLedger(old).close()
        program.execute(
            "INSERT INTO calls (idempotency_key, operation, outcome, started_at, reference_digests, tags, run)"
            " VALUES ('z', 'edit', 'unknown', 1, '{}', '{}', 'old')"
        )
        assert [(1,)] == look(old, "SELECT spent FROM counts WHERE period = 'old'")
        program.execute("UPDATE calls SET outcome = 'not_paid' WHERE idempotency_key = 'z'")
        assert [(0,)] == look(old, "SELECT spent FROM counts WHERE period = 'old'")


@pytest.mark.parametrize(
    ("step", "last"),
    [(step, last) for step in range(1, _schema.VERSION) for last in range(1, len(_schema.STEPS[step]) + 1)],
)
def test_an_upgrade_that_stops_in_the_middle_changes_nothing(
    old: Path, monkeypatch: pytest.MonkeyPatch, step: int, last: int
) -> None:
    """Wherever it stops: the file is what it was, and the next one upgrades it."""
    before = tables(old)
    with monkeypatch.context() as patched:
        broken = (*_schema.STEPS[step][:last], "CREATE NONSENSE")
        patched.setattr(_schema, "STEPS", (*_schema.STEPS[:step], broken))
        with pytest.raises(LedgerError):
            SQLiteLedger(old)
    assert (before, [(1,)], [(5,)]) == (
        tables(old),
        look(old, "PRAGMA user_version"),
        look(old, "SELECT count(*) FROM calls"),
    )
    with SQLiteLedger(old) as ledger:
        assert 5 == len(ledger.entries())


FULL = """
    import resource, signal, sys
    from aurashot import LedgerError
    from aurashot.ledger import SQLiteLedger

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
    try:
        SQLiteLedger({path!r})
    except LedgerError as error:
        print(error)
"""


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="files cannot be bounded here")
@pytest.mark.parametrize("share", [0.05, 0.5])
def test_a_full_disk_leaves_the_old_file(path: Path, share: float) -> None:
    """The upgrade needs room, and there is none: the error says so, and the file works as version 1."""
    made(path, ROWS + MANY)
    before = tables(path)
    limit = int(path.stat().st_size * share)
    code = textwrap.dedent(FULL).format(path=str(path), limit=limit)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert "disk" in done.stdout, done.stderr
    assert (before, [(1,)], [(5005,)], [("ok",)]) == (
        tables(path),
        look(path, "PRAGMA user_version"),
        look(path, "SELECT count(*) FROM calls"),
        look(path, "PRAGMA integrity_check"),
    )
    with closing(sqlite3.connect(path)) as program:
        program.execute("UPDATE calls SET outcome = 'not_paid' WHERE idempotency_key = 'c'")
        program.commit()
    with SQLiteLedger(path) as ledger:
        assert 5005 == len(ledger.entries())


CALLER = """
    import sys
    from aurashot.ledger import SQLiteLedger

    print("ready", flush=True)
    sys.stdin.readline()
    print(len(SQLiteLedger({path!r}).entries()))
"""


def test_two_programs_upgrade_it_at_once(path: Path) -> None:
    """One does it, the others wait and find it done."""
    made(path, ROWS + MANY)
    code = textwrap.dedent(CALLER).format(path=str(path))
    programs = [
        subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    for program in programs:
        assert program.stdout is not None
        assert "ready\n" == program.stdout.readline()
    for program in programs:
        assert program.stdin is not None
        program.stdin.write("go\n")
        program.stdin.flush()
    assert ["5005\n"] * 4 == [program.communicate(timeout=60)[0] for program in programs]
    assert [(5004,)] == look(path, "SELECT sum(spent) FROM counts WHERE per = 'run' AND tag = ''")
