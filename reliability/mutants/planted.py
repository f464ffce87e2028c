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


RETRY, ANSWERS = "_retry.py", "_answers.py"
FAULTS, EXCHANGE = "_transport/_faults.py", "_transport/_exchange.py"
RECORD, DRAINS = "_transport/_record.py", "_transport/_drains.py"
ENGINE, NETWORK, LEDGER = "_engine/_slots.py", "_engine/_network.py", "ledger/_sqlite.py"

MUTANTS: Final = (
    Mutant("a lost answer is asked for again", RETRY, "Fault.UNKNOWN: Repeat.UNBILLED", "Fault.UNKNOWN: Repeat.ANY"),
    Mutant("billed or not makes no difference", RETRY, "return policy.retry_unknown or not billed", "return True"),
    Mutant("`retry_unknown` is not heard", RETRY, "return policy.retry_unknown or not billed", "return not billed"),
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
    Mutant("nothing ever goes out", EXCHANGE, "        self.is_out = True\n", "        self.is_out = False\n"),
    Mutant("an attempt in doubt is forgotten", EXCHANGE, "error = doubt or last", "error = last"),
    Mutant(
        "each attempt has a key of its own",
        EXCHANGE,
        "return self._requests.open(self.call, self.key)",
        "return self._requests.open(self.call, self.key and str(uuid4()))",
    ),
    Mutant(
        "a server's error is a refusal",
        ANSWERS,
        '"rejected" if status < 500 else "unknown"',
        '"rejected"',
    ),
    Mutant("every 503 is a refusal", ANSWERS, "if status == 503 and wait is not None:", "if status == 503:"),
    Mutant("303 is a refusal", ANSWERS, '        303: "unknown",', '        303: "rejected",'),
    Mutant("408 is a refusal", ANSWERS, '        408: "unknown",', '        408: "rejected",'),
    Mutant(
        "a broken answer is a refusal",
        ANSWERS,
        'STATUS_OUTCOMES.get(answer.status, "unknown")',
        'STATUS_OUTCOMES.get(answer.status, "rejected")',
    ),
    Mutant("success without a picture is fine", ANSWERS, "if result.succeeded and not result.outputs:", "if False:"),
    Mutant(
        "no credit left is too many requests",
        ANSWERS,
        "        402: QuotaExceededError,",
        "        402: RateLimitError,",
    ),
    Mutant(
        "a connection with bytes left is used again",
        ENGINE,
        "return protocol is None or bool(protocol.trailing_data[0])",
        "return False",
    ),
    Mutant("what goes out can be read in a traceback", NETWORK, "return memoryview(held)", "return held"),
    Mutant(
        "what is in doubt is written down as not paid",
        RECORD,
        '"unknown" if is_out or self._doubt is not None else "not_paid"',
        '"not_paid"',
    ),
    Mutant(
        "a cancelled call is dropped although it is out",
        DRAINS,
        "        if not self._exchange.is_out:\n",
        "        if self._exchange.is_out is not None:\n",
    ),
    Mutant(
        "what is in doubt leaves room under the cap",
        LEDGER,
        "WHERE outcome != 'not_paid' AND started_at >= ?",
        "WHERE outcome = 'paid' AND started_at >= ?",
    ),
)
