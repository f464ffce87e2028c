"""A file that was there before, or that another user could have changed, is no ledger until it was looked at."""

from __future__ import annotations

import logging
import os
import sqlite3
import stat
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from aurashot import LedgerError
from aurashot.ledger import SpendCap, SQLiteLedger
from aurashot.ledger._file import connect_to_read
from tests.ledger.conftest import PAID, intent
from tests.ledger.test_schema import FIRST
from tests.users import ALICE, MALLORY, acting_as, needs_two_users, shared_folder

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

JOURNALS = ("-wal", "-shm", "-journal")
LIFTS_THE_CAP = "CREATE TRIGGER evil AFTER INSERT ON calls BEGIN UPDATE counts SET spent = 0; END"


@pytest.fixture
def shared() -> Generator[Path]:
    """Return a folder in which everybody can write."""
    with shared_folder() as folder:
        yield folder


def used(path: Path) -> Path:
    """Return a ledger with one entry."""
    with SQLiteLedger(path) as ledger:
        ledger.settle(ledger.reserve(intent()), PAID)
    return path


def changed(path: Path, statements: str) -> Path:
    """Change a file with plain SQL."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(statements)
    return path


@needs_two_users
@pytest.mark.parametrize("mode", [0o600, 0o644, 0o666])
def test_a_ledger_of_another_user_is_refused(shared: Path, mode: int) -> None:
    """They could read every URL that is stored, and decide what a cap counts."""
    with acting_as(MALLORY):
        path = used(shared / "spend.db")
        path.chmod(mode)
    before = path.read_bytes()
    with acting_as(ALICE), pytest.raises(LedgerError, match="belongs to another user; choose another path"):
        SQLiteLedger(path)
    assert before == path.read_bytes()
    assert [path] == [*shared.iterdir()]


@needs_two_users
@pytest.mark.parametrize("ending", JOURNALS)
@pytest.mark.parametrize("is_new", [True, False])
def test_journals_of_another_user_are_refused(shared: Path, ending: str, *, is_new: bool) -> None:
    """SQLite would take over what is in them."""
    path = shared / "spend.db"
    with acting_as(ALICE):
        if not is_new:
            used(path)
    with acting_as(MALLORY):
        (shared / f"spend.db{ending}").write_bytes(bytes(100))
    with acting_as(ALICE), pytest.raises(LedgerError, match=f"spend.db{ending} belongs to another user"):
        SQLiteLedger(path)


@needs_two_users
def test_a_link_of_another_user_leads_nowhere(shared: Path) -> None:
    """Nothing is made or changed where it points to."""
    target = shared / "alice" / "notes.txt"
    target.parent.mkdir()
    os.chown(target.parent, ALICE, ALICE)
    with acting_as(MALLORY):
        (shared / "spend.db").symlink_to(target)
    with acting_as(ALICE), pytest.raises(LedgerError, match="symbolic link"):
        SQLiteLedger(shared / "spend.db")
    assert not target.exists()


@pytest.mark.parametrize("ending", ["", *JOURNALS])
@pytest.mark.parametrize("is_there", [True, False])
def test_links_are_refused(tmp_path: Path, ending: str, *, is_there: bool) -> None:
    """Also to a ledger of one's own: SQLite would keep its journals under two names, and damage it."""
    target = used(tmp_path / "own.db") if is_there else tmp_path / "elsewhere"
    (tmp_path / f"spend.db{ending}").symlink_to(target)
    with pytest.raises(LedgerError, match=f"spend.db{ending} is not a regular file, but a symbolic link"):
        SQLiteLedger(tmp_path / "spend.db")
    assert is_there == target.exists()


@pytest.mark.parametrize("mode", [0o660, 0o606, 0o620, 0o666])
@pytest.mark.parametrize("ending", ["", "-wal"])
def test_a_ledger_that_others_can_write_to_is_refused(path: Path, mode: int, ending: str) -> None:
    """Whatever is in it may be theirs; it stays as it is, and the error says how to keep it."""
    used(path)
    place = path.with_name(path.name + ending)
    place.touch()
    place.chmod(mode)
    before = path.read_bytes()
    with pytest.raises(LedgerError, match=r"can be written to by other users; .*chmod 600"):
        SQLiteLedger(path)
    assert (before, mode) == (path.read_bytes(), stat.S_IMODE(place.stat().st_mode))
    place.chmod(0o600)
    with SQLiteLedger(path) as ledger:
        assert 1 == len(ledger.entries())


