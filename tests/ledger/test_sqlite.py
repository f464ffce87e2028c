from __future__ import annotations

import copy
import hashlib
import json
import os
import pickle
import re
import sqlite3
import stat
import subprocess
import sys
import textwrap
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from aurashot import InputError, LedgerError
from aurashot.ledger import Entry, Intent, Settlement, Spend, SQLiteLedger, Summary
from aurashot.ledger._owner import this_process
from tests.ledger.conftest import FACE, IMAGE, NOT_PAID, PAID, UNKNOWN, intent

if TYPE_CHECKING:
    from pathlib import Path


def digest(text: str) -> str:
    """Return what stands for a text in the ledger."""
    return hashlib.sha256(text.encode()).hexdigest()


def pragma(ledger: SQLiteLedger, name: str) -> object:
    """Ask the ledger's own connection."""
    assert ledger._own is not None
    return ledger._own.connection.execute(f"PRAGMA {name}").fetchone()[0]


def test_an_entry_tells_the_whole_story(ledger: SQLiteLedger) -> None:
    """It holds what went out, under which key and when, and what came back."""
    before = datetime.now(UTC)
    begun = ledger.reserve(
        intent(
            tags={"user": "älice", "scene": "'; DROP TABLE calls; --"},
            operation_id="op-1",
            parent_id="story-1",
            request_digest="d1",
            references={"face": FACE, "clothes": "sha256:c0ffee"},
        )
    )
    assert [begun] == ledger.entries()
    ledger.settle(begun, replace(PAID, result='{"status":"completed"}'))
    (entry,) = ledger.entries()
    assert entry.finished_at is not None
    assert before - timedelta(milliseconds=1) < entry.started_at <= entry.finished_at <= datetime.now(UTC)
    expected = Entry(
        number=1,
        idempotency_key="order-17",
        operation="generate",
        payment="paid",
        started_at=entry.started_at,
        finished_at=entry.finished_at,
        attempts=1,
        request_id="r-1",
        urls=(IMAGE,),
        input_tokens=3,
        output_tokens=1234,
        prompt_digest=digest("a cafe"),
        references={"face": digest(FACE), "clothes": "c0ffee"},
        tags={"user": "älice", "scene": "'; DROP TABLE calls; --"},
        run=ledger.run,
        operation_id="op-1",
        parent_id="story-1",
        request_digest="d1",
        result='{"status":"completed"}',
        owner=this_process(),
    )
    assert expected == entry == pickle.loads(pickle.dumps(entry))
    assert entry.is_finished


def test_an_entry_is_unknown_until_it_is_settled(ledger: SQLiteLedger) -> None:
    """What a program leaves behind when it ends in between is already the truth."""
    ledger.reserve(intent())
    (entry,) = ledger.unresolved()
    assert ("unknown", None, False) == (entry.payment, entry.finished_at, entry.is_finished)


def test_what_is_unresolved_is_listed(ledger: SQLiteLedger) -> None:
    """Lost responses and what is under way; what is settled is not."""
    for key, settlement in (("a", PAID), ("b", UNKNOWN), ("c", NOT_PAID), ("d", None)):
        entry = ledger.reserve(intent(key))
        if settlement is not None:
            ledger.settle(entry, settlement)
    assert ["b", "d"] == [entry.idempotency_key for entry in ledger.unresolved()]
    assert ["a", "b", "c", "d"] == [entry.idempotency_key for entry in ledger.entries()]


def test_prompts_are_kept_when_asked_for(path: Path) -> None:
    """Otherwise the file holds digests only."""
    with SQLiteLedger(path, keep_prompts=True) as ledger:
        ledger.reserve(intent("a", prompt="a very private cafe"))
        ledger.reserve(intent("b", prompt=None))
        assert ["a very private cafe", None] == [entry.prompt for entry in ledger.entries()]
        assert [digest("a very private cafe"), None] == [entry.prompt_digest for entry in ledger.entries()]


