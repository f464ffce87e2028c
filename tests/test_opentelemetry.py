from __future__ import annotations

import json
import sys
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
import pytest
from opentelemetry import baggage, context, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from aurashot import AsyncAuraShot, AuraShot, AuraShotError, ConfigurationError, RetryPolicy
from aurashot.instrumentation import IdentityChecked, OpenTelemetryHook, OperationFailed, OperationStarted
from aurashot.instrumentation._opentelemetry import GENERATING
from lab.backends import KEY
from lab.server import CLOSE, GENERATION, HOLD, ScriptedServer, body, closed_port, json_response, status, wait_until
from tests.flows.steps import png
from tests.notebook import Notebook
from tests.test_parity import WAITING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from opentelemetry.sdk.metrics.export import Metric
    from opentelemetry.sdk.trace import ReadableSpan

    from aurashot.instrumentation import Event
    from lab.backends import Clients

FACE = "https://cdn.example.com/face-of-somebody.png?signature=secret"
PROMPT = "a prompt that is nobody's business"
QUICK = RetryPolicy(max_attempts=2, initial_delay=0.0, max_delay=0.0)
FREE = {"plan_character", "aclose", "__aenter__", "__aexit__", "compare", "upload", "download", "read", "show", "query"}


class Backend:
    """What a program has set up: spans and metrics that are kept in memory."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.tracers = TracerProvider()
        self.tracers.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.reader = InMemoryMetricReader()
        self.meters = MeterProvider([self.reader])
        self.tracer = self.tracers.get_tracer("the program")

    def hook(self, **options: Any) -> OpenTelemetryHook:
        """Return a hook that writes here."""
        return OpenTelemetryHook(tracer_provider=self.tracers, meter_provider=self.meters, **options)

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        """The spans that have ended, in the order of their ends."""
        return self.exporter.get_finished_spans()

    def span(self, name: str) -> ReadableSpan:
        """Return the one span of a name."""
        (found,) = (span for span in self.spans if span.name == name)
        return found

    def metrics(self) -> dict[str, Metric]:
        """Return what was measured, by the names of the instruments."""
        data = self.reader.get_metrics_data()
        assert data is not None
        scopes = [scope for resource in data.resource_metrics for scope in resource.scope_metrics]
        return {metric.name: metric for scope in scopes for metric in scope.metrics}

    def points(self, name: str, *attributes: str) -> dict[tuple[Any, ...], Any]:
        """Return the sum or the count of each point of a metric, by some of its attributes."""
        found = self.metrics()
        points = found[name].data.data_points if name in found else ()
        return {
            tuple((point.attributes or {}).get(each) for each in attributes): getattr(point, "value", None)
            or getattr(point, "count", None)
            for point in points
        }

    def text(self) -> str:
        """Return all that would leave the program, as text."""
        metrics = [metric.to_json() for metric in self.metrics().values()]
        return "\n".join([*(span.to_json() for span in self.spans), *metrics])


@pytest.fixture
def backend_of_traces() -> Backend:
    """Return where the spans and metrics of the test go."""
    return Backend()


@pytest.fixture
def traced(backend_of_traces: Backend, make_client: Clients, server: ScriptedServer) -> AuraShot:
    """Return a client of each kind, with a hook."""
    return make_client(server.url, retry=QUICK, hooks=[backend_of_traces.hook()], timeout=20)


def attributes(span: ReadableSpan) -> dict[str, Any]:
    """Return the attributes of a span."""
    return dict(span.attributes or {})


def span_id_of(span: ReadableSpan) -> int:
    """Return the id of a span."""
    assert span.context is not None
    identifier: int = span.context.span_id
    return identifier


def trace_id_of(span: ReadableSpan) -> int:
    """Return the id of the trace of a span."""
    assert span.context is not None
    identifier: int = span.context.trace_id
    return identifier


def parent_of(span: ReadableSpan) -> int | None:
    """Return the id of the span around a span."""
    return span.parent.span_id if span.parent else None


def test_an_operation_is_a_span_of_the_callers_trace(
    backend_of_traces: Backend, traced: AuraShot, server: ScriptedServer
) -> None:
    """Each attempt of each of its requests is a span within it, and the caller's span is current again afterwards."""
    server.queue(status(429, retry_after=0), path="/v1/character/generate")
    with backend_of_traces.tracer.start_as_current_span("caller") as caller:
        response = traced.with_options(parent_id="story-1").generate(PROMPT, face=png(), idempotency_key="order-17")
        assert caller is trace.get_current_span()
    upload, refused, generated, operation, _ = backend_of_traces.spans
    assert [
        *("aurashot.request.upload", "aurashot.request.generate", "aurashot.request.generate"),
        *("aurashot.generate", "caller"),
    ] == [span.name for span in backend_of_traces.spans]
    assert caller.get_span_context().span_id == parent_of(operation)
    assert {span_id_of(operation)} == {parent_of(span) for span in (upload, refused, generated)}
    assert 1 == len({trace_id_of(span) for span in backend_of_traces.spans})
    assert {SpanKind.CLIENT} == {span.kind for span in (upload, refused, generated, operation)}
    assert {
        "aurashot.operation.name": "generate",
        "aurashot.operation.id": response.meta.operation_id,
        "aurashot.parent.id": "story-1",
        "aurashot.outcome": "accepted",
        "aurashot.images.paid": 1,
        "gen_ai.operation.name": "generate_content",
        "gen_ai.output.type": "image",
        "gen_ai.provider.name": "aurashot",
        "gen_ai.response.id": "6f1c0d0e-0000-4000-8000-000000000001",
        "gen_ai.response.model": "qwen-image-edit",
        "gen_ai.usage.input_tokens": 0,
        "gen_ai.usage.output_tokens": 1234,
    } == attributes(operation)
    assert ["aurashot.retry"] == [event.name for event in operation.events]
    assert StatusCode.UNSET is operation.status.status_code


