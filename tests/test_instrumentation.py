from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
import pytest

from aurashot import (
    AsyncAuraShot,
    AuraShot,
    AuraShotError,
    BadRequestError,
    ConfigurationError,
    DownloadError,
    GenerationFailedError,
    InputError,
    NotSentError,
    OutcomeUnknownError,
    RetryPolicy,
    instrumentation,
)
from aurashot.instrumentation import (
    Dispatcher,
    Event,
    IdentityChecked,
    OperationFailed,
    OperationStarted,
    OperationSucceeded,
    RequestFailed,
    RequestStarted,
    RequestSucceeded,
    RetryScheduled,
)
from lab.backends import KEY
from lab.server import (
    CLOSE,
    GENERATION,
    HOLD,
    ScriptedServer,
    body,
    closed_port,
    headers_only,
    json_response,
    status,
    wait_until,
)
from tests.flows.steps import png
from tests.notebook import Notebook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from aurashot.instrumentation import Hook
    from lab.backends import Clients

FACE = "https://cdn.example.com/face-of-somebody.png?signature=secret"
PROMPT = "a prompt that is nobody's business"
QUICK = RetryPolicy(max_attempts=3, initial_delay=0.0, max_delay=0.0)
EVENTS = (
    OperationFailed,
    OperationStarted,
    OperationSucceeded,
    RequestFailed,
    RequestStarted,
    RequestSucceeded,
    RetryScheduled,
    IdentityChecked,
)
SUCCESS = [OperationStarted, RequestStarted, RequestSucceeded, OperationSucceeded]


@pytest.fixture
def heard() -> list[Event]:
    """Return what the hook of the test was told so far."""
    return []


@pytest.fixture
def told_client(make_client: Clients, server: ScriptedServer, heard: list[Event]) -> AuraShot:
    """Return a client whose one hook notes every event."""
    return make_client(server.url, retry=QUICK, hooks=[heard.append], timeout=20)


