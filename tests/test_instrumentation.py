from __future__ import annotations

import json
import logging
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from aurashot import (
    AuraShot,
    AuraShotError,
    BadRequestError,
    GenerationFailedError,
    NotSentError,
    OutcomeUnknownError,
    RetryPolicy,
    instrumentation,
)
from aurashot._calls import Call
from aurashot._config import ApiKey
from aurashot._deadline import Deadline
from aurashot._transport._exchange import Exchange
from aurashot._transport._requests import Requests
from aurashot.instrumentation import AttemptFailed, CallFailed, CallStarted, CallSucceeded, Event, Teller
from aurashot.models import Upload
from tests.colours import KEY
from tests.flows.steps import png
from tests.servers import CLOSE, GENERATION, ScriptedServer, closed_port, json_reply, status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.colours import Clients

FACE = "https://cdn.example.com/face-of-somebody.png?signature=secret"
PROMPT = "a prompt that is nobody's business"
QUICK = RetryPolicy(max_attempts=3, initial_delay=0.0, max_delay=0.0)


@pytest.fixture
def heard() -> list[Event]:
    """Return what the hook of the test was told so far."""
    return []


@pytest.fixture
def told_client(make_client: Clients, server: ScriptedServer, heard: list[Event]) -> AuraShot:
    """Return a client whose one hook notes every event."""
    return make_client(server.url, retry=QUICK, hooks=[heard.append])


@pytest.fixture
def debug_log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """Return the log of the test, in which the library writes all it can."""
    with caplog.at_level(logging.DEBUG, "aurashot"):
        yield caplog


def test_a_call_that_succeeds_is_told_twice(told_client: AuraShot, heard: list[Event]) -> None:
    """It starts and it succeeds, under one key, and the second event says what it took."""
    answer = told_client.generate(PROMPT, face=FACE, idempotency_key="order-17")
    started, succeeded = heard
    assert CallStarted(operation="generate", billed=True, idempotency_key="order-17") == started
    assert isinstance(succeeded, CallSucceeded)
    assert ("generate", True, "order-17", 1) == (
        succeeded.operation,
        succeeded.billed,
        succeeded.idempotency_key,
        succeeded.attempts,
    )
    assert 0 < succeeded.elapsed == answer.meta.elapsed


def test_a_call_that_is_retried_tells_each_failure(
    told_client: AuraShot, server: ScriptedServer, heard: list[Event]
) -> None:
    """Between start and success stands every failure, with its number and the wait before the next request."""
    server.queue(status(429, retry_after=0), status(429))
    told_client.generate(PROMPT, face=FACE)
    assert [CallStarted, AttemptFailed, AttemptFailed, CallSucceeded] == [type(event) for event in heard]
    failures = [event for event in heard if isinstance(event, AttemptFailed)]
    assert [("generate", 1, 429, 0.0), ("generate", 2, 429, 0.0)] == [
        (event.operation, event.attempt, getattr(event.error, "status_code", None), event.retry_in)
        for event in failures
    ]
    assert isinstance(heard[-1], CallSucceeded)
    assert 3 == heard[-1].attempts


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (status(400), BadRequestError),
        ((CLOSE,), OutcomeUnknownError),
        (json_reply({"status": "failed", "error": "no face"}), GenerationFailedError),
    ],
    ids=["400", "close", "failed"],
)
def test_a_call_that_fails_tells_the_error_that_is_raised(
    told_client: AuraShot, server: ScriptedServer, heard: list[Event], reply: Any, kind: type[AuraShotError]
) -> None:
    """The last event carries the very error, which says by then what the call cost."""
    server.queue(reply)
    with pytest.raises(kind) as caught:
        told_client.generate(PROMPT, face=FACE)
    assert [CallStarted, CallFailed] == [type(event) for event in heard]
    failed = heard[-1]
    assert isinstance(failed, CallFailed)
    assert ("generate", caught.value) == (failed.operation, failed.error)
    assert (1, True) == (failed.error.attempts, failed.error.billed)
    assert 0 < failed.elapsed


def test_a_call_that_never_got_through_tells_every_attempt(make_client: Clients, heard: list[Event]) -> None:
    """Each refused connection is an event, and the last one is the end."""
    client = make_client(f"http://127.0.0.1:{closed_port()}", retry=QUICK, hooks=[heard.append])
    with pytest.raises(NotSentError) as caught:
        client.generate(PROMPT, face=FACE)
    assert [CallStarted, AttemptFailed, AttemptFailed, CallFailed] == [type(event) for event in heard]
    assert 3 == caught.value.attempts


def test_an_upload_is_a_call_of_its_own(told_client: AuraShot, heard: list[Event]) -> None:
    """A local picture is uploaded first: free, and without a key. The second time there is nothing to tell."""
    for _ in range(2):
        told_client.generate(PROMPT, face=png())
    assert ["upload", "upload", "generate", "generate", "generate", "generate"] == [event.operation for event in heard]
    assert CallStarted(operation="upload", billed=False, idempotency_key=None) == heard[0]