def test_a_ledger_that_others_can_read_is_made_private(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It was copied, perhaps; a warning says that it could be read. Another program's file is left as it is."""
    used(path).chmod(0o644)
    journal = path.with_name("spend.db-wal")
    journal.touch(0o644)
    with caplog.at_level(logging.WARNING, "aurashot"), SQLiteLedger(path):
        assert {0o600} == {stat.S_IMODE(each.stat().st_mode) for each in path.parent.glob("spend.db*")}
    assert f"{path} could be read by other users; it is restricted to you now" == caplog.messages[0]
    other = changed(path.with_name("recipes.db"), "CREATE TABLE recipes (name TEXT)")
    other.chmod(0o644)
    with pytest.raises(LedgerError, match="another program's database"):
        SQLiteLedger(other)
    assert 0o644 == stat.S_IMODE(other.stat().st_mode)


@pytest.mark.parametrize("mode", [0o777, 0o644])
def test_a_file_system_without_modes_holds_a_ledger(path: Path, monkeypatch: pytest.MonkeyPatch, mode: int) -> None:
    """All files on it look as if everybody could open them, a new one included."""
    make = os.open

    def opened(place: str, flags: int, *rest: int, **options: int) -> int:
        descriptor = make(place, flags, *rest, **options)
        if flags & os.O_CREAT:
            os.fchmod(descriptor, mode)
        return descriptor

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "open", opened)
    monkeypatch.setattr(os, "chmod", refuse)
    for _ in range(2):
        used(path)
    assert [path] == [*path.parent.glob("*spend*")]


PLANTED = {
    "a trigger that lifts a cap": LIFTS_THE_CAP,
    "a trigger in the place of ours": f"DROP TRIGGER counts_insert; {LIFTS_THE_CAP.replace('evil', 'counts_insert')}",
    "a trigger that is gone": "DROP TRIGGER counts_insert",
    "a view": "CREATE VIEW evil AS SELECT * FROM calls",
    "a view in the place of a table": "ALTER TABLE counts RENAME TO other; CREATE VIEW counts AS SELECT * FROM other",
    "a table": "CREATE TABLE evil (name TEXT)",
    "a table that is gone": "DROP TABLE counts",
    "a virtual table": "CREATE VIRTUAL TABLE evil USING fts5(body)",
    "an index": "CREATE INDEX evil ON calls (upper(prompt))",
    "an index that is gone": "DROP INDEX calls_pay_once",
    "a column": "ALTER TABLE calls ADD COLUMN evil TEXT DEFAULT 'x'",
    "a generated column": "ALTER TABLE calls ADD COLUMN evil AS (upper(prompt))",
    "a view that is called like statistics": (
        "PRAGMA writable_schema = ON; INSERT INTO sqlite_master VALUES"
        " ('view', 'sqlite_stat1', 'sqlite_stat1', 0, 'CREATE VIEW sqlite_stat1 AS SELECT * FROM calls')"
    ),
}


@pytest.mark.parametrize("statements", PLANTED.values(), ids=PLANTED)
def test_what_aurashot_did_not_make_is_refused(path: Path, statements: str) -> None:
    """A ledger has its own tables, indexes and triggers, all of them and no others; the file stays as it is."""
    changed(used(path), statements)
    before = path.read_bytes()
    with pytest.raises(LedgerError, match=r"that aurashot did not make|lacks the|is damaged"):
        SQLiteLedger(path)
    assert before == path.read_bytes()


@pytest.mark.parametrize("version", [0, 1, 2])
def test_an_older_ledger_is_looked_at_before_it_is_upgraded(path: Path, version: int) -> None:
    """What it has to have is what its version had."""
    changed(path, f"{FIRST} CREATE TRIGGER evil AFTER INSERT ON calls BEGIN DELETE FROM calls; END")
    changed(path, f"PRAGMA user_version = {version}")
    with pytest.raises(LedgerError, match="that aurashot did not make"):
        SQLiteLedger(path)


def test_a_planted_trigger_lifts_no_cap(path: Path) -> None:
    """The ledger does not open, so nothing is spent."""
    changed(used(path), LIFTS_THE_CAP)
    with pytest.raises(LedgerError, match="has a trigger 'evil' that aurashot did not make"):
        SQLiteLedger(path, cap=SpendCap(max_images=2, per="day"))


def test_statistics_are_allowed(path: Path) -> None:
    """Whoever runs `ANALYZE` on a ledger may open it afterwards."""
    changed(used(path), "ANALYZE")
    with SQLiteLedger(path) as ledger:
        assert 1 == len(ledger.entries())


def test_every_connection_is_defended(ledger: SQLiteLedger) -> None:
    """Functions of the file run nowhere, and no other file can be attached."""
    assert ledger._own is not None
    reading = connect_to_read(ledger.path, 1, ledger._own._known)
    for connection in (ledger._own.connection, reading):
        assert (0, 0, 1) == tuple(
            connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("trusted_schema", "mmap_size", "cell_size_check")
        )
        with pytest.raises(sqlite3.OperationalError, match="too many attached databases"):
            connection.execute("ATTACH ':memory:' AS other")
    reading.close()


def test_a_file_that_takes_the_place_of_an_open_one_is_not_read(ledger: SQLiteLedger, tmp_path: Path) -> None:
    """What it says was paid, this ledger has not recorded."""
    used(tmp_path / "other.db").replace(ledger.path)
    with pytest.raises(LedgerError, match="was replaced by another file"):
        ledger.entries()


@pytest.mark.parametrize("place", ["pipe", "socket"])
def test_what_stands_beside_a_ledger_is_not_waited_for(path: Path, place: str) -> None:
    """A journal is a regular file."""
    journal = path.with_name("spend.db-journal")
    os.mkfifo(journal) if place == "pipe" else os.mknod(journal, stat.S_IFSOCK | 0o600)
    with pytest.raises(LedgerError, match=r"spend\.db-journal is not a regular file"):
        SQLiteLedger(path)
