"""The mutants: one wrong decision each, as somebody might make it in good faith."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

PACKAGE: Final = Path(__file__).parents[2] / "src" / "aurashot"


@dataclass(frozen=True, slots=True)
class Mutant:
    """A change of one place.

    Attributes:
        name: What is wrong with it.
        module: The file, from the package's folder.
        old: The text that is there, once.
        new: The text that takes its place.
    """

    name: str
    module: str
    old: str
    new: str

    def mutate(self, package: Path) -> None:
        """Make the change in a copy of the package.

        Raises:
            LookupError: The text is not there, or more than once: the mutant has to follow the code.
        """
        path = package / self.module
        code = path.read_text(encoding="utf-8")
        if code.count(self.old) != 1:
            raise LookupError(f"{self.name}: {self.module} has {code.count(self.old)} times {self.old!r}")
        path.write_text(code.replace(self.old, self.new), encoding="utf-8")


RETRY, PARSING, OPERATIONS = "_retry.py", "_response_parsing.py", "_operations.py"
STATE, FAULTS, EXCHANGE = "_transport/_call_state.py", "_transport/_error_mapping.py", "_transport/_exchange.py"
RECORD, DETACHED, DRIVER = "_transport/_record.py", "_transport/_detached.py", "_transport/_driver.py"
BLOCKING, ASYNC, HTTPX_CLIENT = "_transport/_sync.py", "_transport/_async.py", "_transport/_httpx_client.py"
SLOTS, NETWORK = "_engine/_slots.py", "_engine/_network.py"
RULES, SCHEMA, LEDGER = "ledger/_rules.py", "ledger/_schema.py", "ledger/_sqlite.py"

_RESENDING: Final = (
    Mutant("a lost answer is asked for again", RETRY, "Fault.UNKNOWN: Repeat.UNBILLED", "Fault.UNKNOWN: Repeat.ANY"),
    Mutant("billed or not makes no difference", RETRY, "return policy.retry_unknown or not billable", "return True"),
    Mutant("`retry_unknown` is not heard", RETRY, "return policy.retry_unknown or not billable", "return not billable"),
    Mutant("what was not sent is not sent again", RETRY, "Fault.NOT_SENT: Repeat.ANY", "Fault.NOT_SENT: Repeat.NONE"),
    Mutant("what was refused is not sent again", RETRY, "Fault.REJECTED: Repeat.ANY", "Fault.REJECTED: Repeat.NONE"),
    Mutant("what is final is sent again", RETRY, "Fault.TERMINAL: Repeat.NONE", "Fault.TERMINAL: Repeat.ANY"),
    Mutant(
        "a bad certificate is tried again",
        RETRY,
        "return Fault.TERMINAL if error.final else Fault.NOT_SENT",
        "return Fault.NOT_SENT",
    ),
    Mutant(
        "Retry-After is not heard",
        RETRY,
        "return backoff if asked is None else max(backoff, asked + draw() * min(asked / 4, 5.0))",
        "return backoff",
    ),
    Mutant("the retry budget has no bottom", RETRY, "self._tokens -= self.COST", "self._tokens -= 0"),
    Mutant(
        "one attempt too many",
        RETRY,
        "state.attempt_number >= self.policy.max_attempts",
        "state.attempt_number > self.policy.max_attempts",
    ),
    Mutant("waits know no deadline", RETRY, " or state.upcoming_sleep >= self.deadline.remaining", ""),
    Mutant(
        "a broken read counts as not sent",
        FAULTS,
        "    httpcore.PoolTimeout,\n",
        "    httpcore.PoolTimeout,\n    httpcore.ReadError,\n",
    ),
    Mutant(
        "a hung-up server counts as not sent",
        FAULTS,
        "    httpcore.PoolTimeout,\n",
        "    httpcore.PoolTimeout,\n    httpcore.RemoteProtocolError,\n",
    ),
    Mutant(
        "aiohttp's hung-up server counts as not sent",
        FAULTS,
        '{"ClientConnectorError", "ConnectionTimeoutError"}',
        '{"ClientConnectionError", "ConnectionTimeoutError"}',
    ),
    Mutant(
        "the time that ran out was never used",
        FAULTS,
        'error.outcome = "not_sent" if not_sent else "unknown"',
        'error.outcome = "not_sent"',
    ),
)
"""What an error means for the same request."""

_ANSWERS: Final = (
    Mutant(
        "a server's error is a refusal",
        PARSING,
        '"rejected" if status < 500 else "unknown"',
        '"rejected"',
    ),
    Mutant("every 503 is a refusal", PARSING, "if status == 503 and wait is not None:", "if status == 503:"),
    Mutant("303 is a refusal", PARSING, '        303: "unknown",', '        303: "rejected",'),
    Mutant("408 is a refusal", PARSING, '        408: "unknown",', '        408: "rejected",'),
    Mutant(
        "a broken answer is a refusal",
        PARSING,
        'STATUS_OUTCOMES.get(answer.status, "unknown")',
        'STATUS_OUTCOMES.get(answer.status, "rejected")',
    ),
    Mutant("success without a picture is fine", PARSING, "if result.succeeded and not result.outputs:", "if False:"),
    Mutant(
        "no credit left is too many requests",
        PARSING,
        "        402: QuotaExceededError,",
        "        402: RateLimitError,",
    ),
)
"""What an answer means for the bill."""

_STATES: Final = (
    Mutant("nothing ever goes out", STATE, "return self.now in {State.SENT, State.ABANDONED}", "return False"),
    Mutant("a request that is out counts as not paid", STATE, 'Event.SEND: "unknown"', 'Event.SEND: "not_paid"'),
    Mutant("a lost answer counts as not paid", STATE, 'Event.DOUBT: "unknown"', 'Event.DOUBT: "not_paid"'),
    Mutant("a refusal counts as in doubt", STATE, 'Event.REFUSE: "not_paid"', 'Event.REFUSE: "unknown"'),
    Mutant("what is not out yet counts as in doubt", STATE, 'Event.BEGIN: "not_paid"', 'Event.BEGIN: "unknown"'),
    Mutant(
        "an attempt in doubt is forgotten",
        STATE,
        "doubts = [] if self.doubt is None or self.doubt is last else [self.doubt]",
        "doubts = []",
    ),
    Mutant(
        "a later refusal settles an earlier doubt",
        STATE,
        "            self._go(Event.REFUSE)",
        """\
            self.doubt = None
            self._go(Event.REFUSE)""",
    ),
    Mutant(
        "a refused call that nobody waits for is sent again",
        STATE,
        "            Event.ANSWER: State.SETTLED,\n            Event.REFUSE: State.SETTLED,\n",
        "            Event.ANSWER: State.SETTLED,\n            Event.REFUSE: State.READY,\n",
    ),
    Mutant(
        "an abandoned call may begin again",
        STATE,
        "            Event.SEND: State.ABANDONED,  # the rest",
        "            Event.BEGIN: State.ABANDONED,\n            Event.SEND: State.ABANDONED,  # the rest",
    ),
    Mutant(
        "a call that was cancelled before it was sent goes out",
        STATE,
        "        State.SETTLED: {\n",
        "        State.SETTLED: {\n            Event.SEND: State.SENT,\n",
    ),
    Mutant(
        "a call in doubt may not be tried again, even if the user allows it",
        STATE,
        "        State.IN_DOUBT: {\n            Event.BEGIN: State.READY,\n",
        "        State.IN_DOUBT: {\n",
    ),
    Mutant(
        "each attempt has a key of its own",
        EXCHANGE,
        "return self._requests.open(self.call.path, self._content, self.key)",
        'return self._requests.open(self.call.path, self._content, self.key and str(__import__("uuid").uuid4()))',
    ),
)
"""What the state of a call means for the bill."""

_SENDING: Final = (
    Mutant(
        "blocking: nobody hears that bytes leave",
        NETWORK,
        "            self._clock.outgoing.before_send()\n            self._inner.write(",
        "            self._inner.write(",
    ),
    Mutant(
        "async: nobody hears that bytes leave",
        NETWORK,
        "            self._clock.outgoing.before_send()\n            await self._inner.write(",
        "            await self._inner.write(",
    ),
    Mutant(
        "blocking: bytes leave before anybody hears of it",
        NETWORK,
        """\
            self._clock.outgoing.before_send()
            self._inner.write(cast("bytes", data), left)
