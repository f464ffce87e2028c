"""The metrics of OpenTelemetry, made of the events. This module imports OpenTelemetry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from opentelemetry import metrics

from aurashot.errors import AuraShotError, ContentBlockedError
from aurashot.instrumentation._events import OperationFailed, OperationSucceeded, RequestFailed, RequestSucceeded
from aurashot.instrumentation._opentelemetry import GEN_AI, SCOPE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.metrics import MeterProvider

    from aurashot.instrumentation._events import IdentityChecked
    from aurashot.instrumentation._opentelemetry import Attributes

_SECONDS: Final = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
"""The bounds of the buckets that the GenAI conventions say for durations, in seconds."""
_TOKENS: Final = tuple(4**power for power in range(14))
_SIMILARITIES: Final = tuple(tenths / 10 for tenths in range(1, 10))


class Measurements:
    """The instruments of one hook.

    Args:
        version: The version of the SDK.
        provider: Where the metrics go; None for the global provider.
    """

    def __init__(self, version: str, provider: MeterProvider | None) -> None:
        meter = metrics.get_meter(SCOPE, version, provider)
        self._images = meter.create_counter(
            "aurashot.images", "{image}", "Images of billable requests, by what was paid for them"
        )
        self._requests = meter.create_counter(
            "aurashot.requests", "{request}", "Attempts of requests that ended, by their outcome"
        )
        self._duration = meter.create_histogram(
            "aurashot.operation.duration",
            "s",
            "Duration of operations, uploads, waits and retries included",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )
        self._gen_ai_duration = meter.create_histogram(
            "gen_ai.client.operation.duration",
            "s",
            "Duration of operations that make images",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )
        self._tokens = meter.create_histogram(
            "gen_ai.client.token.usage",
            "{token}",
            "Tokens that the service counted for an operation",
            explicit_bucket_boundaries_advisory=_TOKENS,
        )
        self._checks = meter.create_counter(
            "aurashot.identity.checks", "{image}", "Images whose face was compared, by verdict"
        )
        self._similarity = meter.create_histogram(
            "aurashot.identity.similarity",
            "1",
            "Similarity of faces with their reference, 0 to 1",
            explicit_bucket_boundaries_advisory=_SIMILARITIES,
        )

    def end_operation(self, event: OperationSucceeded | OperationFailed, ending: Attributes) -> None:
        """Measure an operation that ended."""
        attributes = {"aurashot.operation.name": event.operation} | _only(ending, "aurashot.outcome", "error.type")
        self._duration.record(event.elapsed, attributes)

    def end_generation(
        self, event: OperationSucceeded | OperationFailed, ending: Attributes, tokens: Mapping[str, int]
    ) -> None:
        """Measure an operation that makes images, as the GenAI conventions say.

        Args:
            event: The end of the operation.
            ending: How it ended.
            tokens: The tokens that the service counted, by the names of the attributes of the span.
        """
        common: Attributes = {**GEN_AI, "aurashot.operation.name": event.operation}
        self._gen_ai_duration.record(event.elapsed, common | _only(ending, "error.type"))
        for kind in ("input", "output"):
            if (count := tokens.get(f"gen_ai.usage.{kind}_tokens")) is not None:
                self._tokens.record(count, common | {"gen_ai.token.type": kind})

    def end_request(self, event: RequestSucceeded | RequestFailed, ending: Attributes) -> None:
        """Measure an attempt of a request that ended, and what may have been paid for it."""
        attributes: Attributes = {
            "aurashot.operation.name": event.operation,
            "aurashot.request.name": event.request,
            "aurashot.request.billable": event.billable,
        }
        self._requests.add(1, attributes | _only(ending, "aurashot.outcome", "error.type"))
        payment = _payment(event)
        if payment is not None:
            count = max(1, event.images) if isinstance(event, RequestSucceeded) else 1
            self._images.add(count, {"aurashot.operation.name": event.operation, "aurashot.payment": payment})

    def check(self, event: IdentityChecked) -> None:
        """Measure the comparison of an image with its face reference."""
        attributes: Attributes = {
            "aurashot.operation.name": event.operation,
            "gen_ai.evaluation.score.label": event.verdict,
            "aurashot.identity.accepted": event.accepted,
        }
        self._checks.add(1, attributes)
        if event.similarity is not None:
            self._similarity.record(event.similarity, attributes)


def _payment(event: RequestSucceeded | RequestFailed) -> str | None:
    """Return what was paid for an attempt, in the words of the ledger; None if it certainly cost nothing."""
    if not event.billable:
        return None
    if isinstance(event, RequestSucceeded):
        return "paid" if event.images else "pending"
    if isinstance(event.error, ContentBlockedError):
        return "blocked"
    if isinstance(event.error, AuraShotError) and not event.error.may_be_charged:
        return None
    return "unknown"


def _only(attributes: Attributes, *names: str) -> Attributes:
    return {name: attributes[name] for name in names if name in attributes}
