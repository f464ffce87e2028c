from __future__ import annotations

import json
import os
import shlex
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from aurashot.cli._spend_entries import age
from aurashot.ledger import Entry, Reserve, Settlement, SQLiteLedger
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


def pasted(line: str) -> list[str]:
    """Return the arguments of a command that was printed, as a shell reads them."""
    name, *arguments = shlex.split(line)
    assert "aurashot" == name
    return arguments


def test_the_table(aurashot: Aurashot, path: Path) -> None:
    """One row for all, one for each operation, one for each tag; numbers stand under each other."""
    ran = aurashot("spend", str(path))
    assert (0, "") == (ran.code, ran.err)
    assert [
        "                      paid  unknown  pending  blocked  not paid  tokens out",
        "  all                    1        2        0        0         1       1,234",
        "    edit                 0        1        0        0         0           0",
        "    generate             1        1        0        0         1       1,234",
        "    user=\\x1b[31mred     0        1        0        0         0           0",
        "    user=alice           1        0        0        0         0       1,234",
        "    user=bob             0        1        0        0         1           0",
        "",
        "2 may be on the bill and are not resolved; list them with:",
        f"  aurashot spend {path} --unresolved",
    ] == ran.out.splitlines()


@pytest.fixture
def crowded(folder: Path) -> Path:
    """Return a ledger with many values of a tag, and with many tags."""
    place = folder / "a crowd's.db"
    with SQLiteLedger(place) as ledger:
        orders = [Reserve(intent(f"-{n}", tags={"order": f"{n:02}", f"tag-{n:02}": "x"})) for n in range(25)]
        ledger.write([*orders, Reserve(intent("again", tags={"order": "17"}))])
    return place


def test_many_tags(aurashot: Aurashot, crowded: Path) -> None:
    """The ten largest values of the ten largest tags are shown, and the rest as one sum; `--all` shows all of them."""
    *rows, _, shown_with, _, _, _ = aurashot("spend", str(crowded)).out.splitlines()
    table = [line.split() for line in rows]
    assert ["order=17", "0", "2"] == table[3][:3]
    assert ["order=00", "0", "1"] == table[4][:3]
    assert ["order:", "and", "15", "more", "0", "15", "0"] == table[13][:7]
    assert [f"tag-{n:02}=x" for n in range(9)] == [row[0] for row in table[14:]]
    what, command = shown_with.split(": ")
    assert "16 more tags are not shown; show all with" == what
    every = aurashot(*pasted(command)).out
    assert (25, 25, 0) == (every.count("order="), every.count("tag-"), every.count("more"))
    assert 25 == len(json.loads(aurashot("spend", str(crowded), "--json").out)["by_tag"]["order"])


def test_commands_that_are_printed_can_be_run(aurashot: Aurashot, crowded: Path) -> None:
    """A path with spaces and quotes is quoted, `--since` is kept, and no path or key is taken for an option."""
    place = crowded.rename("-a crowd's.db")
    ran = aurashot("spend", "--since", "2020-01-01", "--", str(place))
    listed = aurashot(*pasted(ran.out.splitlines()[-1]))
    assert 26 == listed.out.count("under way")
    resolved = aurashot(*pasted(listed.out.splitlines()[-1]))
    assert (0, "Recorded as not_paid: 1 entry under -0") == (resolved.code, resolved.out.splitlines()[0])
    later = aurashot("spend", f"./{place}", "--since", "2999-01-01")
    assert "--unresolved" not in later.out


def test_what_is_unresolved(aurashot: Aurashot, path: Path) -> None:
    """Each call whose outcome nobody knows: its age, its tags, and the key to ask support about."""
    ran = aurashot("spend", str(path), "--unresolved")
    _, lost, under_way, *_ = ran.out.splitlines()
    assert ["s", "generate", "OutcomeUnknownError", "user=bob", "b"] == lost.split()[3:]
    assert ["s", "edit", "under", "way", "user=\\x1b[31mred", "d"] == under_way.split()[3:]


@pytest.mark.parametrize(
    ("seconds", "shown"), [(-5, "0 s"), (59, "59 s"), (60, "1 min"), (7300, "2 h"), (86_400, "1 d"), (9e6, "104 d")]
)
def test_ages(seconds: float, shown: str) -> None:
    """An age has one unit; a clock that was set back makes none negative."""
    entry = replace(Entry.begin(intent(), number=1), started_at=datetime.now(UTC) - timedelta(seconds=seconds + 0.2))
    assert shown == age(entry)


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
    line = aurashot("spend", str(path), "--unresolved").out.splitlines()[3]
    assert ["edit", *words.split(), "e"] == line.split()[4:]


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
    """Looking does not make one; the error says how one is made."""
    ran = aurashot("spend", "nowhere.db")
    assert 1 == ran.code
    assert ran.error.startswith("There is no ledger at 'nowhere.db'")
    assert "SQLiteLedger('nowhere.db')" in ran.error
    assert [] == [*folder.glob("nowhere*")]