def test_a_request_says_what_went_and_came(
    backend_of_traces: Backend, traced: AuraShot, server: ScriptedServer
) -> None:
    """Its number, its attempt, its key, its sizes, its status, and what it may have cost."""
    server.queue(status(429, retry_after=0))
    response = traced.generate(PROMPT, face=FACE, idempotency_key="order-17")
    refused, generated = backend_of_traces.spans[:2]
    common = {
        "aurashot.operation.id": response.meta.operation_id,
        "aurashot.request.name": "generate",
        "aurashot.request.billable": True,
        "aurashot.idempotency_key": "order-17",
        "http.request.body.size": len(server.requests[0].body),
    }
    assert common | {
        "aurashot.request.number": 1,
        "aurashot.request.attempt": 1,
        "aurashot.outcome": "rejected",
        "aurashot.may_be_charged": False,
        "error.type": "RateLimitError",
        "http.response.status_code": 429,
    } == attributes(refused)
    assert (StatusCode.ERROR, "RateLimitError") == (refused.status.status_code, refused.status.description)
    assert common | {
        "aurashot.request.number": 2,
        "aurashot.request.attempt": 2,
        "http.request.resend_count": 1,
        "aurashot.outcome": "accepted",
        "aurashot.images.received": 1,
        "http.response.status_code": 200,
        "http.response.body.size": len(json.dumps(dict(GENERATION)).encode()),
    } == attributes(generated)


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (status(400), ("BadRequestError", "rejected", None)),
        ((CLOSE,), ("OutcomeUnknownError", "unknown", "unknown")),
        (
            json_response({"status": "failed", "error": "no face"}),
            ("GenerationFailedError", "accepted", "unknown"),
        ),
        (
            json_response({"status": "failed", "error": {"code": "content_policy_violation"}}),
            ("ContentBlockedError", "accepted", "blocked"),
        ),
    ],
    ids=["400", "close", "failed", "blocked"],
)
def test_a_failure_says_what_it_may_have_cost(
    backend_of_traces: Backend,
    traced: AuraShot,
    server: ScriptedServer,
    response: Any,
    expected: tuple[str, str, str | None],
) -> None:
    """The spans and the metrics have the class and the outcome of the error; its message is in none of them."""
    error, outcome, payment = expected
    server.queue(response)
    with pytest.raises(AuraShotError):
        traced.generate(PROMPT, face=FACE)
    for span in backend_of_traces.spans:
        found = attributes(span)
        assert (error, outcome) == (found["error.type"], found["aurashot.outcome"])
        assert (payment is not None) is found["aurashot.may_be_charged"]
        assert (StatusCode.ERROR, error) == (span.status.status_code, span.status.description)
    paid = {(payment,): 1} if payment else {}
    assert paid == backend_of_traces.points("aurashot.images", "aurashot.payment")
    assert {(outcome, error): 1} == backend_of_traces.points("aurashot.requests", "aurashot.outcome", "error.type")
    assert {(error,): 1} == backend_of_traces.points("gen_ai.client.operation.duration", "error.type")
    assert {(outcome, error): 1} == backend_of_traces.points(
        "aurashot.operation.duration", "aurashot.outcome", "error.type"
    )


