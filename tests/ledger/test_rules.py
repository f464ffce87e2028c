from __future__ import annotations

import pickle
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from aurashot import InputError, UnresolvedError
from aurashot.ledger import Entry, Owner, check_key
from aurashot.ledger._owner import this_process
from tests.ledger.conftest import NOT_PAID, PAID, UNKNOWN, intent

if TYPE_CHECKING:
    from aurashot.ledger import Settlement


def entry(number: int, settlement: Settlement | None = None, **fields: Any) -> Entry:
    """Return an entry of a key, under way unless it is settled."""
    begun = Entry.begin(intent(**fields), number=number)
    return begun if settlement is None else begun.settled(settlement)


ENDED = replace(entry(1), owner=replace(this_process(), started="ticks 1"))
ELSEWHERE = replace(entry(1), owner=Owner("another machine", 7, "ticks 1"))


def test_a_key_that_nobody_used_is_free() -> None:
    """So are entries of other keys, and those that are certainly not paid."""
    assert check_key(intent(), []) is None
    assert check_key(intent(), [entry(1, PAID, key="other"), entry(2, NOT_PAID)]) is None


def test_what_was_paid_is_returned() -> None:
    """The newest of it, also when another entry of the same request is unknown, or of another request."""
    older, newer = entry(1, PAID), entry(2, PAID)
    assert newer is check_key(intent(), [older, newer, entry(3, UNKNOWN)])
    assert older is check_key(intent(), [older, entry(2, PAID, prompt="another")])


@pytest.mark.parametrize("settlement", [PAID, UNKNOWN, None])
@pytest.mark.parametrize("other", [{"prompt": "another"}, {"operation": "edit"}, {"request_digest": "d2"}])
def test_another_request_under_the_same_key_is_refused(settlement: Settlement | None, other: dict[str, str]) -> None:
    """The error is about the key, says what it was used for, and that another is needed."""
    asked = intent(request_digest="d1" if "request_digest" in other else None)
    with pytest.raises(
        InputError, match=r"'order-17' was used for another request \((generate|edit), 2\d\d\d-.*another key"
    ) as caught:
        check_key(asked, [entry(1, settlement, **other)])
    assert ("idempotency_key", "order-17", "not_sent") == (
        caught.value.argument,
        caught.value.idempotency_key,
        caught.value.outcome,
    )


def test_digests_decide_where_both_have_one() -> None:
    """Otherwise the operation and the prompt do, as with entries that were written before there were digests."""
    paid = entry(1, PAID, request_digest="d1", prompt="in other words")
    assert paid is check_key(intent(request_digest="d1"), [paid])
    old = entry(1, PAID)
    assert old is check_key(intent(request_digest="d1"), [old])


@pytest.mark.parametrize(
    ("earlier", "words"),
    [
        (entry(1), rf"under way in process {this_process().pid}, which is running; wait"),
        (ENDED, r"ended before its outcome was recorded; look at the bill.*ledger\.resolve\('order-17'"),
        (ELSEWHERE, "under way elsewhere, or its program ended"),
        (entry(1, UNKNOWN), r"lost \(OutcomeUnknownError\); look at the bill"),
        (replace(ENDED, owner=None), "under way elsewhere, or its program ended"),
    ],
    ids=["under way", "ended", "elsewhere", "lost", "nobody's"],
)
def test_what_is_unresolved_is_not_asked_for_again(earlier: Entry, words: str) -> None:
    """The error says what is known of the earlier request, and how to go on; it travels with its entry."""
    with pytest.raises(UnresolvedError, match=words) as caught:
        check_key(intent(), [earlier])
    error = pickle.loads(pickle.dumps(caught.value))
    assert ("unknown", True, True) == (error.outcome, error.billable, error.may_be_charged)
    assert ("order-17", earlier) == (error.idempotency_key, error.entry)


def test_the_one_under_way_is_named() -> None:
    """Of several that are unresolved, the one worth waiting for."""
    with pytest.raises(UnresolvedError, match="which is running") as caught:
        check_key(intent(), [entry(1), entry(2, UNKNOWN)])
    assert caught.value.entry is not None
    assert 1 == caught.value.entry.number


@pytest.mark.parametrize("settlement", [PAID, UNKNOWN, None])
def test_an_operation_does_not_stop_itself(settlement: Settlement | None) -> None:
    """One that asks again after a lost response has several entries; without an id nothing is the same."""
    assert check_key(intent(operation_id="op-1"), [entry(1, settlement, operation_id="op-1")]) is None
    with pytest.raises(UnresolvedError):
        check_key(intent(operation_id="op-1"), [entry(1, UNKNOWN, operation_id="op-2")])
    with pytest.raises(UnresolvedError):
        check_key(intent(), [entry(1, UNKNOWN)])


@pytest.mark.parametrize("settlement", [PAID, UNKNOWN, None])
def test_whoever_opts_out_is_not_stopped(settlement: Settlement | None) -> None:
    """Another image under the same key is what they want."""
    assert check_key(intent(pay_once=False), [entry(1, settlement), entry(2, PAID, prompt="another")]) is None
