"""The mutants: one wrong decision each, as somebody might make it in good faith."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lab.mutants.changes import adds, after, becomes, before, decides, entry, late, returns, says, without

if TYPE_CHECKING:
    from lab.mutants.changes import Change

PACKAGE: Final = Path(__file__).parents[2] / "src" / "aurashot"


@dataclass(frozen=True, slots=True)
class Mutant:
    """A wrong decision.

    Attributes:
        name: What is wrong.
        where: What is changed: a module, a colon, and the name of a function, method or constant in it.
        changes: How; each has to apply once.
    """

    name: str
    where: str
    changes: tuple[Change, ...]

    @property
    def module(self) -> str:
        """The file of the module, from the package's folder."""
        return self.where.partition(":")[0].replace(".", "/") + ".py"

    def mutate(self, package: Path) -> None:
        """Make the change in a copy of the package.

        Raises:
            LookupError: It does not apply exactly once: the mutant has to follow the code.
        """
        path = package / self.module
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found = _named(tree, self.where.partition(":")[2].split("."))
        counts = [0 if found is None else change(found) for change in self.changes]
        if set(counts) != {1}:
            raise LookupError(f"{self.name}: {self.where} is changed {counts} times, not once")
        path.write_text(ast.unparse(ast.fix_missing_locations(tree)), encoding="utf-8")


def _named(tree: ast.AST, names: list[str]) -> ast.AST | None:
    """Return the function, class or constant of a name, looked for from the outside to the inside."""
    if not names:
        return tree
    for node in ast.walk(tree):
        target = getattr(node, "target", None) or (getattr(node, "targets", None) or [None])[0]
        if names[0] in {getattr(node, "name", None), getattr(target, "id", None)}:
            return _named(node, names[1:])
    return None


def _mutant(name: str, where: str, *changes: Change) -> Mutant:
    return Mutant(name, where, changes)


_RESENDING: Final = (
    _mutant("a lost response is asked for again", "_retry:DECISIONS", entry("Fault.UNKNOWN", "Repeat.ANY")),
    _mutant("billable or not makes no difference", "_retry:may_repeat", decides("billable", True)),
    _mutant("`retry_unknown` is ignored", "_retry:may_repeat", decides("policy.retry_unknown", False)),
    _mutant("what was not sent is not sent again", "_retry:DECISIONS", entry("Fault.NOT_SENT", "Repeat.NONE")),
    _mutant("what was refused is not sent again", "_retry:DECISIONS", entry("Fault.REJECTED", "Repeat.NONE")),
    _mutant("what is final is sent again", "_retry:DECISIONS", entry("Fault.TERMINAL", "Repeat.ANY")),
    _mutant("a bad certificate is tried again", "_retry:fault_of", decides("error.final", False)),
    _mutant("Retry-After is ignored", "_retry:wait_before", decides("asked is None", True)),
    _mutant("the retry budget has no bottom", "_retry:RetryBudget.take", without("self._tokens")),
    _mutant(
        "one attempt too many", "_retry:Retries._stop", becomes("state.attempt_number", "state.attempt_number - 1")
    ),
    _mutant("waits know no deadline", "_retry:Retries._stop", decides("self.deadline.remaining", False)),
    _mutant("a broken read counts as not sent", "_transport._error_mapping:_NOT_SENT", adds("httpcore.ReadError")),
    _mutant(
        "a hung-up server counts as not sent",
        "_transport._error_mapping:_NOT_SENT",
        adds("httpcore.RemoteProtocolError"),
    ),
    _mutant(
        "aiohttp's hung-up server counts as not sent",
        "_transport._error_mapping:_AIOHTTP_NOT_SENT",
        becomes("'ClientConnectorError'", "'ClientConnectionError'"),
    ),
    _mutant(
        "a deadline that passed counts as not sent",
        "_transport._error_mapping:translate",
        becomes("'unknown'", "'not_sent'"),
    ),
)
"""What an error means for the same request."""

