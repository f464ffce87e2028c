"""What can be wrong with the file: each is a typed error, and nothing is sent."""

from __future__ import annotations

import os
import resource
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from aurashot import AuraShot, ConfigurationError, LedgerError
from aurashot.ledger import SQLiteLedger
from aurashot.ledger._commits import Job
from aurashot.ledger._schema import VERSION
from lab.backends import KEY
from tests.ledger.conftest import PAID, intent
from tests.stopwatch import in_time
from tests.wire.images import FACE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab.server import ScriptedServer


@pytest.fixture
def locked(path: Path) -> Iterator[SQLiteLedger]:
    """Return a ledger into which another process is writing."""
    with SQLiteLedger(path) as ledger:
        code = (
            f"import sqlite3, sys; sqlite3.connect({str(path)!r}).execute('BEGIN IMMEDIATE'); print(); sys.stdin.read()"
        )
        with subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as other:
            assert other.stdout is not None
            other.stdout.readline()
            yield ledger
            other.communicate()


def test_a_locked_ledger_stops_the_call(locked: SQLiteLedger, server: ScriptedServer) -> None:
    """It waits for as long as the call may take, and says who is to blame; nothing is sent."""
    with (
        AuraShot(KEY, base_url=server.url, ledger=locked) as client,
        in_time(0.5),
        pytest.raises(LedgerError, match="is locked: another process is writing") as caught,
    ):
        client.generate("a cafe", face=FACE, timeout=0.5)
    assert ("not_sent", 0) == (caught.value.outcome, caught.value.attempts)
    assert [] == server.requests


def test_a_busy_ledger_is_waited_for_in_turn(ledger: SQLiteLedger) -> None:
    """A thread that does not get its turn in time is told so."""
    assert ledger._own is not None
    ledger._own.commits._leader = Job((), 1)
    with pytest.raises(LedgerError, match="other threads are writing"):
        ledger.reserve(intent(), timeout=0.05)
    ledger._own.commits._leader = None
    assert 1 == ledger.reserve(intent()).number


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"this is no database, it is a letter to a friend" * 100, "is not a ledger"),
        (b"SQLite format 3\0" + bytes(100), "is not a ledger|is damaged"),
    ],
)
def test_a_file_of_another_kind_is_refused(path: Path, content: bytes, words: str) -> None:
    """It stays as it was."""
    path.write_bytes(content)
    with pytest.raises(LedgerError, match=words):
        SQLiteLedger(path)
    assert content == path.read_bytes()


def test_a_damaged_ledger_is_refused(path: Path) -> None:
    """Pages that were overwritten are noticed when they are read, and the advice is to keep the file."""
    with SQLiteLedger(path) as ledger:
        for number in range(200):
            ledger.settle(ledger.reserve(intent(str(number))), PAID)
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(LedgerError, match="is damaged; move it elsewhere, keep it"), SQLiteLedger(path) as ledger:
        ledger.reserve(intent())


def test_another_programs_database_is_refused(path: Path) -> None:
    """Nothing is written into it."""
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE recipes (name TEXT)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(LedgerError, match="another program's database"):
        SQLiteLedger(path)
    assert before == path.read_bytes()


def test_a_ledger_of_a_newer_version_is_refused(ledger: SQLiteLedger, path: Path) -> None:
    """This program would not know what it writes."""
    ledger.close()
    with sqlite3.connect(path) as newer:
        newer.execute(f"PRAGMA user_version = {VERSION + 1}")
    newer.close()
    with pytest.raises(LedgerError, match="made by a newer aurashot"):
        SQLiteLedger(path)


@pytest.mark.parametrize("place", ["/proc/spend.db", "/proc/version/spend.db"])
def test_a_place_that_takes_no_file_is_refused(place: str) -> None:
    """A folder that cannot be written to, and a folder that is none."""
    if not Path("/proc/version").exists():
        pytest.skip("this system has no /proc, which nobody can write to")
    with pytest.raises(LedgerError, match="cannot be opened"):
        SQLiteLedger(place)