@pytest.fixture
def debug_log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Return the log of the test, in which the library writes all it can."""
    with caplog.at_level(logging.DEBUG, "aurashot"):
        yield caplog


def kinds(events: list[Event]) -> list[type]:
    """Return the classes of events."""
    return [type(event) for event in events]


def ours(log: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """Return the records of the library."""
    return [record for record in log.records if record.name == "aurashot"]


def started() -> OperationStarted:
    """Return an event that nobody told."""
    return OperationStarted(operation_id="o-1", parent_id=None, operation="edit", tags={})


@dataclass
class Span:
    """What a tracer keeps of an operation or a request."""

    name: str
    parent: str | None
    began: datetime
    status: int | None = None
    error: BaseException | None = None
    seconds: float | None = None
    sent: int = 0
    received: int = 0
    notes: list[str] = field(default_factory=list[str])


class Tracer:
    """A hook that rebuilds a trace from nothing but the events."""

    def __init__(self) -> None:
        self.spans: dict[str, Span] = {}

    def __call__(self, event: Event, /) -> None:
        """Begin a span, or end one."""
        match event:
            case OperationStarted():
                self._begin(event.operation_id, Span(event.operation, event.parent_id, event.at))
            case OperationSucceeded():
                self._end(event.operation_id, event.elapsed)
            case OperationFailed():
                self._end(event.operation_id, event.elapsed, error=event.error)
            case RequestStarted():
                self._begin(
                    self._request(event), Span(event.request, event.operation_id, event.at, sent=event.bytes_sent)
                )
            case RequestSucceeded():
                self._end(self._request(event), event.elapsed, status=event.status_code, received=event.bytes_received)
            case RequestFailed():
                self._end(self._request(event), event.elapsed, error=event.error)
            case RetryScheduled():
                self.spans[self._request(event)].notes.append(f"again in {event.retry_in:g} s")
            case IdentityChecked():
                self.spans[event.operation_id].notes.append(event.verdict)

    @property
    def roots(self) -> list[str]:
        """The ids of the operations."""
        return [identifier for identifier in self.spans if "#" not in identifier]

    def children(self, identifier: str) -> list[Span]:
        """Return the spans within a span, in order."""
        return [span for span in self.spans.values() if span.parent == identifier]

    def _request(self, event: RequestStarted | RequestSucceeded | RequestFailed | RetryScheduled) -> str:
        return f"{event.operation_id}#{event.number}"

    def _begin(self, identifier: str, span: Span) -> None:
        assert identifier not in self.spans, "a span begins once"
        assert span.parent is None or "#" not in span.parent
        self.spans[identifier] = span

    def _end(self, identifier: str, seconds: float, **known: Any) -> None:
        span = self.spans[identifier]
        assert span.seconds is None, "a span ends once"
        span.seconds = seconds
        for name, value in known.items():
            setattr(span, name, value)


def check_ends(events: list[Event]) -> None:
    """Check that each operation and each request that started has one end, and that its events say the same of it."""
    open_now: dict[tuple[str, int], dict[str, object]] = {}
    ended: dict[tuple[str, int], int] = defaultdict(int)
    ends = (OperationSucceeded, OperationFailed, RequestSucceeded, RequestFailed)
    for event in events:
        key = event.operation_id, getattr(event, "number", 0)
        names = ("parent_id", "operation", "request", "attempt", "billable", "idempotency_key")
        said = {name: getattr(event, name) for name in names if hasattr(event, name)}
        if isinstance(event, OperationStarted | RequestStarted):
            assert key not in open_now
            open_now[key] = said
        else:
            assert open_now[key] == said
            ended[key] += isinstance(event, ends)
    assert dict.fromkeys(open_now, 1) == dict(ended)


def test_a_call_that_succeeds_is_an_operation_with_one_request(told_client: AuraShot, heard: list[Event]) -> None:
    """Both start and succeed, under one id and key, and the events say what it took."""
    response = told_client.generate(PROMPT, face=FACE, idempotency_key="order-17", tags={"user": "alice"})
    assert SUCCESS == kinds(heard)
    begun, sent, answered, done = heard
    assert {(response.meta.operation_id, None, "generate")} == {
        (event.operation_id, event.parent_id, event.operation) for event in heard
    }
    assert isinstance(begun, OperationStarted)
    assert {"user": "alice"} == begun.tags
    for event in (sent, answered):
        assert isinstance(event, RequestStarted | RequestSucceeded)
        assert (1, "generate", 1, True, "order-17") == (
            event.number,
            event.request,
            event.attempt,
            event.billable,
            event.idempotency_key,
        )
    assert isinstance(answered, RequestSucceeded)
    assert isinstance(done, OperationSucceeded)
    assert 200 == answered.status_code
    assert 0 < answered.elapsed <= done.elapsed
    assert 0 < response.meta.elapsed <= done.elapsed
    assert sorted(event.at for event in heard) == [event.at for event in heard]
    assert {UTC} == {event.at.tzinfo for event in heard}


def test_a_request_says_how_many_bytes_went_and_came(
    told_client: AuraShot, server: ScriptedServer, heard: list[Event]
) -> None:
    """The bodies are counted: of a call the JSON, of an upload the image."""
    told_client.generate(PROMPT, face=png())
    upload, generate = [event for event in heard if isinstance(event, RequestStarted)]
    assert [len(server.requests[1].body)] == [generate.bytes_sent]
    assert 0 < upload.bytes_sent < len(server.requests[0].body)
    responses = [event.bytes_received for event in heard if isinstance(event, RequestSucceeded)]
    assert len(json.dumps(dict(GENERATION)).encode()) == responses[1]


def test_a_call_that_is_retried_tells_each_attempt(
    told_client: AuraShot, server: ScriptedServer, heard: list[Event]
) -> None:
    """Each is a request with its number, and between two of them stands the wait."""
    server.queue(status(429, retry_after=0), status(429))
    told_client.generate(PROMPT, face=FACE)
    failed = [RequestStarted, RequestFailed, RetryScheduled]
    assert [OperationStarted, *failed, *failed, RequestStarted, RequestSucceeded, OperationSucceeded] == kinds(heard)
    assert [("generate", 1, 1, 429), ("generate", 2, 2, 429)] == [
        (event.request, event.number, event.attempt, getattr(event.error, "status_code", None))
        for event in heard
        if isinstance(event, RequestFailed)
    ]
    waits = [event for event in heard if isinstance(event, RetryScheduled)]
    assert [(1, 0.0), (2, 0.0)] == [(event.attempt, event.retry_in) for event in waits]
    assert isinstance(heard[-2], RequestSucceeded)
    assert (3, 3) == (heard[-2].number, heard[-2].attempt)
    assert 1 == len({event.idempotency_key for event in heard if isinstance(event, RequestStarted)})
    check_ends(heard)


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (status(400), BadRequestError),
        ((CLOSE,), OutcomeUnknownError),
        (json_response({"status": "failed", "error": "no face"}), GenerationFailedError),
    ],
    ids=["400", "close", "failed"],
)
def test_a_call_that_fails_tells_the_error_that_is_raised(
    told_client: AuraShot, server: ScriptedServer, heard: list[Event], response: Any, kind: type[AuraShotError]
) -> None:
    """The last events carry the very error, which says by then what the call cost."""
    server.queue(response)
    with pytest.raises(kind) as caught:
        told_client.generate(PROMPT, face=FACE)
    assert [OperationStarted, RequestStarted, RequestFailed, OperationFailed] == kinds(heard)
    for event in heard[2:]:
        assert isinstance(event, RequestFailed | OperationFailed)
        assert caught.value is event.error
        assert 0 < event.elapsed
    assert (1, True) == (caught.value.attempts, caught.value.billable)
    assert {caught.value.operation_id} == {event.operation_id for event in heard}


def test_a_call_that_never_got_through_tells_every_attempt(make_client: Clients, heard: list[Event]) -> None:
    """Each refused connection is a request that failed, and the last one is the end."""
    client = make_client(f"http://127.0.0.1:{closed_port()}", retry=QUICK, hooks=[heard.append])
    with pytest.raises(NotSentError) as caught:
        client.generate(PROMPT, face=FACE)
    failed = [RequestStarted, RequestFailed]
    assert [
        *(OperationStarted, *failed, RetryScheduled, *failed, RetryScheduled),
        *(*failed, OperationFailed),
    ] == kinds(heard)
    assert 3 == caught.value.attempts
    check_ends(heard)


def test_an_upload_is_a_request_of_the_operation_that_needs_it(told_client: AuraShot, heard: list[Event]) -> None:
    """A local image is uploaded first: free, and without a key. The second time there is nothing to tell."""
    for _ in range(2):
        told_client.generate(PROMPT, face=png())
    requests = [event for event in heard if isinstance(event, RequestStarted)]
    assert [("upload", 1), ("generate", 2), ("generate", 1)] == [(event.request, event.number) for event in requests]
    assert {"generate"} == {event.operation for event in heard}
    assert (False, None) == (requests[0].billable, requests[0].idempotency_key)
    assert 2 == len({event.operation_id for event in heard})
    check_ends(heard)


def test_what_is_refused_before_a_request_is_an_operation_without_one(
    told_client: AuraShot, server: ScriptedServer, heard: list[Event]
) -> None:
    """A bad argument is a call that failed, and nothing was sent."""
    with pytest.raises(InputError, match="prompt") as caught:
        told_client.generate("", face=FACE)
    assert [OperationStarted, OperationFailed] == kinds(heard)
    assert isinstance(heard[-1], OperationFailed)
    assert caught.value is heard[-1].error
    assert [] == server.requests


def test_what_a_ledger_paid_for_already_is_an_operation_without_a_request(
    make_client: Clients, server: ScriptedServer, heard: list[Event], tmp_path: Path
) -> None:
    """Nothing is sent for it."""
    from aurashot.ledger import SQLiteLedger

    with SQLiteLedger(tmp_path / "ledger.sqlite") as ledger:
        client = make_client(server.url, ledger=ledger, hooks=[heard.append])
        for _ in range(2):
            client.generate(PROMPT, face=FACE, idempotency_key="order-17")
    assert [*SUCCESS, OperationStarted, OperationSucceeded] == kinds(heard)


def test_a_download_is_an_operation_with_a_free_request(
    told_client: AuraShot, server: ScriptedServer, heard: list[Event], tmp_path: Path
) -> None:
    """Its bytes are counted, and an attempt that broke off is told like that of any request."""
    image = png()
    server.queue((headers_only(content_length=len(image)) + image[:40], CLOSE), (body(image, "image/png"),))
    told_client.download(f"{server.url}/files/1.png", tmp_path / "1.png")
    assert [
        *(OperationStarted, RequestStarted, RequestFailed, RetryScheduled),
        *(RequestStarted, RequestSucceeded, OperationSucceeded),
    ] == kinds(heard)
    assert {"download"} == {event.operation for event in heard}
    assert {("download", False, None)} == {
        (event.request, event.billable, event.idempotency_key) for event in heard if isinstance(event, RequestStarted)
    }
    assert isinstance(heard[2], RequestFailed)
    assert isinstance(heard[2].error, DownloadError)
    assert isinstance(heard[-2], RequestSucceeded)
    assert (200, len(image)) == (heard[-2].status_code, heard[-2].bytes_received)
    check_ends(heard)


def test_a_download_that_ends_badly_ends_its_request(
    told_client: AuraShot, server: ScriptedServer, heard: list[Event]
) -> None:
    """Also when it is the caller's own progress display that fails."""

    def broken(done: int, total: int | None) -> None:
        raise OSError("no terminal")

    server.always((body(png(), "image/png"),))
    with pytest.raises(OSError, match="no terminal") as caught:
        told_client.read(f"{server.url}/files/1.png", progress=broken)
    assert [OperationStarted, RequestStarted, RequestFailed, OperationFailed] == kinds(heard)
    assert [caught.value] * 2 == [event.error for event in heard if isinstance(event, RequestFailed | OperationFailed)]