def test_what_is_refused_before_a_call_is_not_told(told_client: AuraShot, heard: list[Event]) -> None:
    """A bad argument is no call: nothing was sent."""
    with pytest.raises(ValueError, match="prompt"):
        told_client.generate("", face=FACE)
    assert [] == heard


def test_a_view_has_hooks_of_its_own(told_client: AuraShot, heard: list[Event]) -> None:
    """`with_options(hooks=...)` replaces the hooks for the view, and leaves the client's alone."""
    others: list[Event] = []
    told_client.with_options(hooks=[others.append]).generate(PROMPT, face=FACE)
    told_client.with_options(timeout=9.0).generate(PROMPT, face=FACE)
    assert [CallStarted, CallSucceeded] == [type(event) for event in others]
    assert [CallStarted, CallSucceeded] == [type(event) for event in heard]


def test_a_hook_that_raises_costs_no_picture(
    make_client: Clients, server: ScriptedServer, heard: list[Event], caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged with its traceback, the hooks after it are still told, and the answer arrives."""

    def broken(event: Event, /) -> None:
        raise RuntimeError("a bug in the hook")

    client = make_client(server.url, hooks=[broken, heard.append])
    assert client.generate(PROMPT, face=FACE).succeeded
    assert 2 == len(heard)
    errors = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert ["aurashot", "aurashot"] == [record.name for record in errors]
    assert 2 == caplog.text.count("RuntimeError: a bug in the hook")


def test_a_hook_may_not_swallow_an_interrupt() -> None:
    """Only ordinary errors are a hook's own business."""

    def interrupted(event: Event, /) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Teller((interrupted,)).tell(CallStarted(operation="edit", billed=True, idempotency_key=None))


def test_the_log_tells_the_story_and_no_secret(
    make_client: Clients, server: ScriptedServer, debug_log: pytest.LogCaptureFixture
) -> None:
    """At DEBUG every event is logged; key, prompt, picture addresses and signatures are in no line."""
    server.queue(status(429, retry_after=0))
    client = make_client(server.url, retry=QUICK)
    client.generate(PROMPT, face=FACE)
    server.queue((CLOSE,))
    with pytest.raises(OutcomeUnknownError):
        client.edit(PROMPT, target=FACE)
    client.upload(png())
    story = [record.getMessage().partition("(")[0] for record in debug_log.records if record.name == "aurashot"]
    assert [
        *("CallStarted", "AttemptFailed", "CallSucceeded"),
        *("CallStarted", "CallFailed"),
        *("CallStarted", "CallSucceeded"),
    ] == story
    for secret in (KEY, KEY[-12:], PROMPT, "somebody", "signature", "cdn.aurashot.art", "127.0.0.1"):
        assert secret not in debug_log.text


def test_nothing_is_made_when_nobody_listens(
    make_client: Clients,
    server: ScriptedServer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Without hooks and below DEBUG no event is even built."""

    def never(*_: object, **__: object) -> None:
        raise AssertionError("an event was made for nobody")

    for name in ("CallStarted", "AttemptFailed", "CallSucceeded", "CallFailed"):
        monkeypatch.setattr(f"aurashot.instrumentation.{name}", never)
    server.queue(status(429, retry_after=0), json_reply(GENERATION), status(400))
    client = make_client(server.url, retry=QUICK)
    with caplog.at_level(logging.INFO, "aurashot"):
        assert 2 == client.generate(PROMPT, face=FACE).meta.attempts
        with pytest.raises(BadRequestError):
            client.generate(PROMPT, face=FACE)


def test_an_exchange_is_told_from_its_first_moment(heard: list[Event]) -> None:
    """The start is told before the first request is made, and the same key is told and sent."""
    call = Call(operation="generate", path="/x", answer=Upload, content=b"{}", billed=True)
    requests = Requests("https://www.aurashot.art", ApiKey(KEY, "here"))
    exchange = Exchange(call, Deadline(5.0), Teller((heard.append,)), requests)
    assert [CallStarted(operation="generate", billed=True, idempotency_key=exchange.key)] == heard
    assert exchange.key
    assert 0 == exchange.attempts


@pytest.mark.parametrize(("level", "hooks", "listening"), [("DEBUG", 0, True), ("INFO", 0, False), ("INFO", 1, True)])
def test_somebody_listens_when_there_is_a_hook_or_debug(
    caplog: pytest.LogCaptureFixture,
    level: str,
    hooks: int,
    listening: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """Hooks listen always, the log at DEBUG."""
    with caplog.at_level(level, "aurashot"):
        assert listening == Teller(tuple([print] * hooks)).listening


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
    event = CallStarted(operation="edit", billed=True, idempotency_key=None)
    with pytest.raises(AttributeError):
        event.billed = False  # type: ignore[misc]  # what the test is about
    assert not hasattr(event, "__dict__")
    assert sorted(instrumentation.__all__) == instrumentation.__all__
