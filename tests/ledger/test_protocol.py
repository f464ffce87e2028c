"""What a ledger of another kind has to do, and what it is given for it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from aurashot import AuraShotError, InputError, LedgerError, UnresolvedError
from aurashot.ledger import Annotate, Entry, Intent, Ledger, Reserve, Settle, SQLiteLedger, check_key
from tests.ledger.conftest import NOT_PAID, PAID, UNKNOWN, intent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aurashot.ledger import Write


class ListLedger(Ledger):
    """A ledger in a list: the smallest that keeps the promises, but for the disk."""

    def __init__(self) -> None:
        self.list: list[Entry] = []
        self.lock = threading.Lock()

    def recall(self, intent: Intent, *, timeout: float) -> Entry | None:
        """Ask the entries."""
        return check_key(intent, self.list)

    def write(self, writes: Sequence[Write], *, timeout: float) -> list[Entry | AuraShotError | None]:
        """Write one after the other."""
        with self.lock:
            return [self.write_one(write) for write in writes]

    def write_one(self, write: Write) -> Entry | AuraShotError | None:
        """Write one, or return why not."""
        try:
            match write:
                case Reserve(asked):
                    paid = check_key(asked, self.list)
                    if paid is None:
                        self.list.append(Entry.begin(asked, number=len(self.list) + 1))
                    return paid or self.list[-1]
                case Settle(number, settlement):
                    self.list[number - 1] = self.list[number - 1].settled(settlement)
                case Annotate(number, notes):
                    self.list[number - 1] = self.list[number - 1].annotated(notes)
        except AuraShotError as error:
            return error
        except IndexError:
            return LedgerError("there is no such entry")
        return None

    def find(self, *, key: str) -> list[Entry]:
        """Return the entries of a key."""
        return [entry for entry in self.list if entry.idempotency_key == key]


@pytest.fixture(params=["sqlite", "list"])
def any_ledger(request: pytest.FixtureRequest, ledger: SQLiteLedger) -> SQLiteLedger | ListLedger:
    """Return a ledger of either kind."""
    return ledger if request.param == "sqlite" else ListLedger()


def test_single_writes_raise_what_is_returned(any_ledger: SQLiteLedger | ListLedger) -> None:
    """`reserve`, `settle` and `annotate` are one write each, for whoever subclasses `Ledger`."""
    entry = any_ledger.reserve(intent())
    assert ("unknown", False, True) == (entry.payment, entry.is_finished, entry.is_under_way)
    with pytest.raises(UnresolvedError):
        any_ledger.reserve(intent())
    any_ledger.settle(entry, PAID)
    any_ledger.annotate(entry.number, {"shown": True})
    (settled,) = any_ledger.find(key="order-17")
    assert ("paid", {"shown": True}) == (settled.payment, settled.notes)
    assert settled == any_ledger.reserve(intent()) == any_ledger.recall(intent(), timeout=1)
    with pytest.raises(InputError):
        any_ledger.reserve(intent(prompt="another"))
    with pytest.raises(LedgerError, match=r"no .*entry"):
        any_ledger.settle(99, PAID)
    with pytest.raises(LedgerError, match=r"no .*entry"):
        any_ledger.annotate(99, {})


@pytest.mark.parametrize("settlement", [PAID, NOT_PAID, UNKNOWN])
def test_entries_are_made_alike(ledger: SQLiteLedger, settlement: Any) -> None:
    """What `begin` and `settled` make is what the file says, but for the moment at which it was settled."""
    begun = ledger.reserve(intent(operation_id="op-1", tags={"user": "alice"}))
    ledger.settle(begun, settlement)
    (stored,) = ledger.entries()
    made = begun.settled(settlement)
    assert made.finished_at is not None
    assert stored.finished_at is not None
    assert stored.finished_at <= made.finished_at
    shown = [{**_fields(entry), "finished_at": None} for entry in (made, stored)]
    assert shown[0] == shown[1]


def _fields(entry: Entry) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in Entry.__dataclass_fields__}


@pytest.mark.parametrize("value", ["x", "", 7, 0, -1.5, True, False, None])
def test_notes_are_scalars(ledger: SQLiteLedger, value: Any) -> None:
    """They come out as they went in; one of the same name is replaced, others stay."""
    entry = ledger.reserve(intent())
    ledger.annotate(entry, {"a": "before", "b": 1})
    ledger.annotate(entry, {"a": value})
    assert [{"a": value, "b": 1}] == [each.notes for each in ledger.entries()]


@pytest.mark.parametrize(
    "notes",
    [{"a": []}, {"a": {}}, {"a": float("nan")}, {"a": float("inf")}, {"a": b"x"}, {1: "a"}, [("a", 1)], None, "a"],
)
def test_what_is_no_note_is_refused(ledger: SQLiteLedger, notes: Any) -> None:
    """Nothing is written."""
    entry = ledger.reserve(intent())
    with pytest.raises(InputError, match="notes") as caught:
        ledger.annotate(entry, notes)
    assert "notes" == caught.value.argument
    assert [{}] == [each.notes for each in ledger.entries()]


def test_entries_are_found(ledger: SQLiteLedger) -> None:
    """By key, by operation, by tags, and by all that is given."""
    for key, operation_id, tags in (
        ("a", "op-1", {"user": "alice", "team": "x"}),
        ("b", "op-1", {"user": "bob", "team": "x"}),
        ("c", "op-2", {"user": "alice"}),
        ("d", "", {"user\ud800": "\ud800"}),
    ):
        ledger.reserve(intent(key, operation_id=operation_id, tags=tags))
    table: tuple[tuple[str, dict[str, Any]], ...] = (
        ("a", {"key": "a"}),
        ("ab", {"operation_id": "op-1"}),
        ("ac", {"tags": {"user": "alice"}}),
        ("a", {"tags": {"user": "alice", "team": "x"}}),
        ("a", {"tags": {"user": "alice"}, "operation_id": "op-1"}),
        ("", {"key": "b", "operation_id": "op-2"}),
        ("", {"tags": {"user": "ali"}}),
        ("b", {"key": "b", "tags": {}}),
        ("d", {"tags": {"user\ud800": "\ud800"}}),
    )
    for expected, conditions in table:
        assert expected == "".join(entry.idempotency_key for entry in ledger.find(**conditions))


@pytest.mark.parametrize(
    "conditions",
    [
        {},
        {"tags": {}},
        {"key": 7},
        {"operation_id": b"x"},
        {"tags": "user"},
        {"tags": {"user": 7}},
        {"tags": {"user": "\0"}},
        {"tags": [("a", "b")]},
    ],
)
def test_nothing_is_found_by_mistake(ledger: SQLiteLedger, conditions: dict[str, Any]) -> None:
    """No condition is not all entries, and one of another type is an error."""
    with pytest.raises(InputError):
        ledger.find(**conditions)


@pytest.mark.parametrize(
    ("column", "index"), [("idempotency_key", "calls_by_key"), ("operation_id", "calls_by_operation")]
)
def test_finding_uses_an_index(ledger: SQLiteLedger, column: str, index: str) -> None:
    """However many entries there are."""
    assert ledger._own is not None
    plan = ledger._own.connection.execute(
        f"EXPLAIN QUERY PLAN SELECT * FROM calls WHERE {column} = ? ORDER BY number", "x"
    )
    assert index in plan.fetchone()["detail"]


@pytest.mark.parametrize("tags", [{"user": "a\0b"}, {"a\0b": "user"}, {"user": 7}, {"user": None}, {7: "user"}])
def test_what_is_no_tag_is_refused(ledger: SQLiteLedger, tags: Any) -> None:
    """It could not be counted."""
    with pytest.raises(InputError, match="tags: strings"):
        ledger.reserve(intent(tags=tags))
    assert [] == ledger.entries()
