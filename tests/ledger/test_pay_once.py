"""One key pays once, in the file: between threads, between processes, and whatever wrote it."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from aurashot import InputError, LedgerError, UnresolvedError
from aurashot.ledger import SpendCap, SQLiteLedger, check_key
from tests.ledger.conftest import NOT_PAID, PAID, UNKNOWN, intent

if TYPE_CHECKING:
    from pathlib import Path

    from aurashot.ledger import Entry, Intent, Settlement


def test_what_was_paid_is_handed_out_again(path: Path) -> None:
    """Also to another program, and although the cap is reached: nothing is spent."""
    with SQLiteLedger(path, cap=SpendCap(max_images=1)) as ledger:
        assert ledger.recall(intent()) is None
        first = ledger.reserve(intent())
        ledger.settle(first, PAID)
    with SQLiteLedger(path, cap=SpendCap(max_images=1)) as ledger:
        (entry,) = ledger.entries()
        assert entry == ledger.reserve(intent()) == ledger.recall(intent())
        assert (first.number, "paid") == (entry.number, entry.payment)
        assert [entry] == ledger.entries()


@pytest.mark.parametrize("settlement", [UNKNOWN, None])
def test_what_is_unresolved_is_refused(ledger: SQLiteLedger, settlement: Settlement | None) -> None:
    """Until it is resolved: as paid it is handed out, as not paid the key is free again."""
    entry = ledger.reserve(intent())
    if settlement is not None:
        ledger.settle(entry, settlement)
    for ask in (ledger.reserve, ledger.recall):
        with pytest.raises(UnresolvedError) as caught:
            ask(intent())
        assert ledger.entries() == [caught.value.entry]
    ledger.resolve("order-17", "not_paid")
    assert ledger.recall(intent()) is None
    assert 2 == ledger.reserve(intent()).number
    ledger.resolve("order-17", "paid", urls=["https://images.example/1.png"])
    assert 2 == ledger.reserve(intent()).number


def test_another_request_is_refused(ledger: SQLiteLedger) -> None:
    """With the key as the argument to blame."""
    ledger.reserve(intent())
    for ask in (ledger.reserve, ledger.recall):
        with pytest.raises(InputError) as caught:
            ask(intent(prompt="another"))
        assert "idempotency_key" == caught.value.argument


def test_an_operation_may_ask_again(ledger: SQLiteLedger) -> None:
    """After a lost response it makes a second entry under its key; others are refused by both."""
    for number in (1, 2, 3):
        entry = ledger.reserve(intent(operation_id="op-1"))
        assert number == entry.number
        ledger.settle(entry, UNKNOWN)
    with pytest.raises(UnresolvedError):
        ledger.reserve(intent(operation_id="op-2"))


def test_whoever_opts_out_pays_again(ledger: SQLiteLedger) -> None:
    """And is an entry like any other for those who do not."""
    ledger.settle(ledger.reserve(intent()), PAID)
    assert ledger.recall(intent(pay_once=False)) is None
    second = ledger.reserve(intent(pay_once=False))
    ledger.settle(second, PAID)
    assert second.number == ledger.reserve(intent()).number


def test_a_key_that_was_written_off_can_still_turn_out_paid(ledger: SQLiteLedger) -> None:
    """Somebody resolved it too early and the key was used again: both images are on record."""
    early = ledger.reserve(intent())
    ledger.resolve("order-17", "not_paid")
    second = ledger.reserve(intent())
    ledger.settle(early, PAID)
    ledger.settle(second, PAID)
    assert ["paid", "paid"] == [entry.payment for entry in ledger.entries()]
    assert second.number == ledger.reserve(intent()).number


@pytest.mark.parametrize(("settlement", "error"), [(PAID, None), (UNKNOWN, UnresolvedError), (NOT_PAID, None)])
def test_the_file_itself_refuses_a_second_entry(
    ledger: SQLiteLedger, monkeypatch: pytest.MonkeyPatch, settlement: Settlement, error: type[Exception] | None
) -> None:
    """If a program overlooks the first one, the index does not, and the response is the same."""
    first = ledger.reserve(intent())
    ledger.settle(first, settlement)
    asked: list[object] = []

    def overlooked(request: Intent, entries: list[Entry]) -> Entry | None:
        asked.append(entries)
        return check_key(request, entries if len(asked) > 1 else [])

    monkeypatch.setattr("aurashot.ledger._table.check_key", overlooked)
    if error is None:
        assert (first.number if settlement is PAID else 2) == ledger.reserve(intent()).number
    else:
        with pytest.raises(error):
            ledger.reserve(intent())


def same(ledger: SQLiteLedger, thread: int) -> bool:
    """Return whether this thread is the one that may send."""
    try:
        ledger.reserve(intent("one", tags={"thread": str(thread)}), timeout=60)
    except UnresolvedError:
        return False
    return True


def test_of_many_threads_one_may_send(ledger: SQLiteLedger) -> None:
    """The others are told that it is under way."""
    with ThreadPoolExecutor(32) as threads:
        assert 1 == sum(threads.map(same, [ledger] * 64, range(64)))
    assert 1 == len(ledger.entries())


CALLER = """
    import sys
    from aurashot import UnresolvedError
    from aurashot.ledger import Intent, SQLiteLedger

    ledger = SQLiteLedger({path!r})
    print("ready", flush=True)
    sys.stdin.readline()
    fresh = 0
    for number in range(25):
        try:
            fresh += ledger.reserve(Intent(idempotency_key=str(number), operation="edit"), timeout=60).is_under_way
        except UnresolvedError:
            pass
    print(fresh)
"""


def test_of_many_programs_one_may_send(path: Path) -> None:
    """Eight of them use the same 25 keys at once: there are 25 entries, each of one program."""
    code = textwrap.dedent(CALLER).format(path=str(path))
    programs = [
        subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(8)
    ]
    for program in programs:
        assert program.stdout is not None
        assert "ready\n" == program.stdout.readline()
    for program in programs:
        assert program.stdin is not None
        program.stdin.write("go\n")
        program.stdin.flush()
    assert 25 == sum(int(program.communicate(timeout=120)[0]) for program in programs)
    with SQLiteLedger(path) as ledger:
        assert 25 == len(ledger.entries())


def test_recalling_needs_a_file_that_can_be_read(path: Path) -> None:
    """A closed ledger says so."""
    ledger = SQLiteLedger(path)
    ledger.close()
    with pytest.raises(LedgerError, match="closed"):
        ledger.recall(intent())
