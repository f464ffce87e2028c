"""The mutants: each makes one plausible wrong decision."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lab.mutants.changes import adds, after, becomes, before, decides, entry, late, replaces_text, returns, without

if TYPE_CHECKING:
    from lab.mutants.changes import Change

PACKAGE: Final = Path(__file__).parents[2] / "src" / "aurashot"


@dataclass(frozen=True, slots=True)
class Mutant:
    """A copy of the package with one wrong decision.

    Attributes:
        name: The defect.
        where: The changed code: a module, a colon, and the name of a function, method or constant.
        changes: The changes; each must apply once.
    """

    name: str
    where: str
    changes: tuple[Change, ...]

    @property
    def module(self) -> str:
        """The path of the module, relative to the package."""
        return self.where.partition(":")[0].replace(".", "/") + ".py"

    def mutate(self, package: Path) -> None:
        """Apply the changes to a copy of the package.

        Raises:
            LookupError: A change does not apply exactly once; update the mutant.
        """
        path = package / self.module
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found = _named(tree, self.where.partition(":")[2].split("."))
        counts = [0 if found is None else change(found) for change in self.changes]
        if set(counts) != {1}:
            raise LookupError(f"{self.name}: {self.where} is changed {counts} times, not once")
        path.write_text(ast.unparse(ast.fix_missing_locations(tree)), encoding="utf-8")


def _named(tree: ast.AST, names: list[str]) -> ast.AST | None:
    """Return the function, class or constant with a qualified name."""
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
    _mutant("a lost response is retried", "_retry:DECISIONS", entry("Fault.UNKNOWN", "Repeat.ANY")),
    _mutant("billable requests are retried like others", "_retry:may_repeat", decides("billable", True)),
    _mutant("`retry_unknown` is ignored", "_retry:may_repeat", decides("policy.retry_unknown", False)),
    _mutant("a request that was not sent is not retried", "_retry:DECISIONS", entry("Fault.NOT_SENT", "Repeat.NONE")),
    _mutant("a rejected request is not retried", "_retry:DECISIONS", entry("Fault.REJECTED", "Repeat.NONE")),
    _mutant("a final error is retried", "_retry:DECISIONS", entry("Fault.TERMINAL", "Repeat.ANY")),
    _mutant("a certificate error is retried", "_retry:fault_of", decides("error.final", False)),
    _mutant("Retry-After is ignored", "_retry:wait_before", decides("asked is None", True)),
    _mutant("the retry budget is unlimited", "_retry:RetryBudget.take", without("self._tokens")),
    _mutant(
        "one attempt too many", "_retry:Retries._stop", becomes("state.attempt_number", "state.attempt_number - 1")
    ),
    _mutant("retry delays ignore the deadline", "_retry:Retries._stop", decides("self.deadline.remaining", False)),
    _mutant("a read error counts as not sent", "_transport._error_mapping:_NOT_SENT", adds("httpcore.ReadError")),
    _mutant(
        "a closed connection counts as not sent",
        "_transport._error_mapping:_NOT_SENT",
        adds("httpcore.RemoteProtocolError"),
    ),
    _mutant(
        "aiohttp: a closed connection counts as not sent",
        "_transport._error_mapping:_AIOHTTP_NOT_SENT",
        becomes("'ClientConnectorError'", "'ClientConnectionError'"),
    ),
    _mutant(
        "an exceeded deadline counts as not sent",
        "_transport._error_mapping:translate",
        becomes("'unknown'", "'not_sent'"),
    ),
)
"""Whether a request is retried after an error."""

_RESPONSES: Final = (
    _mutant("5xx counts as rejected", "_response_parsing:_outcome", decides("status < 500", True)),
    _mutant("every 503 counts as rejected", "_response_parsing:_outcome", decides("wait is not None", True)),
    _mutant("303 counts as rejected", "_response_parsing:STATUS_OUTCOMES", entry("303", "'rejected'")),
    _mutant("408 counts as rejected", "_response_parsing:STATUS_OUTCOMES", entry("408", "'rejected'")),
    _mutant(
        "an invalid response counts as rejected", "_response_parsing:_unexpected", becomes("'unknown'", "'rejected'")
    ),
    _mutant(
        "success without an image is accepted as a result",
        "_response_parsing:_reject_failure",
        decides("result.outputs", False),
    ),
    _mutant("402 raises RateLimitError", "_response_parsing:STATUS_ERRORS", entry("402", "RateLimitError")),
)
"""The outcome of a response."""

_STATE: Final = "_transport._call_state:"
_STATES: Final = (
    _mutant("a call never counts as sent", _STATE + "CallState.is_sent", returns("False")),
    _mutant("a request that was sent counts as not paid", _STATE + "PAYMENTS", entry("Event.SEND", "'not_paid'")),
    _mutant("a lost response counts as not paid", _STATE + "PAYMENTS", entry("Event.DOUBT", "'not_paid'")),
    _mutant("a rejected request counts as unknown", _STATE + "PAYMENTS", entry("Event.REFUSE", "'unknown'")),
    _mutant(
        "a request that was not sent yet counts as unknown", _STATE + "PAYMENTS", entry("Event.BEGIN", "'unknown'")
    ),
    _mutant("an attempt with an unknown outcome is not kept", _STATE + "CallState.end", becomes("[self.doubt]", "[]")),
    _mutant(
        "a later rejection replaces an earlier unknown outcome",
        _STATE + "CallState.fail",
        before("self._go(Event.REFUSE)", "self.doubt = None"),
    ),
    _mutant(
        "a rejected detached call is retried",
        _STATE + "TRANSITIONS",
        entry("Event.REFUSE", "State.READY", of="State.ABANDONED"),
    ),
    _mutant(
        "a detached call may start another attempt",
        _STATE + "TRANSITIONS",
        entry("Event.BEGIN", "State.ABANDONED", of="State.ABANDONED"),
    ),
    _mutant(
        "a call that was cancelled before sending is sent",
        _STATE + "TRANSITIONS",
        entry("Event.SEND", "State.SENT", of="State.SETTLED"),
    ),
    _mutant(
        "an unknown outcome is not retried even with `retry_unknown`",
        _STATE + "TRANSITIONS",
        entry("Event.BEGIN", None, of="State.IN_DOUBT"),
    ),
    _mutant(
        "each attempt has a different key",
        "_transport._exchange:Exchange.request",
        becomes("self.key", "self.key and str(__import__('uuid').uuid4())"),
    ),
)
"""The payment in each state of a call."""

_SEND: Final = "self._clock.before_send(self._tls_layers)"
_SENDING: Final = (
    _mutant("sync: sending is not recorded", "_engine._network:_Stream._send", without(_SEND)),
    _mutant("async: sending is not recorded", "_engine._network:_AsyncStream._send", without(_SEND)),
    _mutant("sync: sending is recorded after the bytes are sent", "_engine._network:_Stream._send", late(_SEND)),
    _mutant("async: sending is recorded after the bytes are sent", "_engine._network:_AsyncStream._send", late(_SEND)),
    _mutant(
        "`http_client=`: sending is not recorded",
        "_transport._httpx_client:_Watch._note",
        without("self._outgoing.before_send()"),
    ),
    _mutant(
        "`http_client=`, other transports: sending is not recorded",
        "_transport._httpx_client:_Watch._send",
        without("self._outgoing.before_send()"),
    ),
    _mutant(
        "tracebacks contain the request",
        "_transport._stages:Stages._attempt",
        without("hide_locals(stop)"),
    ),
    _mutant("a connection with unread bytes is reused", "_engine._slots:has_trailing_data", returns("False")),
)
"""How a request is sent."""

_RECORDS: Final = (
    _mutant(
        "an unknown outcome is not recorded before the retry",
        "_transport._record:Record.begin",
        decides("exchange.state.doubt", False),
    ),
    _mutant(
        "an interrupted reservation stays unknown",
        "_transport._record:Record._reserve",
        becomes("self._keep", "forget"),
        after("Reserve(self._intent)", "self._keep(answer[0])"),
    ),
    _mutant(
        "a key that was paid in the meantime is sent",
        "_transport._record:Record.begin",
        decides("entry.payment == 'paid'", False),
    ),
    _mutant(
        "a local image is identified by its upload URL",
        "_transport._record:intent",
        becomes("call.asked", "call.request"),
    ),
    _mutant(
        "all requests have the same digest",
        "_transport._record:digest",
        returns("hashlib.sha256(name.encode()).hexdigest()"),
    ),
    _mutant(
        "the ledger is not read before the uploads",
        "_transport._driver:Driver._recall",
        decides("ledger is None", True),
    ),
    _mutant(
        "the key of a stored result is used for the next request",
        "_transport._driver:Driver._recall",
        without("operation.keys.take()"),
    ),
    _mutant(
        "later errors do not contain a stored result", "_transport._driver:Driver._recall", without("operation.deliver")
    ),
    _mutant(
        "a cancelled call is dropped after it was sent",
        "_transport._detached:DetachedCall._abandon",
        decides("was_sent", True),
    ),
    _mutant(
        "a cancelled call continues before it was sent",
        "_transport._detached:DetachedCall._abandon",
        decides("was_sent", False),
    ),
    _mutant(
        "closing does not wait for detached calls",
        "_transport._async:AsyncConnections.aclose",
        without("self.runtime.detached_calls.wait(grace)"),
    ),
)
"""Ledger entries and detached calls."""

_KEYS: Final = (
    _mutant(
        "all billable requests of an operation have the same key", "_operations:Keys.upcoming", returns("self._first")
    ),
    _mutant(
        "errors do not contain earlier results of the operation",
        "_operations:Operation.describe",
        decides("self.delivered", False),
    ),
    _mutant(
        "async: an error cancels concurrent flows",
        "_transport._async_runtime:AsyncRuntime.gather.do",
        after("error", "group.cancel_scope.cancel()"),
    ),
    _mutant(
        "sync: an error skips the following flows",
        "_transport._sync_runtime:BlockingRuntime.gather",
        after("results.append(error)", "break"),
    ),
    _mutant("a paid key is sent again", "ledger._rules:check_key", becomes("paid[-1]", "None")),
    _mutant("an unknown key is sent again", "ledger._rules:check_key", without("_unresolved(same)")),
    _mutant(
        "a stored result is returned for another request",
        "ledger._rules:is_same_request",
        becomes("intent.request_digest == entry.request_digest", "True"),
    ),
    _mutant("a rejected key is never sent again", "ledger._rules:of_others", decides("entry.payment", True)),
    _mutant(
        "a call is blocked by its own earlier request",
        "ledger._rules:of_others",
        decides("entry.operation_id", True),
    ),
    _mutant(
        "calls in flight do not count towards the cap",
        "ledger._schema:_changed",
        replaces_text("outcome NOT IN (", "outcome NOT IN ('unknown', "),
    ),
    _mutant(
        "a reservation in an interrupted thread stays unknown",
        "ledger._sqlite:SQLiteLedger._give_up",
        decides("made", False),
    ),
)
"""Idempotency keys and spend caps."""

MUTANTS: Final = (*_RESENDING, *_RESPONSES, *_STATES, *_SENDING, *_RECORDS, *_KEYS)