_RESPONSES: Final = (
    _mutant("a server's error is a refusal", "_response_parsing:_outcome", decides("status < 500", True)),
    _mutant("every 503 is a refusal", "_response_parsing:_outcome", decides("wait is not None", True)),
    _mutant("303 is a refusal", "_response_parsing:STATUS_OUTCOMES", entry("303", "'rejected'")),
    _mutant("408 is a refusal", "_response_parsing:STATUS_OUTCOMES", entry("408", "'rejected'")),
    _mutant("a broken response is a refusal", "_response_parsing:_unexpected", becomes("'unknown'", "'rejected'")),
    _mutant("success without an image is fine", "_response_parsing:_reject_failure", decides("result.outputs", False)),
    _mutant("no credit left is too many requests", "_response_parsing:STATUS_ERRORS", entry("402", "RateLimitError")),
)
"""What a response means for the bill."""

_STATE: Final = "_transport._call_state:"
_STATES: Final = (
    _mutant("nothing is ever sent", _STATE + "CallState.is_sent", returns("False")),
    _mutant("a request that was sent counts as not paid", _STATE + "PAYMENTS", entry("Event.SEND", "'not_paid'")),
    _mutant("a lost response counts as not paid", _STATE + "PAYMENTS", entry("Event.DOUBT", "'not_paid'")),
    _mutant("a refusal counts as in doubt", _STATE + "PAYMENTS", entry("Event.REFUSE", "'unknown'")),
    _mutant("what was not sent yet counts as in doubt", _STATE + "PAYMENTS", entry("Event.BEGIN", "'unknown'")),
    _mutant("an attempt in doubt is forgotten", _STATE + "CallState.end", becomes("[self.doubt]", "[]")),
    _mutant(
        "a later refusal settles an earlier doubt",
        _STATE + "CallState.fail",
        before("self._go(Event.REFUSE)", "self.doubt = None"),
    ),
    _mutant(
        "a refused call that nobody waits for is sent again",
        _STATE + "TRANSITIONS",
        entry("Event.REFUSE", "State.READY", of="State.ABANDONED"),
    ),
    _mutant(
        "an abandoned call may begin again",
        _STATE + "TRANSITIONS",
        entry("Event.BEGIN", "State.ABANDONED", of="State.ABANDONED"),
    ),
    _mutant(
        "a call that was cancelled before it was sent is sent",
        _STATE + "TRANSITIONS",
        entry("Event.SEND", "State.SENT", of="State.SETTLED"),
    ),
    _mutant(
        "a call in doubt may not be tried again, even if the user allows it",
        _STATE + "TRANSITIONS",
        entry("Event.BEGIN", None, of="State.IN_DOUBT"),
    ),
    _mutant(
        "each attempt has a key of its own",
        "_transport._exchange:Exchange.request",
        becomes("self.key", "self.key and str(__import__('uuid').uuid4())"),
    ),
)
"""What the state of a call means for the bill."""

_SEND: Final = "self._clock.outgoing.before_send()"
_SENDING: Final = (
    _mutant("sync: sending is not noted", "_engine._network:_Stream._send", without(_SEND)),
    _mutant("async: sending is not noted", "_engine._network:_AsyncStream._send", without(_SEND)),
    _mutant("sync: bytes are sent before that is noted", "_engine._network:_Stream._send", late(_SEND)),
    _mutant("async: bytes are sent before that is noted", "_engine._network:_AsyncStream._send", late(_SEND)),
    _mutant(
        "a given client: sending is not noted",
        "_transport._httpx_client:HttpxClient.send",
        without("outgoing.before_send()"),
    ),
    _mutant(
        "a given async client: sending is not noted",
        "_transport._httpx_client:AsyncHttpxClient.send",
        without("outgoing.before_send()"),
    ),
    _mutant(
        "what is sent can be read in a traceback",
        "_engine._network:_Head.joined",
        becomes("memoryview(held + data)", "held + data"),
    ),
    _mutant("a connection with bytes left is used again", "_engine._slots:has_trailing_data", returns("False")),
)
"""How a request is sent."""

