"""One call on its way: everything about it that does not wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic
from uuid import uuid4

import httpcore

from aurashot import instrumentation
from aurashot._answers import MAX_ANSWER_BYTES, Answer, read, too_large
from aurashot._calls import M
from aurashot._retry import Retries, RetryBudget, RetryPolicy
from aurashot._transport._faults import translate
from aurashot.errors import NotSentError
from aurashot.models import CallMeta

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from aurashot._calls import Call
    from aurashot._deadline import Deadline
    from aurashot._transport._record import Record
    from aurashot._transport._requests import Requests
    from aurashot.errors import AuraShotError
    from aurashot.instrumentation import Teller
    from aurashot.ledger import Ledger

_SECRET_HEADERS: Final = {"authorization", "cookie", "location", "proxy-authorization", "set-cookie", "x-api-key"}


class Body:
    """The body of an answer as it comes in, within the cap and the deadline."""

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline
        self._chunks: list[bytes] = []
        self._size = 0

    def add(self, chunk: bytes) -> None:
        """Take one piece.

        Raises:
            httpcore.ReadTimeout: The call's time is over, although bytes still trickle in.
            UnexpectedResponseError: The answer is larger than any of this API's.
        """
        self._chunks.append(chunk)
        self._size += len(chunk)
        if self._deadline.passed:
            raise httpcore.ReadTimeout("the answer did not end in time")
        if self._size > MAX_ANSWER_BYTES:
            raise too_large(self._size)

    def answer(self, status: int, headers: dict[str, str]) -> Answer:
        """Return the whole answer."""
        return Answer(status, headers, b"".join(self._chunks))


class Exchange(Generic[M]):
    """One call with its key, its attempts and its time."""

    def __init__(
        self, call: Call[M], deadline: Deadline, teller: Teller, requests: Requests, ledger: Ledger | None = None
    ) -> None:
        self.call: Call[M] = call
        self.deadline: Deadline = deadline
        self.key: str | None = call.labels.idempotency_key or (str(uuid4()) if call.billed else None)
        self.attempts: int = 0
        self.is_out: bool = False
        """Whether a request is out whose answer is not known."""
        self.is_abandoned: bool = False
        """Whether the one who asked has gone."""
        self.record: Record | None = None
        if ledger is not None and call.billed:
            from aurashot._transport._record import Record

            self.record = Record(ledger, call, self.key or "", deadline)
        self._doubt: AuraShotError | None = None
        self._began = deadline.elapsed
        self._teller = teller
        self._requests = requests
        if teller.listening:
            teller.tell(
                instrumentation.CallStarted(operation=call.operation, billed=call.billed, idempotency_key=self.key)
            )

    def retries(self, policy: RetryPolicy, budget: RetryBudget) -> Retries:
        """Return the rules for sending this call again."""
        return Retries(
            policy=policy,
            budget=budget,
            deadline=self.deadline,
            billed=self.call.billed,
            before_wait=self._before_wait,
        )

    def request(self) -> AbstractContextManager[httpcore.Request]:
        """Give the request of an attempt."""
        return self._requests.open(self.call, self.key)

    def settle(self, answer: Answer) -> M:
        """Return the answer as the model that was asked for, or raise what it says."""
        result = read(answer, self.call.answer)
        elapsed = self.deadline.elapsed - self._began
        headers = tuple(item for item in answer.headers.items() if item[0] not in _SECRET_HEADERS)
        meta = CallMeta(
            attempts=self.attempts,
            elapsed=elapsed,
            idempotency_key=self.key,
            status_code=answer.status,
            headers=headers,
        )
        if self._teller.listening:
            self._teller.tell(
                instrumentation.CallSucceeded(
                    operation=self.call.operation,
                    billed=self.call.billed,
                    idempotency_key=self.key,
                    attempts=self.attempts,
                    elapsed=elapsed,
                )
            )
        return result.obtained(meta)

    def before_send(self) -> None:
        """Note that the request is about to go out.

        Raises:
            NotSentError: Nobody waits for the answer any more.
        """
        if self.is_abandoned:
            raise NotSentError("the call was cancelled before its request was sent")
        self.is_out = True

    def lost(self, problem: Exception) -> AuraShotError:
        """Return what a transport's error means for this call."""
        return self.blame(translate(problem, self.deadline, is_out=self.is_out))

    def blame(self, error: AuraShotError) -> AuraShotError:
        """Write onto an error which call it ended and what it may have cost."""
        error.billed = self.call.billed
        error.idempotency_key = self.key
        error.attempts = self.attempts
        self.is_out = False
        if error.may_be_charged:
            self._doubt = error
        if self.record is not None:
            self.record.attempted(error)
        return error

    def give_up(self, last: AuraShotError) -> AuraShotError | None:
        """Return the error that the call ends with, if it is not its last one.

        If an earlier attempt may be on the bill, it is that one's, whatever became of the last: who catches
        `NotSentError` may send the call again.
        """
        doubt, self._doubt = self._doubt, None  # an error that is kept here would keep itself, by its traceback
        error = doubt or last
        error.attempts = self.attempts
        if self._teller.listening:
            elapsed = self.deadline.elapsed - self._began
            self._teller.tell(instrumentation.CallFailed(operation=self.call.operation, error=error, elapsed=elapsed))
        return None if error is last else error

    def _before_wait(self, error: AuraShotError, seconds: float) -> None:
        if self.is_abandoned:
            raise error
        if self._teller.listening:
            self._teller.tell(
                instrumentation.AttemptFailed(
                    operation=self.call.operation, attempt=self.attempts, error=error, retry_in=seconds
                )
            )
