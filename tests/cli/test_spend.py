from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from aurashot.ledger import SQLiteLedger
from aurashot.ledger._owner import this_process
from tests.ledger.conftest import IMAGE, NOT_PAID, PAID, UNKNOWN, intent

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Aurashot


@pytest.fixture
def path(folder: Path) -> Path:
    """Return a ledger with four entries."""
    place = folder / "spend.db"
    with SQLiteLedger(place) as ledger:
        for key, tags, settlement in (
            ("a", {"user": "alice"}, PAID),
            ("b", {"user": "bob"}, UNKNOWN),
            ("c", {"user": "bob"}, NOT_PAID),
        ):
            ledger.settle(ledger.reserve(intent(key, tags=tags)), settlement)
        ledger.reserve(intent("d", operation="edit", tags={"user": "\x1b[31mred"}))
    return place


def test_the_table(aurashot: Aurashot, path: Path) -> None:
    """One row for all, one for each operation, one for each tag; numbers stand under each other."""
    ran = aurashot("spend", str(path))
    assert (0, "") == (ran.code, ran.err)
    assert [
        "                   paid  unknown  not paid  tokens out",
        "  all                 1        2         1       1,234",
        "    edit              0        1         0           0",
        "    generate          1        1         1       1,234",
        "    user= [31mred     0        1         0           0",
        "    user=alice        1        0         0       1,234",
        "    user=bob          0        1         1           0",
        "",
        "2 may be on the bill and are not resolved; list them with --unresolved",
    ] == ran.out.splitlines()


def test_what_is_unresolved(aurashot: Aurashot, path: Path) -> None:
    """Each call whose outcome nobody knows, with the key to ask support about."""
    ran = aurashot("spend", str(path), "--unresolved")
    _, lost, under_way = ran.out.splitlines()
    assert lost.endswith("generate   OutcomeUnknownError  b")
    assert under_way.endswith("edit       under way            d")


@pytest.mark.parametrize(
    ("owner", "words"),
    [("ended", "its program ended"), ("elsewhere", "under way, or its program ended")],
)
def test_what_a_program_left_behind(
    aurashot: Aurashot, path: Path, monkeypatch: pytest.MonkeyPatch, *, owner: str, words: str
) -> None:
    """It is told from what is under way, as far as this machine knows."""
    mine = this_process()
    wrote = {"ended": replace(mine, started="ticks 1"), "elsewhere": replace(mine, host="another")}[owner]
    with monkeypatch.context() as patched, SQLiteLedger(path) as ledger:
        patched.setattr("aurashot.ledger._entries.this_process", lambda: wrote)
        ledger.reserve(intent("e", operation="edit"))
    last = aurashot("spend", str(path), "--unresolved").out.splitlines()[-1]
    assert ["edit", *words.split(), "e"] == last.split()[2:]


def test_nothing_is_unresolved(aurashot: Aurashot, path: Path) -> None:
    """When all is resolved, it is said so."""
    with SQLiteLedger(path) as ledger:
        ledger.resolve("b", "not_paid")
        ledger.resolve("d", "paid")
    assert "Nothing is unresolved.\n" == aurashot("spend", str(path), "--unresolved").out
    assert "--unresolved" not in aurashot("spend", str(path)).out


def test_json(aurashot: Aurashot, path: Path) -> None:
    """The same for programs; no address of an image is in it."""
    ran = aurashot("spend", str(path), "--json")
    told = json.loads(ran.out)
    assert (1, 2, 1, 1234) == tuple(told[name] for name in ("paid", "unknown", "not_paid", "output_tokens"))
    alice = told["by_tag"]["user"]["alice"]
    assert {"paid": 1, "input_tokens": 3, "output_tokens": 1234} == {name: n for name, n in alice.items() if n}
    assert [("b", True, True), ("d", False, True)] == [
        (each["idempotency_key"], each["is_finished"], each["owner_lives"]) for each in told["unresolved"]
    ]
    assert IMAGE not in ran.out


@pytest.mark.parametrize(("since", "paid"), [("2020-01-01", 1), ("2999-12-31T00:00+02:00", 0)])
def test_since(aurashot: Aurashot, path: Path, since: str, paid: int) -> None:
    """A day, or a time in a zone."""
    told = json.loads(aurashot("spend", str(path), "--json", "--since", since).out)
    assert paid == told["paid"]
    assert 2 * paid == len(told["unresolved"])


@pytest.mark.parametrize("since", ["yesterday", "2026-13-01"])
def test_a_time_that_is_none(aurashot: Aurashot, path: Path, since: str) -> None:
    """The error shows what a time looks like."""
    ran = aurashot("spend", str(path), "--since", since)
    assert (2, "") == (ran.code, ran.out)
    assert "2026-03-16T09:00" in ran.error


def test_a_ledger_that_is_not_there(aurashot: Aurashot, folder: Path) -> None:
    """Looking does not make one."""
    ran = aurashot("spend", "nowhere.db")
    assert 1 == ran.code
    assert "nowhere.db cannot be opened" in ran.error
    assert [] == [*folder.glob("nowhere*")]


def test_the_place_can_be_in_the_environment(aurashot: Aurashot, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`AURASHOT_LEDGER` says where it is."""
    monkeypatch.setenv("AURASHOT_LEDGER", str(path))
    assert 0 == aurashot("spend").code