def test_prompts_and_references_are_not_in_the_file(path: Path) -> None:
    """Nobody who gets hold of the file reads what was asked for, or of whom."""
    with SQLiteLedger(path) as ledger:
        ledger.reserve(intent(prompt="a very private cafe"))
    content = path.read_bytes()
    assert b"private" not in content
    assert b"example.com" not in content


def test_the_sum(ledger: SQLiteLedger) -> None:
    """Images and tokens in all, by operation, and by each tag."""
    alice, bob = {"user": "alice", "team": "x"}, {"user": "bob"}
    for key, operation, tags, settlement in (
        ("a", "id_photo", alice, PAID),
        ("b", "generate", alice, PAID),
        ("c", "generate", bob, UNKNOWN),
        ("d", "edit", bob, NOT_PAID),
        ("e", "edit", {}, PAID),
    ):
        ledger.settle(ledger.reserve(intent(key, operation=operation, tags=tags)), settlement)
    one, two = (Spend(paid=number, input_tokens=3 * number, output_tokens=1234 * number) for number in (1, 2))
    expected = Summary(
        paid=3,
        not_paid=1,
        unknown=1,
        input_tokens=9,
        output_tokens=3702,
        by_operation={
            "id_photo": one,
            "generate": Spend(paid=1, unknown=1, input_tokens=3, output_tokens=1234),
            "edit": Spend(paid=1, not_paid=1, input_tokens=3, output_tokens=1234),
        },
        by_tag={"user": {"alice": two, "bob": Spend(unknown=1, not_paid=1)}, "team": {"x": two}},
    )
    assert expected == ledger.summary()
    assert 4 == ledger.summary().at_most


@pytest.mark.parametrize("is_empty", [True, False])
def test_who_was_never_seen_has_spent_nothing(ledger: SQLiteLedger, *, is_empty: bool) -> None:
    """Asking for a tag, a value or an operation before its first call is no error, and invents no entry."""
    if not is_empty:
        ledger.settle(ledger.reserve(intent(tags={"user": "bob"})), PAID)
    summary = ledger.summary()
    copies = [summary, copy.deepcopy(summary), pickle.loads(pickle.dumps(summary))]
    for one in copies:
        assert Spend() == one.by_tag["user"]["alice"] == one.by_tag["team"]["x"] == one.by_operation["edit"]
        assert ("alice" in one.by_tag["user"], "team" in one.by_tag, "edit" in one.by_operation) == (False,) * 3
        assert one.by_tag.get("team") is None
        assert ([] if is_empty else ["user"]) == list(one.by_tag)
        assert summary == one == ledger.summary()
        assert json.loads(json.dumps(asdict(one)))["by_tag"].keys() == one.by_tag.keys()


def test_an_empty_ledger_sums_up_to_nothing(ledger: SQLiteLedger) -> None:
    """There is nothing to divide by."""
    assert Summary() == ledger.summary()
    assert [] == ledger.entries() == ledger.unresolved()


def test_a_time_can_be_given(ledger: SQLiteLedger) -> None:
    """Entries and sums begin at a moment, in whatever time zone it is told."""
    ledger.reserve(intent("early"))
    later = datetime.now(timezone(timedelta(hours=5, minutes=45)))
    ledger.reserve(intent("late"))
    assert ["late"] == [entry.idempotency_key for entry in ledger.entries(since=later)]
    assert 1 == ledger.summary(since=later).unknown
    assert 0 == ledger.summary(since=later + timedelta(hours=1)).unknown


@pytest.mark.parametrize("since", [datetime(2026, 1, 1), "2026-01-01", 0, True])  # noqa: DTZ001 - no zone is the point
def test_a_time_without_a_zone_is_refused(ledger: SQLiteLedger, since: datetime) -> None:
    """Nobody can say which moment it is."""
    for ask in (ledger.entries, ledger.summary):
        with pytest.raises(InputError, match="time zone"):
            ask(since=since)