def test_the_place_can_be_in_the_environment(aurashot: Aurashot, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`AURASHOT_LEDGER` says where it is."""
    monkeypatch.setenv("AURASHOT_LEDGER", str(path))
    assert [0, 0, 0] == [aurashot("spend", *words).code for words in ([], ["show", "a"], ["resolve", "b", "paid"])]


def test_an_entry_in_full(aurashot: Aurashot, path: Path) -> None:
    """What is recorded under a key; the URLs of its images only if they are asked for."""
    ran = aurashot("spend", "show", "a", "--ledger", str(path))
    lines = {line.split()[0]: line.split(maxsplit=1)[1] for line in ran.out.splitlines()}
    shown = {"Key": "a", "Payment": "paid", "Request": "r-1", "Tags": "user=alice", "Images": "1"}
    assert shown == {name: lines[name] for name in shown}
    assert IMAGE not in ran.out
    assert IMAGE in aurashot("spend", "show", "a", "--urls", "--ledger", str(path)).out
    assert "aurashot spend resolve --ledger" not in ran.out
    unresolved = aurashot("spend", "show", "b", "--ledger", str(path)).out.splitlines()[-1]
    assert f"  aurashot spend resolve --ledger {path} b not_paid" == unresolved


def test_an_entry_as_data(aurashot: Aurashot, path: Path) -> None:
    """The same for programs."""
    ran = aurashot("spend", "show", "d", "--json", "--ledger", str(path))
    (entry,) = json.loads(ran.out)["entries"]
    shown = {"payment": "unknown", "operation": "edit", "is_finished": False, "tags": {"user": "\x1b[31mred"}}
    assert shown == {name: entry[name] for name in shown}
    assert "urls" not in entry
    (entry,) = json.loads(aurashot("spend", "show", "a", "--json", "--urls", "--ledger", str(path)).out)["entries"]
    assert [IMAGE] == entry["urls"]


@pytest.mark.parametrize(("key", "payment"), [("b", "paid"), ("b", "not_paid"), ("blocked", "not_paid"), ("d", "paid")])
def test_resolving(aurashot: Aurashot, path: Path, key: str, payment: str) -> None:
    """What the bill says is recorded; that a process still works on the call is said."""
    with SQLiteLedger(path) as ledger:
        ledger.settle(ledger.reserve(intent("blocked")), Settlement(payment="blocked", attempts=1))
        ran = aurashot("spend", "resolve", key, payment, "--ledger", str(path), "--url", IMAGE, "--request-id", "r-9")
        (entry,) = ledger.find(key=key)
    first, *rest = ran.out.splitlines()
    assert (0, f"Recorded as {payment}: 1 entry under {key}") == (ran.code, first)
    assert (key == "d") == any(str(os.getpid()) in line for line in rest)
    assert (payment, (IMAGE,), "r-9") == (entry.payment, entry.urls, entry.request_id)


def test_resolving_for_programs(aurashot: Aurashot, path: Path) -> None:
    """`--json` prints what is recorded now."""
    told = json.loads(aurashot("spend", "resolve", "b", "paid", "--json", "--ledger", str(path)).out)
    assert (1, "b", "paid") == (
        told["resolved"],
        told["entries"][0]["idempotency_key"],
        told["entries"][0]["payment"],
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["resolve", "orde-17", "paid"], "nothing is recorded under 'orde-17'; near it are 'order-17'"),
        (["resolve", "ORD", "paid"], "near it are 'order-17', 'order-18'"),
        (["resolve", "zzz", "paid"], "list what is unresolved with aurashot spend '{path}' --unresolved"),
        (["resolve", "a", "paid"], "'a' is recorded as paid, so there is nothing to resolve; see aurashot spend show"),
        (["show", "order-19"], "near it are 'order-18', 'order-17'"),
        (["show", "zzz"], "nothing is recorded under 'zzz'; check the key, and the path of the ledger"),
        (["show", "\udce6"], "'\\udce6' is not a text that an entry can have"),
        (["resolve", "\udce6", "paid"], "'\\udce6' is not a text that an entry can have"),
        (["show", ""], "nothing is recorded under ''; check the key"),
    ],
)
def test_a_key_that_is_not_there(aurashot: Aurashot, path: Path, words: list[str], said: str) -> None:
    """The error names similar keys, or says how they are found; nothing changes."""
    place = path.rename(path.with_name("my spend.db"))
    with SQLiteLedger(place) as ledger:
        ledger.write([Reserve(intent("order-17")), Reserve(intent("order-18"))])
        before = ledger.entries()
        ran = aurashot("spend", *words, "--ledger", str(place))
        assert before == ledger.entries()
    assert (2, "") == (ran.code, ran.out)
    assert said.format(path=place) in ran.error


def test_a_payment_that_is_none(aurashot: Aurashot, path: Path) -> None:
    """Only what a bill can say is taken."""
    ran = aurashot("spend", "resolve", "b", "maybe", "--ledger", str(path))
    assert (2, True) == (ran.code, "not_paid" in ran.err)


def test_what_is_shown_is_bounded(aurashot: Aurashot, folder: Path) -> None:
    """A ledger with long tags and thousands of unresolved calls fits on a screen; `--all` shows the rest."""
    with SQLiteLedger(folder / "long.db") as ledger:
        for number in range(120):
            ledger.reserve(intent(f"key-{number}", tags={"user": f"{number}" + 5_000 * "x"}))
    ran = aurashot("spend", "long.db", "--unresolved")
    assert 120 - 100 == len(aurashot("spend", "long.db", "--unresolved", "--all").out.splitlines()) - 4 - 100
    assert "20 more are not shown; show all with:" in ran.out
    assert "  aurashot spend long.db --unresolved --all" in ran.out.splitlines()
    assert max(map(len, ran.out.splitlines())) < 800
    assert max(map(len, aurashot("spend", "long.db").out.splitlines())) < 500