def test_images_tokens_and_durations_are_measured(
    backend_of_traces: Backend, traced: AuraShot, server: ScriptedServer, tmp_path: Path
) -> None:
    """Generations count as the conventions for GenAI say; free operations have a duration only."""
    server.always((body(png(), "image/png"),), path="/files/1.png")
    for _ in range(2):
        traced.generate(PROMPT, face=FACE)
    traced.edit(PROMPT, target=FACE)
    traced.download(f"{server.url}/files/1.png", tmp_path / "1.png")
    server.queue(json_response({"status": "submitted", "executionId": "e-1"}))
    traced.legacy.pose_change(FACE, "sitting")
    points = backend_of_traces.points
    assert {("generate", "paid"): 2, ("edit", "paid"): 1, ("pose_change", "pending"): 1} == points(
        "aurashot.images", "aurashot.operation.name", "aurashot.payment"
    )
    assert {("generate", "input"): 2, ("generate", "output"): 2, ("edit", "input"): 1, ("edit", "output"): 1} == points(
        "gen_ai.client.token.usage", "aurashot.operation.name", "gen_ai.token.type"
    )
    assert {("generate_content", "aurashot", "generate"): 2} | {
        ("generate_content", "aurashot", name): 1 for name in ("edit", "pose_change")
    } == points(
        "gen_ai.client.operation.duration",
        *("gen_ai.operation.name", "gen_ai.provider.name", "aurashot.operation.name"),
    )
    assert {("generate",): 2, ("edit",): 1, ("download",): 1, ("pose_change",): 1} == points(
        "aurashot.operation.duration", "aurashot.operation.name"
    )
    download = backend_of_traces.span("aurashot.download")
    assert SpanKind.INTERNAL is download.kind
    assert not [name for name in attributes(download) if name.startswith("gen_ai.")]
    assert {"s"} == {m.unit for name, m in backend_of_traces.metrics().items() if name.endswith("duration")}


def test_what_a_ledger_paid_for_already_is_a_span_without_images(
    backend_of_traces: Backend, make_client: Clients, server: ScriptedServer, tmp_path: Path
) -> None:
    """Nothing was sent for it, and nothing is counted twice."""
    from aurashot.ledger import SQLiteLedger

    with SQLiteLedger(tmp_path / "ledger.sqlite") as ledger:
        client = make_client(server.url, ledger=ledger, hooks=[backend_of_traces.hook()])
        for _ in range(2):
            client.generate(PROMPT, face=FACE, idempotency_key="order-17")
    operations = [span for span in backend_of_traces.spans if span.name == "aurashot.generate"]
    assert [1, 0] == [attributes(span)["aurashot.images.paid"] for span in operations]
    assert {("paid",): 1} == backend_of_traces.points("aurashot.images", "aurashot.payment")


