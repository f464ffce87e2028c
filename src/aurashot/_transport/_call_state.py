"""The state machine of one call: what is known of its request, and what that means for the bill.

**The theory.** Money is committed at one point: when the first byte of a billed request leaves this machine (SEND).
Until then nothing can be on the bill. From then on the image may be, until a response proves whether it is:

* a response with an image (DELIVER) proves that it is paid for;
* a refusal before any work, or a connection that was never made (REFUSE), proves that it is not;
* all else (DOUBT) proves nothing: a lost or broken response, a 5xx, a failure after the work began.

So what can be recorded at any moment follows from the last event alone: that is the table `PAYMENTS`. Which
event may come next is the table `TRANSITIONS`:

    READY      nothing of this attempt was sent; a new attempt may begin
    SENT       bytes were sent, and no response was received
    IN_DOUBT   the attempt is over, and may be on the bill; a new one may begin if the user allows it
    ABANDONED  bytes were sent, and the caller is gone: the response is recorded, and nothing is sent again
    SETTLED    the call is over: nothing can be sent any more

A new attempt after a doubt is a new request that may be billed, so the state starts over (BEGIN) and the ledger opens
another entry. The doubt itself stays for as long as the call does: whatever the later attempts end with, the call
must not end with an error that says that nothing was sent or that it was refused. Whoever catches those may send it
again. `doubt` is that memory; it is the error that the call then ends with.

Whether the caller waits decides about sending only. Cancelled before SEND, the call ends there and then (ABANDON in
READY); cancelled after it, the response is awaited elsewhere (`_detached`) and leads from ABANDONED to SETTLED.
"""

from __future__ import annotations

from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from aurashot.errors import NotSentError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aurashot.errors import AuraShotError
    from aurashot.ledger import Payment


class _Constant(Enum):
    """An enumeration whose members are quick to look up: `Enum` hashes a member by its name, in Python."""

    __hash__ = object.__hash__


class State(_Constant):
    """What is known of the request in hand."""

    READY = "nothing of it is out"
    SENT = "it is out, and no response has come"
    IN_DOUBT = "it is over, and may be on the bill"
    ABANDONED = "it is out, and nobody waits for the response"
    SETTLED = "the call is over"


class Event(_Constant):
    """What can happen to a call."""

    BEGIN = "a new attempt"
    SEND = "bytes of the request leave"
    DELIVER = "the service delivered"
    REFUSE = "certainly not on the bill"
    DOUBT = "perhaps on the bill"
    ABANDON = "nobody waits any more"


TRANSITIONS: Final[Mapping[State, Mapping[Event, State]]] = MappingProxyType(
    {
        State.READY: {
            Event.BEGIN: State.READY,
            Event.SEND: State.SENT,
            Event.DELIVER: State.SETTLED,  # by a stored result, or by a mock that sends nothing
            Event.REFUSE: State.READY,
            Event.DOUBT: State.IN_DOUBT,  # by a mock that sends nothing
            Event.ABANDON: State.SETTLED,
        },
        State.SENT: {
            Event.SEND: State.SENT,
            Event.DELIVER: State.SETTLED,
            Event.REFUSE: State.READY,
            Event.DOUBT: State.IN_DOUBT,
            Event.ABANDON: State.ABANDONED,
        },
        State.IN_DOUBT: {
            Event.BEGIN: State.READY,
            Event.DELIVER: State.SETTLED,  # by a stored result
            Event.ABANDON: State.SETTLED,
        },
        State.ABANDONED: {
            Event.SEND: State.ABANDONED,  # the rest of the same request
            Event.DELIVER: State.SETTLED,
            Event.REFUSE: State.SETTLED,
            Event.DOUBT: State.SETTLED,
            Event.ABANDON: State.ABANDONED,
        },
        State.SETTLED: {
            Event.REFUSE: State.SETTLED,
            Event.DOUBT: State.SETTLED,
            Event.ABANDON: State.SETTLED,
        },
    }
)

PAYMENTS: Final[Mapping[Event, Payment]] = MappingProxyType(
    {
        Event.BEGIN: "not_paid",
        Event.SEND: "unknown",
        Event.DELIVER: "paid",
        Event.REFUSE: "not_paid",
        Event.DOUBT: "unknown",
    }
)
"""What each event says about the bill; ABANDON says nothing about it."""


class CallState:
    """The state of one call.

    Attributes:
        now: What is known of the request in hand.
        payment: What that means for the bill: what the ledger records if the call ends here.
        attempts: How many attempts have begun.
        doubt: The error of the last attempt that may be on the bill.
    """

    __slots__ = ("attempts", "doubt", "now", "payment")

    def __init__(self, attempts: int = 0) -> None:
        self.now: State = State.READY
        self.payment: Payment = "not_paid"
        self.attempts: int = attempts
        self.doubt: AuraShotError | None = None

    @property
    def is_sent(self) -> bool:
        """Whether a request was sent whose response was not received."""
        return self.now in {State.SENT, State.ABANDONED}

    @property
    def may_begin(self) -> bool:
        """Whether another attempt may be made, as far as the caller is concerned."""
        return Event.BEGIN in TRANSITIONS[self.now]

    def begin(self) -> None:
        """Begin an attempt.

        Raises:
            NotSentError: The caller is gone.
        """
        self._go(Event.BEGIN)
        self.attempts += 1

    def send(self) -> None:
        """Note that bytes are about to be sent: this is where money is committed.

        Raises:
            NotSentError: The caller is gone.
        """
        self._go(Event.SEND)

    def deliver(self) -> None:
        """Note that the service delivered."""
        self._go(Event.DELIVER)
        self.doubt = None

    def fail(self, error: AuraShotError) -> None:
        """Note that an attempt is over, with an error that says whether it may be on the bill."""
        if error.may_be_charged:
            self.doubt = error
            self._go(Event.DOUBT)
        else:
            self._go(Event.REFUSE)

    def abandon(self) -> None:
        """Note that the caller is gone."""
        self._go(Event.ABANDON)

    def end(self, last: AuraShotError) -> list[AuraShotError]:
        """Return the doubt, if there is one and it is not the last error: it is what the call ends with.

        It comes in a list and is not kept here: an error that is kept would keep itself, by its traceback.
        """
        doubts = [] if self.doubt is None or self.doubt is last else [self.doubt]
        self.doubt = None
        return doubts

    def _go(self, event: Event) -> None:
        following = TRANSITIONS[self.now].get(event)
        if following is None:
            raise NotSentError("The call was cancelled before its request was sent")
        if self.now is not State.SETTLED:  # by then it is final
            self.payment = PAYMENTS.get(event, self.payment)
        self.now = following