def test_a_job_that_is_waited_for_is_one_operation(
    told_client: AuraShot, server: ScriptedServer, heard: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its submission and its questions are requests, and only the submission is billed."""
    monkeypatch.setattr("aurashot._flows.legacy.FIRST_PAUSE", 0.0)
    server.queue(json_response({"status": "submitted", "executionId": "e-1"}))
    told_client.legacy.pose_change(FACE, "sitting", wait=True, idempotency_key="order-17")
    requests = [event for event in heard if isinstance(event, RequestStarted)]
    assert [("pose_change", True, "order-17"), ("query", False, None)] == [
        (event.request, event.billable, event.idempotency_key) for event in requests
    ]
    assert {"pose_change"} == {event.operation for event in heard}
    check_ends(heard)


def test_a_trace_can_be_rebuilt_from_the_events(make_client: Clients, server: ScriptedServer, tmp_path: Path) -> None:
    """One span for each operation and, within it, one for each attempt of each request, with bytes and times."""
    tracer = Tracer()
    image = png("red")
    server.queue(status(429, retry_after=0), path="/v1/character/generate")
    server.always((body(image, "image/png"),), path="/files/1.png")
    client = make_client(server.url, retry=QUICK, hooks=[tracer], timeout=20)
    story = client.with_options(parent_id="story-1")
    before = datetime.now(UTC)
    response = story.generate(PROMPT, face=png())
    story.download(f"{server.url}/files/1.png", tmp_path / "1.png")
    client.edit(PROMPT, target=FACE)
    after = datetime.now(UTC)

    generate, download, edit = tracer.roots
    assert response.meta.operation_id == generate
    assert [("generate", "story-1"), ("download", "story-1"), ("edit", None)] == [
        (tracer.spans[root].name, tracer.spans[root].parent) for root in tracer.roots
    ]
    assert [("upload", 200), ("generate", None), ("generate", 200)] == [
        (span.name, span.status) for span in tracer.children(generate)
    ]
    assert [("download", 200)] == [(span.name, span.status) for span in tracer.children(download)]
    assert [("edit", 200)] == [(span.name, span.status) for span in tracer.children(edit)]

    upload, refused, generated = tracer.children(generate)
    assert (["again in 0 s"], "RateLimitError") == (refused.notes, type(refused.error).__name__)
    assert ([], None) == (generated.notes, generated.error)
    generates = server.posts("/v1/character/generate")
    assert [len(request.body) for request in generates] == [refused.sent, generated.sent]
    assert (0, len(image)) == (tracer.children(download)[0].sent, tracer.children(download)[0].received)
    assert 0 < upload.sent
    assert 0 < generated.received

    for root in tracer.roots:
        whole = tracer.spans[root]
        assert whole.seconds is not None
        assert before <= whole.began <= after
        for span in tracer.children(root):
            assert span.seconds is not None
            assert whole.began <= span.began
        assert sum(span.seconds or 0.0 for span in tracer.children(root)) <= whole.seconds


def test_two_operations_that_share_an_upload_tell_it_once(
    told_client: AuraShot, server: ScriptedServer, heard: list[Event]
) -> None:
    """The request belongs to the operation that made it."""
    told_client.upload(png())
    told_client.generate(PROMPT, face=png())
    assert ["upload", "generate"] == [event.request for event in heard if isinstance(event, RequestStarted)]
    assert ["upload", "generate"] == [event.operation for event in heard if isinstance(event, OperationStarted)]
    check_ends(heard)


@pytest.mark.anyio
class TestCancellation:
    """What is told of calls that are cancelled, on both event loops."""

    @staticmethod
    async def cancelled(server: ScriptedServer, requests: int, call: Callable[[], Any]) -> None:
        """Make a call, and cancel it when so many requests have come."""
        async with anyio.create_task_group() as group:
            group.start_soon(call)
            await anyio.to_thread.run_sync(wait_until, lambda: len(server.requests) >= requests)
            group.cancel_scope.cancel()

    async def test_a_call_that_is_cancelled_ends(self, server: ScriptedServer, heard: list[Event]) -> None:
        """Its request and its operation fail with the cancellation."""
        server.always((HOLD,))
        async with AsyncAuraShot(KEY, base_url=server.url, hooks=[heard.append]) as client:
            await self.cancelled(server, 1, partial(client.generate, PROMPT, face=FACE))
        assert [OperationStarted, RequestStarted, RequestFailed, OperationFailed] == kinds(heard)
        errors = [event.error for event in heard if isinstance(event, RequestFailed | OperationFailed)]
        assert [True, True] == [isinstance(error, anyio.get_cancelled_exc_class()) for error in errors]
        check_ends(heard)

    async def test_uploads_that_are_cancelled_side_by_side_end(
        self, server: ScriptedServer, heard: list[Event]
    ) -> None:
        """Each of them is told."""
        server.always((HOLD,))
        async with AsyncAuraShot(KEY, base_url=server.url, hooks=[heard.append]) as client:
            await self.cancelled(server, 2, partial(client.generate, PROMPT, face=png(), scene=png("red")))
        assert 2 == sum(isinstance(event, RequestFailed) for event in heard)
        check_ends(heard)

    async def test_an_upload_that_fails_ends_the_one_beside_it(
        self, server: ScriptedServer, heard: list[Event]
    ) -> None:
        """The one was refused, the other is cancelled; the error is that of the first."""
        server.queue(status(400), (HOLD,))
        async with AsyncAuraShot(KEY, base_url=server.url, hooks=[heard.append]) as client:
            with pytest.raises(BadRequestError):
                await client.generate(PROMPT, face=png(), scene=png("red"))
        check_ends(heard)

    async def test_a_download_that_is_cancelled_ends(
        self, server: ScriptedServer, heard: list[Event], tmp_path: Path
    ) -> None:
        """In the middle of the image."""
        server.always((headers_only(content_length=100) + b"half", HOLD))
        async with AsyncAuraShot(KEY, base_url=server.url, hooks=[heard.append]) as client:
            await self.cancelled(server, 1, partial(client.download, f"{server.url}/1.png", tmp_path / "1.png"))
        assert [OperationStarted, RequestStarted, RequestFailed, OperationFailed] == kinds(heard)
        check_ends(heard)

    async def test_a_wait_before_a_retry_that_is_cancelled_ends_the_operation(
        self, server: ScriptedServer, heard: list[Event]
    ) -> None:
        """The request had failed already; the one that was announced never starts."""
        server.always(status(429, retry_after=3))
        async with AsyncAuraShot(KEY, base_url=server.url, hooks=[heard.append]) as client:
            with anyio.move_on_after(5) as scope:

                def cancel(event: Event, /) -> None:
                    if isinstance(event, RetryScheduled):
                        scope.cancel()

                await client.with_options(hooks=[heard.append, cancel]).generate(PROMPT, face=FACE)
        assert scope.cancelled_caught
        assert [OperationStarted, RequestStarted, RequestFailed, RetryScheduled, OperationFailed] == kinds(heard)
        check_ends(heard)

    async def test_a_recorded_call_that_is_cancelled_ends_when_its_response_comes(
        self, server: ScriptedServer, heard: list[Event]
    ) -> None:
        """With a ledger the response is awaited beside the caller: its request ends after the operation."""
        server.always((0.2, *json_response(GENERATION)))
        notebook = Notebook()
        async with AsyncAuraShot(KEY, base_url=server.url, hooks=[heard.append], ledger=notebook) as client:
            await self.cancelled(server, 1, partial(client.generate, PROMPT, face=FACE))
        assert [OperationStarted, RequestStarted, OperationFailed, RequestSucceeded] == kinds(heard)
        assert ["paid"] == notebook.outcomes
        check_ends(heard)

    async def test_calls_that_are_cancelled_at_any_moment_end(self, server: ScriptedServer, heard: list[Event]) -> None:
        """Whatever each of them was about to do."""
        server.respond = lambda request: (0.01, *json_response(GENERATION)) if "generate" in request.path else None
        async with AsyncAuraShot(KEY, base_url=server.url, hooks=[heard.append], max_connections=4) as client:

            async def brief(seconds: float) -> None:
                with anyio.move_on_after(seconds):
                    await client.generate(PROMPT, face=png())

            async with anyio.create_task_group() as group:
                for number in range(60):
                    group.start_soon(brief, number / 200)
        assert 60 == sum(isinstance(event, OperationStarted) for event in heard)
        check_ends(heard)


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_a_call_that_is_interrupted_ends(
    server: ScriptedServer, heard: list[Event], monkeypatch: pytest.MonkeyPatch, kind: type[BaseException]
) -> None:
    """Ctrl-C while the response is awaited is the error of the request and of the operation."""

    def interrupted(*_: object) -> None:
        raise kind

    monkeypatch.setattr("aurashot._transport._exchange.Body.add", interrupted)
    with AuraShot(KEY, base_url=server.url, hooks=[heard.append]) as client, pytest.raises(kind) as caught:
        client.generate(PROMPT, face=FACE)
    assert [OperationStarted, RequestStarted, RequestFailed, OperationFailed] == kinds(heard)
    assert [caught.value] * 2 == [event.error for event in heard if isinstance(event, RequestFailed | OperationFailed)]


def test_a_view_has_hooks_of_its_own(told_client: AuraShot, heard: list[Event]) -> None:
    """`with_options(hooks=...)` replaces the hooks for the view, and leaves the client's alone."""
    others: list[Event] = []
    told_client.with_options(hooks=[others.append]).generate(PROMPT, face=FACE)
    told_client.with_options(timeout=9.0).generate(PROMPT, face=FACE)
    assert SUCCESS == kinds(others) == kinds(heard)


def test_a_view_says_what_its_operations_are_part_of(told_client: AuraShot, heard: list[Event]) -> None:
    """Every event of the view has its parent, and its tags stand beside those of the call."""
    view = told_client.with_options(parent_id="story-1", tags={"batch": "7"})
    view.with_options(timeout=3.0).generate(PROMPT, face=FACE, tags={"user": "alice"})
    assert {"story-1"} == {event.parent_id for event in heard}
    assert isinstance(heard[0], OperationStarted)
    assert {"batch": "7", "user": "alice"} == heard[0].tags


def test_a_hook_that_raises_costs_no_image(
    make_client: Clients, server: ScriptedServer, heard: list[Event], caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged with its traceback, the hooks after it are still told, and the response arrives."""

    def broken(event: Event, /) -> None:
        raise RuntimeError("a bug in the hook")

    client = make_client(server.url, hooks=[broken, heard.append])
    response = client.generate(PROMPT, face=FACE)
    assert response.succeeded
    assert SUCCESS == kinds(heard)
    errors = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert ["aurashot"] * 4 == [record.name for record in errors]
    assert [response.meta.operation_id] * 4 == [getattr(record, "operation_id", None) for record in errors]
    assert 4 == caplog.text.count("RuntimeError: a bug in the hook")


@pytest.mark.parametrize("kind", EVENTS)
def test_a_hook_that_raises_changes_no_result(
    make_client: Clients, server: ScriptedServer, heard: list[Event], kind: type[Event]
) -> None:
    """Whichever event it fails at, the retry is made, the response arrives, and the error is the service's own."""

    def broken(event: Event, /) -> None:
        if isinstance(event, kind):
            raise NotSentError("a hook that looks like a transport")

    server.queue(status(429, retry_after=0), json_response(GENERATION), status(400))
    client = make_client(server.url, retry=QUICK, hooks=[broken, heard.append])
    assert 2 == client.generate(PROMPT, face=FACE).meta.attempts
    with pytest.raises(BadRequestError, match="scripted 400"):
        client.generate(PROMPT, face=FACE)
    assert 3 == len(server.requests)
    check_ends(heard)


def test_a_hook_may_not_swallow_an_interrupt() -> None:
    """Only ordinary errors are a hook's own business."""

    def interrupted(event: Event, /) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Dispatcher((interrupted,)).emit(started())


async def waits(event: Event, /) -> None:
    """Be no hook: nobody would await this."""


class Waits:
    """No hook either."""

    async def __call__(self, event: Event, /) -> None:
        """Be awaited by nobody."""

    async def method(self, event: Event, /) -> None:
        """Be awaited by nobody."""


@pytest.mark.parametrize(
    ("hook", "words"),
    [
        (None, "functions that are called with an event"),
        ("print", "functions that are called with an event"),
        (waits, "is async"),
        (Waits(), "is async"),
        (Waits().method, "is async"),
        (partial(waits), "is async"),
    ],
    ids=["none", "text", "function", "object", "method", "partial"],
)
def test_what_cannot_be_a_hook_is_refused(make_client: Clients, server: ScriptedServer, hook: Any, words: str) -> None:
    """It is found when the client or the view is made, not when a call is lost over it."""
    with pytest.raises(ConfigurationError, match=words):
        make_client(server.url, hooks=[hook])
    with pytest.raises(ConfigurationError, match=words):
        make_client(server.url).with_options(hooks=[print, hook])


@pytest.mark.parametrize("hook", [print, list[Event]().append, Tracer(), partial(print, "told"), lambda event: None])  # pyright: ignore[reportUnknownArgumentType, reportUnknownLambdaType]  # a lambda has no annotations
def test_whatever_can_be_called_is_a_hook(hook: Hook) -> None:
    """A function, a method, an object, a partial and a lambda."""
    assert Dispatcher((hook,)).listening


def test_the_log_tells_the_story_and_no_secret(
    make_client: Clients, server: ScriptedServer, debug_log: pytest.LogCaptureFixture
) -> None:
    """At DEBUG every event is logged; key, prompt, image addresses and signatures are in no line."""
    server.queue(status(429, retry_after=0))
    client = make_client(server.url, retry=QUICK)
    client.generate(PROMPT, face=FACE)
    server.queue((CLOSE,))
    with pytest.raises(OutcomeUnknownError):
        client.edit(PROMPT, target=FACE)
    client.upload(png())
    story = [getattr(record, "event", None) for record in ours(debug_log)]
    assert [
        *("OperationStarted", "RequestStarted", "RequestFailed", "RetryScheduled"),
        *("RequestStarted", "RequestSucceeded", "OperationSucceeded"),
        *("OperationStarted", "RequestStarted", "RequestFailed", "OperationFailed"),
        *("OperationStarted", "RequestStarted", "RequestSucceeded", "OperationSucceeded"),
    ] == story
    for secret in (KEY, KEY[-12:], PROMPT, "somebody", "signature", "cdn.aurashot.art", "127.0.0.1"):
        assert secret not in debug_log.text


def test_the_log_of_a_refused_argument_holds_no_secret(
    make_client: Clients, server: ScriptedServer, debug_log: pytest.LogCaptureFixture
) -> None:
    """What is wrong with an address is said without its user name, password or query."""
    client = make_client(server.url)
    for face in ("https://somebody:hunter2@cdn.example.com/1.png", "http://cdn.example.com/1.png?signature=secret"):
        with pytest.raises(InputError):
            client.generate(PROMPT, face=face)
    assert 4 == len(ours(debug_log))
    for secret in ("somebody", "hunter2", "signature", "secret", PROMPT):
        assert secret not in debug_log.text


def test_every_log_record_names_its_operation(
    make_client: Clients, server: ScriptedServer, debug_log: pytest.LogCaptureFixture
) -> None:
    """Its attribute `operation_id` is that of the response, so that a log can be filtered by it."""
    server.queue(status(429, retry_after=0))
    client = make_client(server.url, retry=QUICK)
    ids = [client.generate(PROMPT, face=FACE).meta.operation_id, client.edit(PROMPT, target=FACE).meta.operation_id]
    assert {logging.DEBUG, logging.INFO} == {record.levelno for record in ours(debug_log)}
    assert [ids[0]] * 7 + [ids[1]] * 4 == [getattr(record, "operation_id", None) for record in ours(debug_log)]


def test_nothing_is_made_when_nobody_listens(
    make_client: Clients,
    server: ScriptedServer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Without hooks and above INFO no event is even built."""

    def never(*_: object, **__: object) -> None:
        raise AssertionError("an event was made for nobody")

    for kind in EVENTS:
        monkeypatch.setattr(f"aurashot.instrumentation.{kind.__name__}", never)
    server.queue(status(429, retry_after=0), json_response(GENERATION), status(400))
    client = make_client(server.url, retry=QUICK)
    with caplog.at_level(logging.WARNING, "aurashot"):
        assert 2 == client.generate(PROMPT, face=FACE).meta.attempts
        with pytest.raises(BadRequestError):
            client.generate(PROMPT, face=FACE)


def test_a_start_is_told_before_anything_is_sent(make_client: Clients, server: ScriptedServer) -> None:
    """The operation and the request are told while the service has heard nothing, and the told key is the sent one."""
    told: list[tuple[type, int, str | None]] = []

    def note(event: Event, /) -> None:
        told.append((type(event), len(server.requests), getattr(event, "idempotency_key", None)))

    response = make_client(server.url, hooks=[note]).generate(PROMPT, face=FACE)
    key = server.requests[0].header("idempotency-key")
    assert key == response.meta.idempotency_key
    assert [(OperationStarted, 0, None), (RequestStarted, 0, key)] == told[:2]


@pytest.mark.parametrize(
    ("level", "hooks", "listening"), [("INFO", 0, True), ("WARNING", 0, False), ("WARNING", 1, True)]
)
def test_somebody_listens_when_there_is_a_hook_or_a_log(
    caplog: pytest.LogCaptureFixture,
    level: str,
    hooks: int,
    listening: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """Hooks listen always, the log at INFO and below."""
    with caplog.at_level(level, "aurashot"):
        assert listening == Dispatcher(tuple([print] * hooks)).listening


def test_the_library_configures_no_logging() -> None:
    """Importing it adds one NullHandler to one logger, and changes no level and no root handler."""
    script = (
        "import json, logging, aurashot.instrumentation\n"
        "ours, root = logging.getLogger('aurashot'), logging.getLogger()\n"
        "print(json.dumps([[type(one).__name__ for one in ours.handlers], ours.level, ours.propagate,"
        " root.handlers, root.level]))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True)
    assert [["NullHandler"], logging.NOTSET, True, [], logging.WARNING] == json.loads(done.stdout)


def test_events_are_frozen_records() -> None:
    """What one hook was told, the next one is told as well."""
    event = started()
    with pytest.raises(AttributeError):
        event.operation = "generate"  # type: ignore[misc]  # what the test is about
    assert not any(hasattr(kind, "__dict__") and "__dict__" in kind.__slots__ for kind in EVENTS)
    assert not hasattr(event, "__dict__")
    assert sorted(instrumentation.__all__) == instrumentation.__all__
    assert {kind.__name__ for kind in EVENTS} == {*instrumentation.__all__} - {"Event", "Hook", "Dispatcher"}


@pytest.mark.parametrize("kind", EVENTS)
def test_every_event_names_its_operation(kind: type[Event]) -> None:
    """Whatever else it says, it can be put where it belongs."""
    names = {each.name for each in fields(kind)}
    assert {"operation_id", "parent_id", "operation", "at"} <= names
    if kind.__name__.startswith("Re"):
        assert {"number", "request", "attempt", "billable", "idempotency_key"} <= names