def test_the_operation_is_current_while_it_lasts(
    backend_of_traces: Backend, make_client: Clients, server: ScriptedServer
) -> None:
    """Whatever runs inside belongs to it, with the caller's baggage: a hook, a ledger, a rate limiter."""
    seen: list[tuple[int, object]] = []

    def look(event: Event) -> None:
        seen.append((trace.get_current_span().get_span_context().span_id, baggage.get_baggage("tenant")))

    client = make_client(server.url, hooks=[backend_of_traces.hook(), look])
    token = context.attach(baggage.set_baggage("tenant", "acme"))
    try:
        with backend_of_traces.tracer.start_as_current_span("caller") as caller:
            client.generate(PROMPT, face=FACE)
    finally:
        context.detach(token)
    request, operation, _ = backend_of_traces.spans
    ids = [span_id_of(operation), span_id_of(request), span_id_of(operation)]
    assert [*ids, caller.get_span_context().span_id] == [identifier for identifier, _ in seen]
    assert {"acme"} == {tenant for _, tenant in seen}


def test_threads_do_not_share_a_trace(backend_of_traces: Backend, server: ScriptedServer) -> None:
    """Calls of several threads at once are spans of the trace of their own caller, through one client and one hook."""
    together = threading.Barrier(4)

    def call(client: AuraShot, number: int) -> None:
        with backend_of_traces.tracer.start_as_current_span(f"caller {number}"):
            together.wait()
            client.generate(PROMPT, face=FACE, idempotency_key=f"order-{number}")

    with AuraShot(KEY, base_url=server.url, hooks=[backend_of_traces.hook()]) as client:
        threads = [threading.Thread(target=call, args=(client, number)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    check_families(backend_of_traces, 4)


def check_families(backend: Backend, count: int) -> None:
    """Check that each caller has one operation with one request, of its own number, in its own trace."""
    families: dict[int, list[str]] = {}
    for span in backend.spans:
        key = attributes(span).get("aurashot.idempotency_key")
        families.setdefault(trace_id_of(span), []).append(str(key) if key else span.name)
    assert sorted(["aurashot.generate", f"caller {number}", f"order-{number}"] for number in range(count)) == sorted(
        sorted(family) for family in families.values()
    )


@pytest.mark.anyio
class TestTasks:
    """Traces of tasks, on both event loops."""

    async def test_tasks_do_not_share_a_trace(self, backend_of_traces: Backend, server: ScriptedServer) -> None:
        """Calls of several tasks at once are spans of the trace of their own caller."""

        async def call(client: AsyncAuraShot, number: int) -> None:
            with backend_of_traces.tracer.start_as_current_span(f"caller {number}") as caller:
                await client.generate(PROMPT, face=FACE, idempotency_key=f"order-{number}")
                assert caller is trace.get_current_span()

        async with (
            AsyncAuraShot(KEY, base_url=server.url, hooks=[backend_of_traces.hook()], ledger=Notebook()) as client,
            anyio.create_task_group() as group,
        ):
            for number in range(4):
                group.start_soon(call, client, number)
        check_families(backend_of_traces, 4)

    async def test_uploads_side_by_side_belong_to_their_operation(
        self, backend_of_traces: Backend, server: ScriptedServer
    ) -> None:
        """Each is a child of the operation, and none of the other."""
        async with AsyncAuraShot(KEY, base_url=server.url, hooks=[backend_of_traces.hook()]) as client:
            await client.generate(PROMPT, face=png(), scene=png("red"))
        operation = backend_of_traces.span("aurashot.generate")
        requests = [span for span in backend_of_traces.spans if span is not operation]
        assert 3 == len(requests)
        assert {span_id_of(operation)} == {parent_of(span) for span in requests}

    async def test_a_request_may_end_after_its_operation(
        self, backend_of_traces: Backend, server: ScriptedServer, caplog: pytest.LogCaptureFixture
    ) -> None:
        """With a ledger a cancelled call is finished beside its caller: the image is counted, within the same trace."""
        server.always((0.2, *json_response(GENERATION)))
        hook = backend_of_traces.hook()
        async with (
            AsyncAuraShot(KEY, base_url=server.url, hooks=[hook], ledger=Notebook()) as client,
            anyio.create_task_group() as group,
        ):
            group.start_soon(partial(client.generate, PROMPT, face=FACE))
            await anyio.to_thread.run_sync(wait_until, lambda: len(server.requests) >= 1)
            group.cancel_scope.cancel()
        operation, request = backend_of_traces.spans
        assert span_id_of(operation) == parent_of(request)
        assert anyio.get_cancelled_exc_class().__name__ == attributes(operation)["error.type"]
        assert "unknown" == attributes(operation)["aurashot.outcome"]
        assert "accepted" == attributes(request)["aurashot.outcome"]
        assert {("paid",): 1} == backend_of_traces.points("aurashot.images", "aurashot.payment")
        assert [] == caplog.records

    async def test_a_call_that_is_cancelled_ends_its_spans(
        self, backend_of_traces: Backend, server: ScriptedServer
    ) -> None:
        """Its image may be on the bill."""
        server.always((HOLD,))
        async with (
            AsyncAuraShot(KEY, base_url=server.url, hooks=[backend_of_traces.hook()]) as client,
            anyio.create_task_group() as group,
        ):
            group.start_soon(partial(client.generate, PROMPT, face=FACE))
            await anyio.to_thread.run_sync(wait_until, lambda: len(server.requests) >= 1)
            group.cancel_scope.cancel()
        assert ["aurashot.request.generate", "aurashot.generate"] == [span.name for span in backend_of_traces.spans]
        assert {("unknown",): 1} == backend_of_traces.points("aurashot.images", "aurashot.payment")


def test_prompts_are_in_the_spans_when_asked_for(
    backend_of_traces: Backend, make_client: Clients, server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    """They go to the hook that asked for them, as the conventions write them; no event and no log record has them."""
    heard: list[Event] = []
    with caplog.at_level("DEBUG", "aurashot"):
        client = make_client(server.url, hooks=[backend_of_traces.hook(capture_prompts=True), heard.append])
        client.generate(PROMPT, face=FACE)
    messages = json.dumps([{"role": "user", "parts": [{"type": "text", "content": PROMPT}]}])
    assert [messages] * 2 == [attributes(span)["gen_ai.input.messages"] for span in backend_of_traces.spans]
    assert PROMPT not in repr(heard) + caplog.text


def test_tags_are_in_the_span_when_asked_for(
    backend_of_traces: Backend, make_client: Clients, server: ScriptedServer
) -> None:
    """Each is an attribute of the operation."""
    client = make_client(server.url, hooks=[backend_of_traces.hook(capture_tags=True)])
    client.generate(PROMPT, face=FACE, tags={"user": "alice"})
    assert "alice" == attributes(backend_of_traces.span("aurashot.generate"))["aurashot.tag.user"]


def test_no_span_and_no_metric_holds_a_secret(
    backend_of_traces: Backend, traced: AuraShot, server: ScriptedServer, tmp_path: Path
) -> None:
    """Neither the key nor a prompt, a tag, a URL or a path, also if the service or an error quotes them."""
    server.always((body(png(), "image/png"),), path="/signed-by-somebody.png?signature=secret")
    server.queue(json_response({**GENERATION, "requestId": KEY, "pipeline": {"provider": f"{FACE} {PROMPT}"}}))
    traced.generate(PROMPT, face=FACE, tags={"user": "alice"})
    traced.download(f"{server.url}/signed-by-somebody.png?signature=secret", tmp_path / "private.png")
    server.queue(json_response({"error": f"{PROMPT} {FACE} {KEY}"}, 400), path="/v1/character/edit")
    for target in (FACE, tmp_path / "private-too.png"):
        with pytest.raises(AuraShotError):
            traced.edit(PROMPT, target=target)
    text = backend_of_traces.text()
    assert text.count("aurashot.operation.id") >= 7
    for secret in (KEY, KEY[-12:], PROMPT, "somebody", "signature", "https://", "127.0.0.1", "private", "alice"):
        assert secret not in text


def test_the_comparison_of_faces_is_an_evaluation(backend_of_traces: Backend) -> None:
    """Each check is an event of the operation's span, and the last one is its result; both are measured."""
    hook = backend_of_traces.hook()
    about: dict[str, Any] = {"operation_id": "o-1", "parent_id": None, "operation": "generate"}
    found: dict[str, Any] = {"images_paid": 1, "idempotency_key": None}
    hook(OperationStarted(**about, tags={}))
    hook(IdentityChecked(**about, **found, attempt=1, verdict="unsure", similarity=None, accepted=False))
    hook(IdentityChecked(**about, **found, attempt=2, verdict="same", similarity=0.83, accepted=True))
    hook(OperationFailed(**about, error=KeyboardInterrupt(), elapsed=1.5))
    (span,) = backend_of_traces.spans
    assert ("identity", "same", 0.83, True) == tuple(
        attributes(span)[f"{name}"]
        for name in (
            *("gen_ai.evaluation.name", "gen_ai.evaluation.score.label", "gen_ai.evaluation.score.value"),
            "aurashot.identity.accepted",
        )
    )
    assert [("gen_ai.evaluation.result", 1, "unsure", None), ("gen_ai.evaluation.result", 2, "same", 0.83)] == [
        (
            event.name,
            (event.attributes or {})["aurashot.identity.attempt"],
            (event.attributes or {})["gen_ai.evaluation.score.label"],
            (event.attributes or {}).get("gen_ai.evaluation.score.value"),
        )
        for event in span.events
    ]
    assert {("unsure", False): 1, ("same", True): 1} == backend_of_traces.points(
        "aurashot.identity.checks", "gen_ai.evaluation.score.label", "aurashot.identity.accepted"
    )
    assert {("same",): 1} == backend_of_traces.points("aurashot.identity.similarity", "gen_ai.evaluation.score.label")
    assert "KeyboardInterrupt" == attributes(span)["error.type"]


def test_events_of_an_operation_that_began_earlier_are_measured_only(
    backend_of_traces: Backend, server: ScriptedServer
) -> None:
    """A hook that is given in the middle of things has no span to end, and goes on."""
    hook = backend_of_traces.hook()
    events: list[Callable[[], None]] = []
    with AuraShot(KEY, base_url=server.url, hooks=[lambda event: events.append(partial(hook, event))]) as client:
        client.generate(PROMPT, face=FACE)
    for late in events[2:]:
        late()
    assert () == backend_of_traces.spans
    assert {("paid",): 1} == backend_of_traces.points("aurashot.images", "aurashot.payment")


def test_without_an_sdk_nothing_happens(make_client: Clients, server: ScriptedServer) -> None:
    """The global providers of a program that has set up none are those that do nothing."""
    make_client(server.url, hooks=[OpenTelemetryHook()]).generate(PROMPT, face=FACE)
    assert 1 == len(server.requests)


def test_a_request_that_never_got_through_costs_nothing(backend_of_traces: Backend) -> None:
    """The attempts are counted, the images are not."""
    hook = backend_of_traces.hook()
    with (
        AuraShot(KEY, base_url=f"http://127.0.0.1:{closed_port()}", retry=QUICK, hooks=[hook]) as client,
        pytest.raises(AuraShotError),
    ):
        client.generate(PROMPT, face=FACE)
    assert {("not_sent",): 2} == backend_of_traces.points("aurashot.requests", "aurashot.outcome")
    assert "aurashot.images" not in backend_of_traces.metrics()


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says how to install it."""
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'aurashot\[otel\]'"):
        OpenTelemetryHook()


def test_every_operation_that_makes_images_is_known() -> None:
    """An operation that is added is either free, or follows the conventions for GenAI."""
    assert WAITING - FREE == GENERATING


def test_a_hook_says_what_it_captures() -> None:
    """Its repr fits on a line of a log."""
    assert "OpenTelemetryHook(capture_prompts=True, capture_tags=False)" == repr(
        OpenTelemetryHook(capture_prompts=True)
    )