_RECORDS: Final = (
    _mutant(
        "what is in doubt is not recorded before it is sent again",
        "_transport._record:Record.begin",
        decides("exchange.state.doubt", False),
    ),
    _mutant(
        "a reservation that is interrupted stays in doubt",
        "_transport._record:Record._reserve",
        becomes("self._keep", "forget"),
        after("Reserve(self._intent)", "self._keep(answer[0])"),
    ),
    _mutant(
        "a key that was paid meanwhile is sent",
        "_transport._record:Record.begin",
        decides("entry.payment == 'paid'", False),
    ),
    _mutant(
        "a local image is known by where it was uploaded",
        "_transport._record:intent",
        becomes("call.asked", "call.request"),
    ),
    _mutant(
        "all requests have one digest",
        "_transport._record:digest",
        returns("hashlib.sha256(name.encode()).hexdigest()"),
    ),
    _mutant(
        "the ledger is not asked before the uploads",
        "_transport._driver:Driver._recall",
        decides("ledger is None", True),
    ),
    _mutant(
        "the key of a stored result is used again",
        "_transport._driver:Driver._recall",
        without("operation.keys.take()"),
    ),
    _mutant(
        "a stored result is not on later errors", "_transport._driver:Driver._recall", without("operation.deliver")
    ),
    _mutant(
        "a cancelled call is dropped although it was sent",
        "_transport._detached:DetachedCall._abandon",
        decides("was_sent", True),
    ),
    _mutant(
        "a cancelled call goes on although it was not sent",
        "_transport._detached:DetachedCall._abandon",
        decides("was_sent", False),
    ),
    _mutant(
        "closing does not wait for detached calls",
        "_transport._async:AsyncConnections.aclose",
        without("self.runtime.detached_calls.wait()"),
    ),
)
"""What is written down, and what is done about a call that nobody waits for."""

_KEYS: Final = (
    _mutant("all billed requests of an operation have one key", "_operations:Keys.upcoming", returns("self._first")),
    _mutant(
        "what was delivered before an error is not on it",
        "_operations:Operation.describe",
        decides("self.delivered", False),
    ),
    _mutant(
        "async: an error ends the flows beside it, which may be paid for",
        "_transport._async:AsyncRuntime.gather.do",
        after("error", "group.cancel_scope.cancel()"),
    ),
    _mutant(
        "sync: an error ends the flows after it",
        "_transport._sync:BlockingRuntime.gather",
        after("results.append(error)", "break"),
    ),
    _mutant("a paid key is sent again", "ledger._rules:check_key", becomes("paid[-1]", "None")),
    _mutant("a key in doubt is sent again", "ledger._rules:check_key", without("_unresolved(same)")),
    _mutant(
        "a stored result answers another request",
        "ledger._rules:is_same_request",
        becomes("intent.request_digest == entry.request_digest", "True"),
    ),
    _mutant("a refused key is never sent again", "ledger._rules:of_others", decides("entry.payment", True)),
    _mutant(
        "a call is stopped by its own earlier request",
        "ledger._rules:of_others",
        decides("entry.operation_id", True),
    ),
    _mutant(
        "what is under way leaves room under the cap",
        "ledger._schema:_changed",
        says("outcome != 'not_paid'", "outcome = 'paid'"),
    ),
    _mutant(
        "a reservation whose thread is interrupted stays in doubt",
        "ledger._sqlite:SQLiteLedger._give_up",
        decides("made", False),
    ),
)
"""One key pays once, and a cap is a cap."""

MUTANTS: Final = (*_RESENDING, *_RESPONSES, *_STATES, *_SENDING, *_RECORDS, *_KEYS)
