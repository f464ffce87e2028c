"""Events as log records: a sentence, a level, and fields for `extra=`."""

from __future__ import annotations

import logging
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final

from aurashot._reasons import described
from aurashot.errors import AuraShotError
from aurashot.instrumentation._events import (
    IdentityChecked,
    OperationFailed,
    OperationStarted,
    OperationSucceeded,
    RequestFailed,
    RequestStarted,
    RequestSucceeded,
    RetryScheduled,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from aurashot.instrumentation._events import Event

_INFO: Final = (OperationSucceeded, OperationFailed, RetryScheduled)
"""What is worth a line in the log of a program in production; all else is for finding faults."""
_SENTENCES: Final[dict[type, Callable[[Any], str]]] = {
    OperationStarted: lambda _: "started",
    OperationSucceeded: lambda event: f"succeeded after {event.elapsed:.2f} s",
    OperationFailed: lambda event: f"failed after {event.elapsed:.2f} s: {described(event.error)}",
    RequestStarted: lambda event: f"{_request(event)} starts with {event.bytes_sent:,} bytes",
    RequestSucceeded: lambda event: f"{_request(event)} got {event.status_code} after {event.elapsed:.2f} s",
    RequestFailed: lambda event: f"{_request(event)} failed after {event.elapsed:.2f} s: {described(event.error)}",
    RetryScheduled: lambda event: f"{_request(event)} is retried in {event.retry_in:.2f} s: {described(event.error)}",
    IdentityChecked: lambda event: (
        f"the face of image {event.attempt} is {event.verdict}, {'accepted' if event.accepted else 'not accepted'}"
    ),
}
_OF_ERRORS: Final = ("outcome", "may_be_charged", "attempts", "idempotency_key", "request_id", "status_code")
_NOT_LOGGED: Final = frozenset({"at", "error"})
"""The time is that of the record, and an error is not logged as an object."""


def level_of(event: Event) -> int:
    """Return the level at which an event is logged."""
    return logging.INFO if isinstance(event, _INFO) else logging.DEBUG


def sentence_of(event: Event) -> str:
    """Return an event as a line for people."""
    return f"{event.operation}: {_SENTENCES[type(event)](event)}"


def fields_of(event: Event) -> dict[str, Any]:
    """Return what is known of an event as plain values, for `extra=`; what is None is left out.

    An error is the name of its class, with what it says of the request and its cost.
    """
    found: dict[str, Any] = {"event": type(event).__name__}
    error = getattr(event, "error", None)
    if error is not None:
        found["error"] = type(error).__name__
    if isinstance(error, AuraShotError):
        found |= {name: getattr(error, name, None) for name in _OF_ERRORS}
    known = {each.name: getattr(event, each.name) for each in fields(event) if each.name not in _NOT_LOGGED}
    found |= {name: dict(value) if name == "tags" else value for name, value in known.items() if value is not None}
    return {name: value for name, value in found.items() if value is not None and value != {}}


def _request(event: Any) -> str:
    return f"request {event.number} ({event.request}, attempt {event.attempt})"