def test_a_bill_resolves_what_was_unknown(ledger: SQLiteLedger) -> None:
    """Somebody looked: the entry is settled, with what was found, and keeps what it knew."""
    ledger.settle(ledger.reserve(intent("lost")), UNKNOWN)
    assert 1 == ledger.resolve("lost", "paid", urls=[IMAGE], request_id="r-9")
    (entry,) = ledger.entries()
    assert ("paid", (IMAGE,), "r-9", "OutcomeUnknownError") == (
        entry.payment,
        entry.urls,
        entry.request_id,
        entry.error,
    )
    assert [] == ledger.unresolved()


def test_all_entries_of_a_call_are_resolved(ledger: SQLiteLedger) -> None:
    """A call that went out again has several; one that is settled stays as it is."""
    for settlement in (UNKNOWN, UNKNOWN, PAID):
        ledger.settle(ledger.reserve(intent("again", operation_id="op-1")), settlement)
    assert 2 == ledger.resolve("again", "not_paid")
    assert ["not_paid", "not_paid", "paid"] == [entry.payment for entry in ledger.entries()]


@pytest.mark.parametrize(
    ("key", "outcome"), [("nobody", "paid"), ("settled", "paid"), ("lost", "unknown"), ("lost", "")]
)
def test_nothing_is_resolved_by_mistake(ledger: SQLiteLedger, key: str, outcome: str) -> None:
    """An unknown key, a settled call, and a word that is no outcome are errors."""
    ledger.settle(ledger.reserve(intent("settled")), NOT_PAID)
    ledger.settle(ledger.reserve(intent("lost")), UNKNOWN)
    with pytest.raises(InputError):
        ledger.resolve(key, outcome)  # type: ignore[arg-type]
    assert ["not_paid", "unknown"] == [entry.payment for entry in ledger.entries()]


def test_what_is_written_is_on_the_disk(ledger: SQLiteLedger) -> None:
    """Write-ahead log, synced at each commit: https://www.sqlite.org/pragma.html#pragma_synchronous."""
    assert ("wal", 2) == (pragma(ledger, "journal_mode"), pragma(ledger, "synchronous"))


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_the_file_is_for_its_owner_alone(tmp_path: Path, umask: int) -> None:
    """Whatever the umask: addresses of images can be signed. The journals take over the mode."""
    before = os.umask(umask)
    try:
        with SQLiteLedger(tmp_path / "a" / "b" / "spend.db") as ledger:
            ledger.reserve(intent())
            modes = {stat.S_IMODE(file.stat().st_mode) for file in ledger.path.parent.iterdir()}
            assert 3 == len([*ledger.path.parent.iterdir()])
    finally:
        os.umask(before)
    assert {0o600} == modes


def test_an_empty_file_becomes_a_ledger(path: Path) -> None:
    """Whoever makes the file first, with rights of their own choice, may."""
    path.touch()
    with SQLiteLedger(path) as ledger:
        ledger.reserve(intent())
    with SQLiteLedger(path) as ledger:
        assert 1 == len(ledger.entries())


def test_two_objects_share_a_file(ledger: SQLiteLedger, path: Path) -> None:
    """What one has written, the other reads; runs are told apart."""
    ledger.reserve(intent("a"))
    with SQLiteLedger(path, run="nightly") as other:
        other.reserve(intent("b"))
        assert [ledger.run, "nightly"] == [entry.run for entry in ledger.entries()]


def test_a_closed_ledger_refuses(path: Path) -> None:
    """Closing twice is fine, and writing after it is not."""
    ledger = SQLiteLedger(path)
    ledger.close()
    ledger.close()
    with pytest.raises(LedgerError, match="closed"):
        ledger.reserve(intent())


def test_a_pickle_is_opened_anew(ledger: SQLiteLedger) -> None:
    """In another process it is the same file, and the same run."""
    again: SQLiteLedger = pickle.loads(pickle.dumps(ledger))
    again.reserve(intent())
    assert [ledger.run] == [entry.run for entry in ledger.entries()]
    again.close()


