"""One call: everything about it that does no I/O."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Generic, cast

import httpcore

from aurashot._calls import M
from aurashot._engine import SECRET_HEADERS
from aurashot._response_parsing import MAX_RESPONSE_BYTES, RawResponse, as_it_is, read, too_large
from aurashot._retry import Retries, RetryBudget, RetryPolicy
from aurashot._transport._call_state import CallState
from aurashot._transport._error_mapping import translate
from aurashot._transport._redaction import hide_key
from aurashot.errors import DeadlineExceededError
from aurashot.models import CallMeta, WireModel

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from aurashot._calls import Call
    from aurashot._deadline import Deadline
    from aurashot._hidden import Secret
    from aurashot._operations import Operation
    from aurashot._transport._client_state import ClientState
    from aurashot._transport._record import Record
    from aurashot._transport._state import Options
    from aurashot.errors import AuraShotError


class Body:
    """The body of a response as it comes in, within the cap and the deadline."""

    def __init__(self, deadline: Deadline, hide: Callable[[bytes], bytes] = as_it_is) -> None:
        self._deadline = deadline
        self._hide = hide
        self._chunks: list[bytes] = []
        self._size = 0

    def add(self, chunk: bytes) -> None:
        """Take one piece.

        Raises:
            httpcore.ReadTimeout: The deadline passed, although bytes still arrive.
            UnexpectedResponseError: The response is larger than any of this API's.
        """
        self._chunks.append(chunk)
        self._size += len(chunk)
        if self._deadline.passed:
            raise httpcore.ReadTimeout("The response was not complete in time")
        if self._size > MAX_RESPONSE_BYTES:
            raise too_large(self._size)

    def response(self, status: int, headers: dict[str, str]) -> RawResponse:
        """Return the whole response."""
        return RawResponse(status, headers, b"".join(self._chunks), self._hide)


class Exchange(Generic[M]):
    """One call of an operation: its request, its key, its state, and what its responses mean.

    Attributes:
        call: What is asked for.
        operation: What it belongs to.
        key: Its idempotency key, if it is billable.
        state: What is known of it so far.
        record: What records it in the ledger, if it is billable and there is one.
        ledger_entry: The number of its entry in the ledger.
    """

    def __init__(self, call: Call[M], operation: Operation, client: ClientState, options: Options) -> None:
        self.call: Call[M] = call
        self.operation: Operation = operation
        self.key: str | None = (call.refused_key or operation.keys.take()) if call.billable else None
        self.state: CallState = CallState(call.attempts)
        self.record: Record | None = None
        self.ledger_entry: int | None = None
        self._content = call.request.to_wire() if isinstance(call.request, WireModel) else call.request
        self._began = operation.deadline.elapsed
        self._sent_at: float | None = None
        self._client = client
        self._options = options
        self._report = None
        if options.dispatcher.listening:
            from aurashot._transport._reports import RequestReport

            self._report = RequestReport(options.dispatcher, operation, call.name, billable=call.billable, key=self.key)

    @property
    def deadline(self) -> Deadline:
        """The deadline of the call."""
        return self.operation.deadline

    def retries(self, policy: RetryPolicy, budget: RetryBudget) -> Retries:
        """Return the rules for sending this call again."""
        return Retries(
            policy=policy,
            budget=budget,
            deadline=self.deadline,
            billable=self.call.billable,
            is_wanted=lambda: self.state.may_begin,
            before_wait=self._before_wait,
        )

    @property
    def authorization(self) -> Secret:
        """What is sent as Authorization."""
        return self._client.requests.authorization

    @property
    def body(self) -> Body:
        """The body of a response that is about to be read; an error that quotes it does not quote the key."""
        return Body(self.deadline, self._client.service.key.hidden_in)

    def request(self) -> AbstractContextManager[httpcore.Request]:
        """Give the request of an attempt."""
        return self._client.requests.open(self.call.path, self._content, self.key)

    def begin(self) -> None:
        """Begin an attempt."""
        self.state.begin()
        if self._report is not None:
            content = self._content
            size = len(content) if isinstance(content, bytes) else content.size
            self._report.started(self.state.attempts, size, self.call.asked)

    def before_send(self) -> None:
        """Note that bytes of the request are about to be sent; from here on it may be billed.

        Raises:
            NotSentError: The caller is gone.
            DeadlineExceededError: It is billed, and less time is left than a response takes.
        """
        if self.call.billable and not self.state.is_sent:
            self._check_time()
            self._sent_at = time.monotonic()
        self.state.send()

    def _check_time(self) -> None:
        fixed, left = self._options.min_response_time, self.deadline.remaining
        needed = self._client.response_times.fastest(self.call.name) if fixed is None else fixed
        if left < needed:
            why = "min_response_time is" if fixed is not None else "the fastest recent response took"
            raise DeadlineExceededError(
                f"The request was not sent: {left:.2g} of its {self.deadline.seconds:g} s are left, and {why} "
                f"{needed:.2g} s; use a longer timeout, more connections or fewer calls at once"
            )

    def accept(self, response: RawResponse) -> M:
        """Parse a response into its model, or raise the error that it reports."""
        result = read(response, self.call.response)
        self.state.deliver()
        if self._sent_at is not None:
            self._client.response_times.add(self.call.name, time.monotonic() - self._sent_at)
        if self._report is not None:
            self._report.succeeded(response.status, len(response.raw), result)
        headers = tuple([item for item in response.headers.items() if item[0] not in SECRET_HEADERS])
        result._meta = CallMeta(  # noqa: SLF001  # it was just made, and is nobody else's yet: no copy is needed
            attempts=self.state.attempts,
            elapsed=self.deadline.elapsed - self._began,
            operation_id=self.operation.id,
            idempotency_key=self.key,
            ledger_entry=self.ledger_entry,
            status_code=response.status,
            headers=headers,
            request=self.call.asked,
            images=self.call.images or {},
            tags=dict(self.operation.labels.tags or {}),
        )
        return self._delivered(result)

    def accept_earlier(self, result: M) -> M:
        """Return what was paid already according to the ledger, instead of sending anything."""
        self.state.deliver()
        return self._delivered(result)

    def lost(self, problem: Exception) -> AuraShotError:
        """Return what a transport's error means for this call."""
        hide_key(problem, self._client.service.key)
        return self.failed(translate(problem, self.deadline, is_out=self.state.is_sent))

    def failed(self, error: AuraShotError) -> AuraShotError:
        """Take an error as the end of an attempt."""
        hide_key(error, self._client.service.key)
        self.describe(error)
        self.state.fail(error)
        if self._report is not None:
            self._report.failed(error)
        return error

    def interrupted(self, stop: BaseException) -> None:
        """Note what ended an attempt from outside: a cancellation, Ctrl-C, or a defect."""
        if self._report is not None:
            self._report.failed(stop)

    def describe(self, error: AuraShotError) -> AuraShotError:
        """Record on an error which call it ended and what that may have cost."""
        error.operation_id = self.operation.id
        error.billable = self.call.billable
        error.idempotency_key = self.key
        error.attempts = self.state.attempts
        return error

    def end(self, last: AuraShotError) -> list[AuraShotError]:
        """Return the error that the call ends with, if one may be on the bill and it is not the last one."""
        earlier = self.state.end(last)
        for error in (last, *earlier):
            error.attempts = self.state.attempts
        return earlier

    def _delivered(self, result: M) -> M:
        if self.call.billable:
            self.operation.deliver(cast("Any", result))
        return result

    def _before_wait(self, error: AuraShotError, seconds: float) -> None:
        if self._report is not None:
            self._report.retrying(error, seconds)
