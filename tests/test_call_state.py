from __future__ import annotations

import gc
import weakref
from typing import get_args

import pytest
from hypothesis import given, strategies as st

from aurashot._transport._call_state import PAYMENTS, TRANSITIONS, CallState, Event, State
from aurashot.errors import AuraShotError, BadRequestError, NotSentError, OutcomeUnknownError, ServerError
from aurashot.ledger import Payment

READY, SENT, IN_DOUBT, ABANDONED, SETTLED = State
BEGIN, SEND, DELIVER, REFUSE, DOUBT, ABANDON = Event

TABLE = {
    READY: {BEGIN: READY, SEND: SENT, DELIVER: SETTLED, REFUSE: READY, DOUBT: IN_DOUBT, ABANDON: SETTLED},
    SENT: {SEND: SENT, DELIVER: SETTLED, REFUSE: READY, DOUBT: IN_DOUBT, ABANDON: ABANDONED},
    IN_DOUBT: {BEGIN: READY, DELIVER: SETTLED, ABANDON: SETTLED},
    ABANDONED: {SEND: ABANDONED, DELIVER: SETTLED, REFUSE: SETTLED, DOUBT: SETTLED, ABANDON: ABANDONED},
    SETTLED: {REFUSE: SETTLED, DOUBT: SETTLED, ABANDON: SETTLED},
}
"""What may follow what: written down twice, so that nobody changes it by accident."""

WAYS: dict[State, list[Event]] = {
    READY: [],
    SENT: [BEGIN, SEND],
    IN_DOUBT: [BEGIN, SEND, DOUBT],
    ABANDONED: [BEGIN, SEND, ABANDON],
    SETTLED: [BEGIN, SEND, DELIVER],
}
"""How a call comes into each state."""


def lost() -> OutcomeUnknownError:
    """Return an error that may be on the bill."""
    error = OutcomeUnknownError("the answer was lost")
    error.billable = True
    return error


def refused() -> BadRequestError:
    """Return an error that is certainly not on the bill."""
    error = BadRequestError("no")
    error.billable = True
    return error


def happen(state: CallState, event: Event) -> None:
    """Let an event happen to a call."""
    match event:
        case Event.BEGIN:
            state.begin()
        case Event.SEND:
            state.send()
        case Event.DELIVER:
            state.deliver()
        case Event.REFUSE:
            state.fail(refused())
        case Event.DOUBT:
            state.fail(lost())
        case Event.ABANDON:
            state.abandon()


def happened(state: CallState, event: Event) -> bool:
    """Let an event happen if it may, and say whether it did."""
    try:
        happen(state, event)
    except NotSentError:
        return False
    return True


def after(*events: Event) -> CallState:
    """Return the state of a call after some events."""
    state = CallState()
    for event in events:
        happen(state, event)
    return state


def test_a_call_begins_with_nothing() -> None:
    """Nothing is out, nothing is paid, and an attempt may begin."""
    state = CallState()
    assert (READY, "not_paid", 0, None) == (state.now, state.payment, state.attempts, state.doubt)
    assert (True, False) == (state.may_begin, state.is_sent)


def test_the_table_of_transitions_is_this_one() -> None:
    """Every state has its transitions."""
    assert TABLE == {state: dict(following) for state, following in TRANSITIONS.items()}
    assert set(State) == set(TRANSITIONS)


def test_the_table_of_payments_is_this_one() -> None:
    """Every event but the end of the caller's patience says what is on the bill, in the ledger's words."""
    payments = {BEGIN: "not_paid", SEND: "unknown", DELIVER: "paid", REFUSE: "not_paid", DOUBT: "unknown"}
    assert payments == dict(PAYMENTS)
    assert {ABANDON} == set(Event) - set(PAYMENTS)
    assert set(get_args(Payment)) - {"pending", "blocked"} == set(PAYMENTS.values())  # a response tells these


@pytest.mark.parametrize("event", Event)
@pytest.mark.parametrize("now", State)
def test_what_may_happen_happens_and_what_may_not_changes_nothing(now: State, event: Event) -> None:
    """An event that a state does not know is a `NotSentError`, after which everything is as it was."""
    state = after(*WAYS[now])
    assert now is state.now
    before = state.payment, state.attempts
    assert (event in TABLE[now]) is happened(state, event)
    assert TABLE[now].get(event, now) is state.now
    if event in TABLE[now] and now is not SETTLED:
        assert PAYMENTS.get(event, before[0]) == state.payment
    else:
        assert before == (state.payment, state.attempts)


