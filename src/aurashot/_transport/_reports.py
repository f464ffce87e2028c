"""Reporting operations and their requests to the hooks."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from aurashot import instrumentation

if TYPE_CHECKING:
    from collections.abc import Generator

    from aurashot._operations import Operation
    from aurashot.instrumentation import Dispatcher


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

    def started(self, attempt: int, size: int = 0) -> None:
        """Report that an attempt begins, with the size of its body."""
        self._attempt = {"number": self._operation.next_number(), "attempt": attempt}
        self._began = time.monotonic()
        self._tell(instrumentation.RequestStarted, bytes_sent=size)

    def succeeded(self, status: int, size: int) -> None:
        """Report that the attempt was answered, with the size of the response."""
        self._tell(
            instrumentation.RequestSucceeded, status_code=status, bytes_received=size, elapsed=self._end() or 0.0
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

    def _tell(self, kind: Any, **fields: Any) -> None:
        self._dispatcher.emit(kind(**described_by(self._operation), **self._constant, **self._attempt, **fields))


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
