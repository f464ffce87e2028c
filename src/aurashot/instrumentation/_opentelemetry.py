"""Spans and metrics of OpenTelemetry, made of the events.

An operation is a span, and each attempt of each of its requests is a span within it. Both are current while they last,
so that whatever runs inside (a ledger, a rate limiter, a log record) belongs to them. Names of attributes are written
out as strings: those of the GenAI conventions may still change, and a dependency on their package would follow.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from aurashot.errors import AuraShotError, ConfigurationError
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
    from contextvars import Token

    from opentelemetry.context import Context
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import Span, TracerProvider

    from aurashot.instrumentation._events import Event

Attributes: TypeAlias = "dict[str, str | bool | int | float]"

SCOPE: Final = "aurashot"
"""The name of the instrumentation scope."""
GENERATING: Final = frozenset(
    {"id_photo", "generate", "edit", "virtual_try_on", "pose_change", "create_character", "redo_anchor"}
)
"""The operations that make images."""
_IDENTIFIER: Final = re.compile(r"(?!sk_)[\w.:-]{1,128}", re.ASCII).fullmatch
"""What a span takes of a response: an identifier, and nothing that could be a URL, a text or a key."""
GEN_AI: Final = {"gen_ai.operation.name": "generate_content", "gen_ai.provider.name": "aurashot"}


class _Open(NamedTuple):
    """A span that has not ended, and what ends with it."""

    span: Span
    context: Context
    token: Token[Context]


class _Work:
    """An operation that has not ended."""

    def __init__(self, open_span: _Open) -> None:
        self.open: _Open = open_span
        self.images = 0
        self.tokens: dict[str, int] = {}


class OpenTelemetryHook:
    """A hook that makes spans and metrics with OpenTelemetry; needs the extra `otel`.

    Pass it to a client: `AuraShot(hooks=[OpenTelemetryHook()])`. One hook can serve any number of clients, threads and
    tasks. What becomes of the spans and metrics is up to the OpenTelemetry SDK of your program; without one, nothing
    does. No span holds the API key, the URL of an image, the message of an error, or a path. The guide to observability
    lists all spans, metrics and attributes.

    Args:
        tracer_provider: Where the spans go. Default: the global provider.
        meter_provider: Where the metrics go. Default: the global provider.
        capture_prompts: Whether the prompts go into the spans, as `gen_ai.input.messages`.
        capture_tags: Whether the tags of an operation go into its span, as `aurashot.tag.<name>`.

    Raises:
        ConfigurationError: The extra `otel` is missing.
    """

    def __init__(
        self,
        *,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        capture_prompts: bool = False,
        capture_tags: bool = False,
    ) -> None:
        try:
            from opentelemetry import context, trace

            from aurashot.instrumentation._measurements import Measurements
        except ModuleNotFoundError as missing:
            raise ConfigurationError(
                f"OpenTelemetryHook needs {missing.name}; install it with pip install 'aurashot[otel]'"
            ) from missing

        from aurashot._version import __version__

        self._context = context
        self._trace = trace
        self._tracer = trace.get_tracer(SCOPE, __version__, tracer_provider)
        self._measurements = Measurements(__version__, meter_provider)
        self._captures_prompts = capture_prompts
        self._captures_tags = capture_tags
        self._operations: dict[str, _Work] = {}
        self._requests: dict[tuple[str, int], _Open] = {}

    @property
    def wants_prompts(self) -> bool:
        """Whether it is given the prompts."""
        return self._captures_prompts

    def __repr__(self) -> str:
        return f"{type(self).__name__}(capture_prompts={self._captures_prompts}, capture_tags={self._captures_tags})"

    def __call__(self, event: Event, /) -> None:
        """Begin, describe or end a span, and measure."""
        match event:
            case OperationStarted():
                self._begin_operation(event)
            case OperationSucceeded() | OperationFailed():
                self._end_operation(event)
            case RequestStarted():
                self._begin_request(event)
            case RequestSucceeded() | RequestFailed():
                self._end_request(event)
            case RetryScheduled():
                self._note(event, "aurashot.retry", _retry(event))
            case IdentityChecked():
                self._check(event)

    def on_prompt(self, event: RequestStarted, prompt: str, /) -> None:
        """Put a prompt into the spans of its request and of its operation."""
        messages = [{"role": "user", "parts": [{"type": "text", "content": prompt}]}]
        text = json.dumps(messages, ensure_ascii=False)
        if (work := self._operations.get(event.operation_id)) is not None:
            work.open.span.set_attribute("gen_ai.input.messages", text)
        if (request := self._requests.get(_key(event))) is not None:
            request.span.set_attribute("gen_ai.input.messages", text)

    def _begin_operation(self, event: OperationStarted) -> None:
        attributes: Attributes = {
            "aurashot.operation.name": event.operation,
            "aurashot.operation.id": event.operation_id,
        }
        if event.parent_id is not None:
            attributes["aurashot.parent.id"] = event.parent_id
        is_generating = event.operation in GENERATING
        if is_generating:
            attributes |= {**GEN_AI, "gen_ai.output.type": "image"}
        if self._captures_tags:
            attributes |= {f"aurashot.tag.{name}": value for name, value in event.tags.items()}
        kind = self._trace.SpanKind.CLIENT if is_generating else self._trace.SpanKind.INTERNAL
        opened = self._open(f"aurashot.{event.operation}", kind, attributes, self._context.get_current())
        self._operations[event.operation_id] = _Work(opened)

    def _end_operation(self, event: OperationSucceeded | OperationFailed) -> None:
        work = self._operations.pop(event.operation_id, None)
        ending = _ending(event)
        if event.operation in GENERATING:
            self._measurements.end_generation(event, ending, work.tokens if work else {})
        self._measurements.end_operation(event, ending)
        if work is None:
            return
        work.open.span.set_attributes({"aurashot.images.paid": work.images, **ending, **work.tokens})
        self._close(work.open, event)

    def _begin_request(self, event: RequestStarted) -> None:
        attributes: Attributes = {
            "aurashot.operation.id": event.operation_id,
            "aurashot.request.name": event.request,
            "aurashot.request.number": event.number,
            "aurashot.request.attempt": event.attempt,
            "aurashot.request.billable": event.billable,
            "http.request.body.size": event.bytes_sent,
        }
        if event.idempotency_key is not None:
            attributes["aurashot.idempotency_key"] = event.idempotency_key
        if event.attempt > 1:
            attributes["http.request.resend_count"] = event.attempt - 1
        work = self._operations.get(event.operation_id)
        parent = work.open.context if work else self._context.get_current()
        opened = self._open(f"aurashot.request.{event.request}", self._trace.SpanKind.CLIENT, attributes, parent)
        self._requests[_key(event)] = opened

    def _end_request(self, event: RequestSucceeded | RequestFailed) -> None:
        work = self._operations.get(event.operation_id)
        ending = _ending(event)
        self._measurements.end_request(event, ending)
        if isinstance(event, RequestSucceeded):
            ending |= _received(event)
            if work is not None and event.billable:
                _add(work, event)
        request = self._requests.pop(_key(event), None)
        if request is not None:
            request.span.set_attributes(ending)
            self._close(request, event)

    def _check(self, event: IdentityChecked) -> None:
        found: Attributes = {"gen_ai.evaluation.name": "identity", "gen_ai.evaluation.score.label": event.verdict}
        if event.similarity is not None:
            found["gen_ai.evaluation.score.value"] = event.similarity
        found["aurashot.identity.accepted"] = event.accepted
        self._measurements.check(event)
        if (work := self._operations.get(event.operation_id)) is not None:
            work.open.span.set_attributes(found)
        self._note(event, "gen_ai.evaluation.result", found | {"aurashot.identity.attempt": event.attempt})

    def _note(self, event: Event, name: str, attributes: Attributes) -> None:
        if (work := self._operations.get(event.operation_id)) is not None:
            work.open.span.add_event(name, attributes)

    def _open(self, name: str, kind: Any, attributes: Attributes, parent: Context) -> _Open:
        span = self._tracer.start_span(name, parent, kind, attributes)
        inside = self._trace.set_span_in_context(span, parent)
        return _Open(span, inside, self._context.attach(inside))

    def _close(self, opened: _Open, event: Event) -> None:
        """End a span, and go back to the one around it if this is still where it began."""
        if isinstance(event, OperationFailed | RequestFailed):
            opened.span.set_status(self._trace.StatusCode.ERROR, type(event.error).__name__)
        opened.span.end()
        if self._context.get_current() is opened.context:
            self._context.detach(opened.token)


def _key(event: RequestStarted | RequestSucceeded | RequestFailed) -> tuple[str, int]:
    return event.operation_id, event.number


def _add(work: _Work, event: RequestSucceeded) -> None:
    """Add what a billed request brought to what its operation has."""
    work.images += max(1, event.images)
    for name, count in (("input", event.input_tokens), ("output", event.output_tokens)):
        if count is not None:
            key = f"gen_ai.usage.{name}_tokens"
            work.tokens[key] = work.tokens.get(key, 0) + count
    known = {"gen_ai.response.id": event.request_id, "gen_ai.response.model": event.model}
    work.open.span.set_attributes({name: value for name, value in known.items() if value and _IDENTIFIER(value)})


def _received(event: RequestSucceeded) -> Attributes:
    return {
        "http.response.status_code": event.status_code,
        "http.response.body.size": event.bytes_received,
        "aurashot.images.received": event.images,
    }


def _retry(event: RetryScheduled) -> Attributes:
    return {
        "aurashot.request.name": event.request,
        "aurashot.request.number": event.number,
        "aurashot.retry_in": event.retry_in,
        "error.type": type(event.error).__name__,
    }


def _ending(event: OperationSucceeded | OperationFailed | RequestSucceeded | RequestFailed) -> Attributes:
    """Return how something ended, and what that may have cost; of an error its class, and never its message."""
    if isinstance(event, OperationSucceeded | RequestSucceeded):
        return {"aurashot.outcome": "accepted"}
    error = event.error
    ending: Attributes = {"error.type": type(error).__name__, "aurashot.outcome": "unknown"}
    if isinstance(error, AuraShotError):
        ending |= {"aurashot.outcome": error.outcome, "aurashot.may_be_charged": error.may_be_charged}
    status = getattr(error, "status_code", 0)
    if isinstance(event, RequestFailed) and isinstance(status, int) and status:
        ending["http.response.status_code"] = status
    return ending