@pytest.mark.parametrize(
    ("now", "is_sent", "may_begin"),
    [
        (READY, False, True),
        (SENT, True, False),
        (IN_DOUBT, False, True),
        (ABANDONED, True, False),
        (SETTLED, False, False),
    ],
)
def test_a_state_says_what_is_out_and_what_may_begin(
    now: State,
    is_sent: bool,  # noqa: FBT001 - a column of the table
    may_begin: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """A request is out until its response has come; another may begin when none is out and somebody waits."""
    state = after(*WAYS[now])
    assert (is_sent, may_begin) == (state.is_sent, state.may_begin)


@given(st.lists(st.sampled_from(Event), max_size=30))
def test_what_may_be_on_the_bill_is_never_called_not_paid(events: list[Event]) -> None:
    """Whatever happens in whatever order, a request that is out or in doubt counts as one that may be paid for."""
    state = CallState()
    for event in events:
        happened(state, event)
        if state.now in {SENT, IN_DOUBT, ABANDONED}:
            assert "unknown" == state.payment


@given(st.lists(st.sampled_from(Event), max_size=30), st.lists(st.sampled_from(Event), max_size=30))
def test_nothing_is_sent_when_the_call_is_over(before: list[Event], later: list[Event]) -> None:
    """After SETTLED nothing can be begun, sent or answered, whatever else happens, for ever."""
    state = CallState()
    for event in before:
        happened(state, event)
    state.now = SETTLED
    attempts = state.attempts
    for event in later:
        assert (event not in {BEGIN, SEND, DELIVER}) is happened(state, event)
        assert (SETTLED, attempts, False, False) == (state.now, state.attempts, state.may_begin, state.is_sent)


@given(st.lists(st.sampled_from(Event), max_size=30))
def test_nothing_is_begun_when_nobody_waits(events: list[Event]) -> None:
    """After ABANDONED the request in hand comes to its end, and no other follows it."""
    state = after(BEGIN, SEND, ABANDON)
    for event in events:
        assert not (happened(state, event) and event is BEGIN)
        assert (1, False) == (state.attempts, state.may_begin)
        assert state.now in {ABANDONED, SETTLED}


@given(st.lists(st.sampled_from(Event), max_size=30))
def test_every_attempt_is_counted(events: list[Event]) -> None:
    """The attempts are the beginnings that were allowed."""
    state = CallState()
    begun = [event for event in events if happened(state, event) and event is BEGIN]
    assert len(begun) == state.attempts


@given(st.lists(st.sampled_from(Event), max_size=30))
def test_the_response_of_a_call_comes_once(events: list[Event]) -> None:
    """What was delivered is delivered once."""
    state = CallState()
    assert sum(happened(state, event) and event is DELIVER for event in events) <= 1


def test_a_refusal_never_reached_the_bill() -> None:
    """After a request that was refused, nothing is paid and another attempt may begin."""
    state = after(BEGIN, SEND, REFUSE)
    assert ("not_paid", True, None) == (state.payment, state.may_begin, state.doubt)


@pytest.mark.parametrize("later", [[], [BEGIN], [BEGIN, REFUSE], [BEGIN, SEND, REFUSE], [BEGIN, SEND, REFUSE, BEGIN]])
def test_a_call_ends_with_its_doubt_whatever_came_later(later: list[Event]) -> None:
    """Who was told that the last attempt was refused might pay for the first one again."""
    doubt = lost()
    state = after(BEGIN, SEND)
    state.fail(doubt)
    for event in later:
        happen(state, event)
    assert [doubt] == state.end(refused())
    assert state.doubt is None


def test_a_call_ends_with_the_last_of_its_doubts() -> None:
    """Each of them may be on the bill, and the last one says what happened last."""
    first, last = lost(), lost()
    state = after(BEGIN, SEND)
    state.fail(first)
    happen(state, BEGIN)
    happen(state, SEND)
    state.fail(last)
    happen(state, BEGIN)
    assert [last] == state.end(refused())


def test_a_call_without_a_doubt_ends_with_its_last_error() -> None:
    """There is no other; a doubt that is the last error itself is not said twice."""
    assert [] == after(BEGIN, SEND, REFUSE).end(refused())
    doubt = lost()
    state = after(BEGIN, SEND)
    state.fail(doubt)
    assert [] == state.end(doubt)
    assert state.doubt is None


@pytest.mark.parametrize("error", [OutcomeUnknownError("x"), ServerError("x")])
def test_a_call_that_is_not_billed_has_no_doubts(error: AuraShotError) -> None:
    """What costs nothing may be lost as often as it likes: the last error is the one that counts."""
    state = after(BEGIN, SEND)
    state.fail(error)
    assert (READY, "not_paid", None) == (state.now, state.payment, state.doubt)


@pytest.mark.parametrize("is_last", [True, False])
def test_the_end_keeps_no_error(is_last: bool) -> None:  # noqa: FBT001 - a column of the table
    """An error whose traceback leads to the state does not live in a circle: it goes when nobody holds it."""
    state, gone = CallState(), list[weakref.ref[AuraShotError]]()

    def fail() -> None:
        try:
            raise lost()
        except OutcomeUnknownError as error:
            state.begin()
            state.send()
            state.fail(error)
            gone.append(weakref.ref(error))
            state.end(error if is_last else refused())

    gc.disable()
    try:
        fail()
        assert [None] == [one() for one in gone]
    finally:
        gc.enable()


def test_a_delivered_call_keeps_no_doubt() -> None:
    """An earlier error would keep itself alive, by its traceback, for as long as the call's state is held."""
    assert after(BEGIN, SEND, DOUBT, BEGIN, SEND, DELIVER).doubt is None