def test_a_folder_is_no_ledger(tmp_path: Path) -> None:
    """The error says so."""
    with pytest.raises(LedgerError, match="is a folder; pass the path of a file"):
        SQLiteLedger(tmp_path)


@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_only_a_regular_file_is_a_ledger(path: Path, kind: str) -> None:
    """Reading a pipe would wait for ever."""
    os.mkfifo(path) if kind == "pipe" else path.symlink_to("/dev/null")
    with pytest.raises(LedgerError, match="is not a regular file"):
        SQLiteLedger(path)


def test_a_file_system_without_permissions(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It cannot make the file private, and holds a ledger all the same."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "chmod", refuse)
    with SQLiteLedger(path) as ledger:
        assert 1 == ledger.reserve(intent()).number


@pytest.mark.parametrize("place", ["", ":memory:", 7, None, b"x", "file:///tmp/spend.db", "sqlite:///spend.db", "a\0b"])
def test_what_is_no_file_is_refused(place: Any) -> None:
    """A ledger in memory is lost when it matters."""
    with pytest.raises(ConfigurationError, match="path of a file"):
        SQLiteLedger(place)


def test_a_ledger_that_has_to_be_there_is_not_made(path: Path) -> None:
    """Whoever only looks leaves nothing behind."""
    with pytest.raises(LedgerError, match=r"There is no ledger at '.*'; check the path, or make one"):
        SQLiteLedger(path, create=False)
    assert not path.exists()


def test_a_ledger_that_became_read_only_stops_the_call(ledger: SQLiteLedger) -> None:
    """SQLite says that it cannot write, and the error says what to do."""
    assert ledger._own is not None
    ledger._own.connection.execute("PRAGMA query_only = ON")
    with pytest.raises(LedgerError, match="cannot be written to; give this user write permission"):
        ledger.reserve(intent())


FULL = """
    import resource, signal, sys
    from aurashot import AuraShot, LedgerError
    from aurashot.ledger import SQLiteLedger

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    ledger = SQLiteLedger({path!r})
    resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, 600_000))
    paid = 0
    with AuraShot({key!r}, base_url={url!r}, ledger=ledger) as client:
        try:
            for number in range(200):
                client.generate("a cafe " * 50, face={face!r})
                paid += 1
        except LedgerError as error:
            print(error.outcome, paid, len(ledger.entries()), error)
"""


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="files cannot be bounded here")
def test_a_disk_that_is_full_stops_the_calls(path: Path, server: ScriptedServer) -> None:
    """What was made until then is on record, and the call that cannot be recorded is not sent."""
    code = textwrap.dedent(FULL).format(path=str(path), key=KEY, url=server.url, face=FACE)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    outcome, paid, entries, words = done.stdout.split(maxsplit=3)
    assert "not_sent" == outcome
    assert "the disk" in words
    assert 0 < int(paid) <= int(entries) == len(server.requests)
    with SQLiteLedger(path) as ledger:
        assert int(entries) == len(ledger.entries())


def test_a_table_that_cannot_be_made_leaves_no_half(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next one finds an empty file, and makes it whole."""
    with monkeypatch.context() as patched:
        patched.setattr("aurashot.ledger._schema.STEPS", (("CREATE TABLE calls (number)",), ("CREATE NONSENSE",)))
        with pytest.raises(LedgerError, match="cannot be used"):
            SQLiteLedger(path)
    with SQLiteLedger(path) as ledger:
        ledger.reserve(intent())


def test_a_file_system_without_shared_memory_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where SQLite cannot keep a write-ahead log it says which journal it has instead."""

    def refuse(connection: object, give_up: float) -> str:
        return "delete"

    monkeypatch.setattr("aurashot.ledger._file._write_ahead", refuse)
    with pytest.raises(LedgerError, match=r"cannot hold one \(delete\)"):
        SQLiteLedger(path)