def test_it_shows_where_it_is(ledger: SQLiteLedger, path: Path) -> None:
    """And nothing of what is in it."""
    ledger.settle(ledger.reserve(intent()), PAID)
    assert f"SQLiteLedger({str(path)!r}, cap=None)" == repr(ledger)


def test_it_is_closed_when_it_is_forgotten(path: Path) -> None:
    """Nobody has to close it: no warning, and no open file."""
    code = f"""
        from aurashot.ledger import SQLiteLedger, Intent
        SQLiteLedger({str(path)!r}).reserve(Intent(idempotency_key="k", operation="edit"))
        kept = SQLiteLedger({str(path)!r})
    """
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (0, "") == (done.returncode, done.stderr)
    assert [path.name] == [file.name for file in path.parent.glob("spend*")], "its journals are folded in"


FORKING = """
    import os
    from aurashot.ledger import Intent, Settlement, SQLiteLedger

    def call(key):
        ledger.settle(ledger.reserve(Intent(idempotency_key=key, operation="edit")), PAID)

    PAID = Settlement(payment="paid", attempts=1)
    ledger = SQLiteLedger({path!r})
    call("before")
    children = []
    for child in range(4):
        pid = os.fork()
        if pid == 0:
            for number in range(20):
                call(f"{{child}}-{{number}}")
            os._exit(0)
        children.append(pid)
    for number in range(20):
        call(f"parent-{{number}}")
    assert [0] * 4 == [os.waitpid(pid, 0)[1] for pid in children]
    call("after")
    assert 102 == ledger.summary().paid
"""


def test_it_survives_fork(path: Path) -> None:
    """Each process has a connection of its own, and none is lost."""
    code = textwrap.dedent(FORKING).format(path=str(path))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert (0, "") == (done.returncode, done.stderr)
    with SQLiteLedger(path) as ledger:
        assert 102 == len({entry.idempotency_key for entry in ledger.entries()})
        assert "ok" == pragma(ledger, "integrity_check")


def test_a_large_ledger_is_summed_up(ledger: SQLiteLedger) -> None:
    """20,000 entries, put there at once by another program, are counted in full."""
    assert ledger._own is not None
    ledger.settle(ledger.reserve(intent(tags={"user": "alice"})), PAID)
    columns = "operation, outcome, started_at, reference_digests, tags, run"
    ledger._own.connection.execute(
        f"INSERT INTO calls (idempotency_key, {columns}) WITH RECURSIVE n(i) AS"
        f" (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 19999) SELECT i, {columns} FROM calls, n"
    )
    assert 20_000 == ledger.summary().paid == ledger.summary().by_tag["user"]["alice"].paid


def test_the_digests_are_those_of_utf_8(ledger: SQLiteLedger) -> None:
    """Whoever has the prompt can find its entry; a lone surrogate does not stop a call."""
    ledger.reserve(Intent(idempotency_key="a", operation="edit", prompt="在咖啡馆"))
    ledger.reserve(Intent(idempotency_key="b", operation="edit", prompt="\ud800"))
    first, second = ledger.entries()
    assert digest("在咖啡馆") == first.prompt_digest
    assert re.fullmatch("[0-9a-f]{64}", second.prompt_digest or "")


def test_a_settlement_without_a_response(ledger: SQLiteLedger) -> None:
    """What is not known is None, not a zero."""
    ledger.settle(ledger.reserve(intent()), Settlement(payment="not_paid", attempts=0))
    (entry,) = ledger.entries()
    assert (None, None, None, ()) == (entry.request_id, entry.input_tokens, entry.error, entry.urls)


def test_the_file_says_what_it_is(ledger: SQLiteLedger, path: Path) -> None:
    """Its header names the application and the version of the table."""
    ledger.close()
    with sqlite3.connect(path) as plain:
        assert (0x61757261, 3) == tuple(
            plain.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
        )
    plain.close()
