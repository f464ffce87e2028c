"""What the ledger records about one call: before each request that may be billed, and at the end."""

from __future__ import annotations

import hashlib
import json
import logging
from typing import TYPE_CHECKING, Any, Final, cast

from pydantic import ValidationError

from aurashot._transport._runtime import forget
from aurashot._transport._tracebacks import raise_from
from aurashot.errors import AuraShotError, ContentBlockedError, LedgerError, UnresolvedError
from aurashot.models import CallMeta, Generation, WorkflowJob

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping

    from aurashot._calls import Call, M
    from aurashot._operations import Operation
    from aurashot._transport._exchange import Exchange
    from aurashot._transport._runtime import Runtime, Written
    from aurashot.ledger import Entry, Intent, Ledger, Payment
    from aurashot.models import BilledRequest, Response

PATIENCE: Final = 5.0
"""Seconds for which a call waits for others who write, within its own time."""
GRACE: Final = 0.2
"""Seconds that are left for its outcome when its time is over and the caller waits for the record."""

logger: Final = logging.getLogger("aurashot")


class Record:
    """The entries of one call."""

    def __init__(self, ledger: Ledger, exchange: Exchange[Any], runtime: Runtime) -> None:
        self._ledger = ledger
        self._exchange = exchange
        self._runtime = runtime
        self._intent: Intent | None = None
        self._attempts_before = exchange.state.attempts

    async def begin(self) -> Any | None:
        """Make sure of an entry for the next request: the last one, or a new one if that may be on the bill.

        Returns:
            What was paid under the key already, by another operation, so that nothing is sent; otherwise None.

        Raises:
            LedgerError: It cannot be recorded within the call's time, so it must not be sent.
            UnresolvedError: A request under the key is under way, or its outcome is unknown.
            SpendCapError: It would exceed the cap.
            DeadlineExceededError: The deadline has passed.
        """
        exchange = self._exchange
        if exchange.state.payment == "unknown" and exchange.state.doubt is not None:
            await self.end(exchange.state.doubt)
        if exchange.ledger_entry is None:
            entry = await self._reserve()
            if entry.payment == "paid":
                return restored(entry, exchange.call, exchange.operation)
        if exchange.deadline.passed:
            raise exchange.deadline.exceeded()
        return None

    async def _reserve(self) -> Entry:
        from aurashot.ledger import Reserve

        if self._intent is None:
            self._intent = intent(self._exchange.call, self._exchange.operation, self._exchange.key or "")
        patience = self._exchange.deadline.bound(PATIENCE)
        response = [await self._runtime.write(self._ledger, Reserve(self._intent), patience, self._keep)]
        if isinstance(response[0], AuraShotError):
            if isinstance(response[0], LedgerError) and self._exchange.deadline.passed:
                late = self._exchange.deadline.exceeded("before the request was recorded")
                late.__cause__ = response[0]
                response[0] = late
            raise_from(response)
        return cast("Entry", response[0])

    def _keep(self, written: Written) -> None:
        """Keep the entry, even if the caller is cancelled meanwhile: it has to be settled."""
        if written is not None and not isinstance(written, AuraShotError) and written.payment != "paid":
            self._exchange.ledger_entry = written.number

    async def paid(self, result: Response) -> None:
        """Record what was delivered."""
        is_pending = isinstance(result, Generation) and not result.outputs
        await self._settle("pending" if is_pending else "paid", **delivered(result))

    async def end(self, error: BaseException) -> None:
        """Record how the call ended, including by a cancellation; an entry without an attempt is not paid."""
        payment = self._exchange.state.payment if self._attempts else "not_paid"
        if payment == "unknown" and isinstance(error, ContentBlockedError):
            payment = "blocked"
        await self._settle(payment, error=type(error).__name__)

    @property
    def _attempts(self) -> int:
        """How many attempts were made under the entry in hand."""
        return self._exchange.state.attempts - self._attempts_before

    async def _settle(self, payment: Payment, **details: Any) -> None:
        from aurashot.ledger import Settle, Settlement

        exchange = self._exchange
        if exchange.ledger_entry is None:
            return
        number, exchange.ledger_entry = exchange.ledger_entry, None
        attempts = self._attempts
        self._attempts_before = exchange.state.attempts
        settlement = Settlement(payment=payment, attempts=attempts, **details)
        in_time = max(GRACE, min(PATIENCE, exchange.deadline.remaining))
        patience = PATIENCE if self._runtime.records_in_background else in_time
        trouble = f"entry {number} of the ledger stays unknown, although it is {payment}"
        writing = self._runtime.write(self._ledger, Settle(number, settlement), patience, forget)
        known = {
            "idempotency_key": exchange.key,
            "request_id": settlement.request_id,
            "attempts": attempts,
            "payment": payment,
            "ledger_entry": number,
        }
        if await write_or_log(writing, trouble, exchange.operation, known):
            labels = {**_labels(exchange.operation), **known}
            logger.debug(
                "operation %s: entry %d of the ledger is %s", exchange.operation.id, number, payment, extra=labels
            )


