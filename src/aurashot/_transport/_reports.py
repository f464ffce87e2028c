"""Reporting operations and their requests to the hooks."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from aurashot import instrumentation
from aurashot.models import Generation, WorkflowJob

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from aurashot._operations import Operation
    from aurashot.instrumentation import Dispatcher, Event
    from aurashot.models import BilledRequest, Response

E = TypeVar("E", bound="Event")


class RequestReport:
    """One request of an operation, reported attempt by attempt."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        operation: Operation,
        request: str,
        *,
        billable: bool = False,
        key: str | None = None,
    ) -> None:
        self._dispatcher = dispatcher
        self._operation = operation
        self._constant: dict[str, Any] = {"request": request, "billable": billable, "idempotency_key": key}
        self._attempt: dict[str, Any] = {}
        self._began = 0.0

    def started(self, attempt: int, size: int = 0, asked: BilledRequest | None = None) -> None:
        """Report that an attempt begins, with the size of its body, and its prompt to the hooks that asked for it."""
        self._attempt = {"number": self._operation.next_number(), "attempt": attempt}
        self._began = time.monotonic()
        event = self._tell(instrumentation.RequestStarted, bytes_sent=size)
        if asked is not None and asked.words and self._dispatcher.wants_prompts:
            self._dispatcher.give_prompt(event, asked.words)

    def succeeded(self, status: int, size: int, response: Response | None = None) -> None:
        """Report that the attempt was answered, with the size of the response and what it says of the work."""
        self._tell(
            instrumentation.RequestSucceeded,
            status_code=status,
            bytes_received=size,
            elapsed=self._end() or 0.0,
            **_work_of(response),
        )

    def failed(self, error: BaseException) -> None:
        """Report that the attempt failed, if one was under way."""
        if (elapsed := self._end()) is not None:
            self._tell(instrumentation.RequestFailed, error=error, elapsed=elapsed)

    def retrying(self, error: BaseException, seconds: float) -> None:
        """Report that another attempt will follow."""
        if self._attempt:
            self._tell(instrumentation.RetryScheduled, error=error, retry_in=seconds)

    def _end(self) -> float | None:
        began, self._began = self._began, 0.0
        return time.monotonic() - began if began else None

    def _tell(self, kind: Callable[..., E], **fields: Any) -> E:
        event = kind(**described_by(self._operation), **self._constant, **self._attempt, **fields)
        self._dispatcher.emit(event)
        return event


def _work_of(response: Response | None) -> dict[str, Any]:
    """Return what a response says of the work that was done for it."""
    if isinstance(response, Generation):
        usage = response.token_usage
        return {
            "images": len(response.outputs),
            "request_id": response.request_id,
            "model": response.pipeline.provider if response.pipeline else None,
            "input_tokens": usage.input_tokens if usage else None,
            "output_tokens": usage.output_tokens if usage else None,
        }
    if isinstance(response, WorkflowJob):
        return {"images": len(response.images), "request_id": response.task_id}
    return {}


@contextmanager
def reported(dispatcher: Dispatcher, operation: Operation) -> Generator[None]:
    """Report the beginning and the end of an operation around one `yield`."""
    common = described_by(operation)
    tags = operation.labels.tags
    dispatcher.emit(instrumentation.OperationStarted(**common, tags=dict(tags) if isinstance(tags, Mapping) else {}))
    try:
        yield
    except BaseException as error:
        elapsed = operation.deadline.elapsed
        dispatcher.emit(instrumentation.OperationFailed(**common, error=error, elapsed=elapsed))
        raise
    dispatcher.emit(instrumentation.OperationSucceeded(**common, elapsed=operation.deadline.elapsed))


def described_by(operation: Operation) -> dict[str, Any]:
    """Return the fields that all events of an operation have."""
    return {"operation_id": operation.id, "parent_id": operation.parent_id, "operation": operation.name}