""",
        """\
            self._inner.write(cast("bytes", data), left)
            self._clock.outgoing.before_send()
""",
    ),
    Mutant(
        "async: bytes leave before anybody hears of it",
        NETWORK,
        """\
            self._clock.outgoing.before_send()
            await self._inner.write(cast("bytes", data), left)
""",
        """\
            await self._inner.write(cast("bytes", data), left)
            self._clock.outgoing.before_send()
""",
    ),
    Mutant(
        "a given client: nobody hears that bytes leave",
        HTTPX_CLIENT,
        "            outgoing.before_send()\n            return",
        "            return",
    ),
    Mutant(
        "a given async client: nobody hears that bytes leave",
        HTTPX_CLIENT,
        "            outgoing.before_send()\n            response",
        "            response",
    ),
    Mutant(
        "what goes out can be read in a traceback",
        NETWORK,
        "return memoryview(held + data)",
        "return held + data",
    ),
    Mutant(
        "a connection with bytes left is used again",
        SLOTS,
        "return protocol is None or bool(protocol.trailing_data[0])",
        "return False",
    ),
)
"""How a request goes out."""

_RECORDS: Final = (
    Mutant(
        "what is in doubt is not recorded before it is sent again",
        RECORD,
        'if exchange.state.payment == "unknown" and exchange.state.doubt is not None:',
        "if False:",
    ),
    Mutant(
        "a reservation that is interrupted stays in doubt",
        RECORD,
        "patience, self._keep)]\n",
        "patience, forget)]\n        self._keep(answer[0])\n",
    ),
    Mutant("a key that was paid meanwhile is sent", RECORD, 'if entry.payment == "paid":', "if False:"),
    Mutant(
        "a local picture is known by where it was uploaded",
        RECORD,
        'cast("BilledRequest", call.asked)',
        'cast("BilledRequest", call.request)',
    ),
    Mutant("all requests have one digest", RECORD, 'f"{name}\\n{body}".encode()', "name.encode()"),
    Mutant(
        "the ledger is not asked before the uploads",
        DRIVER,
        "if ledger is None or labels.idempotency_key is None or not labels.pay_once:",
        "if True:",
    ),
    Mutant("the key of a stored result is used again", DRIVER, "        operation.keys.take()\n", ""),
    Mutant(
        "a stored result is not on later errors",
        DRIVER,
        '        operation.deliver(cast("Any", result))\n',
        "",
    ),
    Mutant(
        "a cancelled call is dropped although it is out",
        DETACHED,
        "        if not was_sent and",
        "        if was_sent is not None and",
    ),
    Mutant(
        "a cancelled call goes on although it is not out",
        DETACHED,
        "        if not was_sent and",
        "        if was_sent is None and",
    ),
    Mutant("closing does not wait for what is out", ASYNC, "await self.runtime.detached_calls.wait()", "pass"),
)
"""What is written down, and what becomes of a call that nobody waits for."""

_KEYS: Final = (
    Mutant(
        "all billed requests of an operation have one key",
        OPERATIONS,
        'return f"{_short(self._stem)}.{self._taken + 1}" if self._taken else self._first',
        "return self._first",
    ),
    Mutant(
        "what was delivered before an error is not on it",
        OPERATIONS,
        "        if self.delivered:\n",
        "        if False:\n",
    ),
    Mutant(
        "async: an error ends the flows beside it, which may be paid for",
        ASYNC,
        "                    results[index] = error\n",
        "                    results[index] = error\n                    group.cancel_scope.cancel()\n",
    ),
    Mutant(
        "blocking: an error ends the flows after it",
        BLOCKING,
        "                results.append(error)\n",
        "                results.append(error)\n                break\n",
    ),
    Mutant("a paid key is sent again", RULES, "        return paid[-1]\n", "        return None\n"),
    Mutant("a key in doubt is sent again", RULES, "    if same:\n", "    if False:\n"),
    Mutant(
        "a stored result answers another request",
        RULES,
        "return intent.request_digest == entry.request_digest",
        "return True",
    ),
    Mutant("a refused key is never sent again", RULES, 'and entry.payment != "not_paid"', "and True"),
    Mutant("a call is stopped by its own earlier request", RULES, "entry.operation_id != intent.operation_id", "True"),
    Mutant(
        "what is under way leaves room under the cap",
        SCHEMA,
        "WHERE {row}.outcome != 'not_paid'",
        "WHERE {row}.outcome = 'paid'",
    ),
    Mutant(
        "a reservation whose thread is interrupted stays in doubt",
        LEDGER,
        "if job.is_done and job.problem is None and made:",
        "if False:",
    ),
)
"""One key pays once, and a cap is a cap."""

MUTANTS: Final = (*_RESENDING, *_ANSWERS, *_STATES, *_SENDING, *_RECORDS, *_KEYS)