async def write_or_log(
    writing: Awaitable[Written], trouble: str, operation: Operation, known: Mapping[str, object]
) -> bool:
    """Record something after the fact, and return whether it is: a failure to record must not lose the response.

    Args:
        writing: What writes it.
        trouble: What is wrong if it cannot be recorded.
        operation: Whose record it is.
        known: Further fields for the log.
    """
    try:
        written = await writing
    except Exception as problem:  # noqa: BLE001  # whatever it is, it must not cost an image
        _log(problem, trouble, operation, known)
        return False
    if isinstance(written, AuraShotError):
        _log(written, trouble, operation, known)
        return False
    return True


def _labels(operation: Operation) -> dict[str, object]:
    return {"operation_id": operation.id, "parent_id": operation.parent_id, "operation": operation.name}


def _log(problem: Exception, trouble: str, operation: Operation, known: Mapping[str, object]) -> None:
    labels = {**_labels(operation), **known}
    logger.error("operation %s: %s", operation.id, trouble, exc_info=problem, extra=labels)


def intent(call: Call[Any], operation: Operation, key: str) -> Intent:
    """Return what a billable call is about to request; local images are identified by their content."""
    from aurashot.ledger import Intent

    asked = cast("BilledRequest", call.asked)
    return Intent(
        idempotency_key=key,
        operation=call.name,
        operation_id=operation.id,
        parent_id=operation.parent_id,
        request_digest=digest(call.name, asked),
        prompt=asked.words,
        references=asked.references,
        tags=operation.labels.tags or {},
        pay_once=operation.labels.pay_once,
    )


def digest(name: str, asked: BilledRequest) -> str:
    """Return the SHA-256 of a request; how the response is waited for is not part of it."""
    body = asked.model_dump_json(by_alias=True, exclude_none=True, exclude={"wait_for_result"})
    return hashlib.sha256(f"{name}\n{body}".encode()).hexdigest()


def restored(entry: Entry, call: Call[M], operation: Operation) -> M:
    """Return what an entry was paid for.

    Raises:
        UnresolvedError: It was paid for, and its image is not known.
    """
    response = call.response
    meta = CallMeta(
        operation_id=operation.id,
        idempotency_key=entry.idempotency_key,
        ledger_entry=entry.number,
        from_ledger=True,
        request=call.asked,
        images=call.images or {},
        tags=dict(entry.tags),
    )
    try:
        if entry.result is not None:
            result = response.model_validate_json(entry.result)
            if not isinstance(result, Generation) or result.outputs:
                return result.with_meta(meta)
        if entry.urls:
            return response.model_validate(_from_addresses(entry, response)).with_meta(meta)
    except ValidationError:
        pass  # written by hand, or by another version: it is as if it was not there
    raise _no_image(entry)


def _no_image(entry: Entry) -> UnresolvedError:
    error = UnresolvedError(
        f"The idempotency key {entry.idempotency_key!r} was paid for on {entry.started_at:%Y-%m-%d %H:%M} UTC, and its "
        "image is not in the ledger; use another key to pay for a new one"
    )
    error.entry, error.outcome, error.billable = entry, "accepted", True
    error.idempotency_key = entry.idempotency_key
    return error


def _from_addresses(entry: Entry, response: type[Response]) -> dict[str, Any]:
    """Return a response made of what an entry of an earlier version, or one that was resolved by hand, still knows."""
    if issubclass(response, WorkflowJob):
        return {
            "status": "success",
            "completed": True,
            "workflow": entry.operation,
            "executionId": entry.request_id,
            "images": entry.urls,
        }
    outputs = [{"url": url} for url in entry.urls]
    return {"status": "success", "requestId": entry.request_id, "outputs": outputs}


def _dumped(result: Response) -> str:
    """Return a response as JSON, also where it has halves of surrogate pairs, which pydantic does not write."""
    try:
        return result.model_dump_json(by_alias=True)
    except ValueError:
        text = json.dumps(result.model_dump(by_alias=True), ensure_ascii=False, default=str)
        return text.encode(errors="replace").decode()


def delivered(result: Response) -> dict[str, Any]:
    """Return what of a response goes into a settlement."""
    whole = {"result": _dumped(result)}
    match result:
        case Generation():
            usage = result.token_usage
            return whole | {
                "request_id": result.request_id,
                "urls": tuple(output.url for output in result.outputs),
                "input_tokens": usage and usage.input_tokens,
                "output_tokens": usage and usage.output_tokens,
            }
        case WorkflowJob():
            return whole | {"request_id": result.execution_id or result.task_id, "urls": result.images}
        case _:
            return whole
