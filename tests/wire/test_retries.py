"""What is sent again, and what it carries then."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from aurashot import (
    APIConnectionError,
    NotSentError,
    OutcomeUnknownError,
    QuotaExceededError,
    RateLimitError,
    RetryPolicy,
    ServerError,
)
from aurashot.instrumentation import RetryScheduled
from lab.server import CLOSE, GENERATION, RESET, ScriptedServer, body, closed_port, status
from tests.stopwatch import no_later
from tests.wire.images import FACE

if TYPE_CHECKING:
    from aurashot import AuraShot
    from aurashot.instrumentation import Event
    from lab.backends import Clients
    from lab.server import Response

QUICK = RetryPolicy(initial_delay=0.01, max_delay=0.02)


@pytest.mark.parametrize("code", [429, 503])
def test_come_back_later_is_retried_under_one_key(client: AuraShot, server: ScriptedServer, code: int) -> None:
    """A refusal that says when to come back is obeyed; the request is the same to the last byte."""
    server.queue(status(code, retry_after="0.1"), status(code, retry_after="0.1"))
    began = time.monotonic()
    with no_later(0.2):
        response = client.generate("a cafe", face=FACE)

    assert time.monotonic() - began >= 0.2
    assert 3 == response.meta.attempts
    assert 1 == len({(request.header("idempotency-key"), request.body) for request in server.requests})


def test_rate_limit_without_a_time_is_retried(client: AuraShot, server: ScriptedServer) -> None:
    """A 429 that does not say when to come back is retried after the policy's own waits."""
    server.queue(status(429))

    assert 2 == client.generate("a cafe", face=FACE).meta.attempts


def test_attempts_come_to_an_end(client: AuraShot, server: ScriptedServer) -> None:
    """After the last attempt the caller gets the last error, with the number of attempts on it."""
    server.always(status(429, retry_after=0))
    with pytest.raises(RateLimitError) as caught:
        client.generate("a cafe", face=FACE)

    assert ("rejected", 4, 4) == (caught.value.outcome, caught.value.attempts, len(server.requests))


@pytest.mark.parametrize(
    "response",
    [
        status(429, "insufficient_credits", retry_after=0),
        status(429, "quota_exceeded", retry_after=0),
        status(402, retry_after=0),
        status(403, "billing_hard_limit", retry_after=0),
    ],
    ids=["429 credits", "429 quota", "402", "403 billing"],
)
def test_empty_account_is_never_retried(client: AuraShot, server: ScriptedServer, response: Response) -> None:
    """An account without images has none a second later either."""
    server.always(response)
    with pytest.raises(QuotaExceededError) as caught:
        client.generate("a cafe", face=FACE)

    assert ("rejected", 1) == (caught.value.outcome, len(server.requests))


def test_retry_after_that_does_not_fit_raises_at_once(client: AuraShot, server: ScriptedServer) -> None:
    """When the service says to come back after the deadline, the caller is told now, and told when."""
    server.always(status(429, retry_after=60))
    with no_later(0), pytest.raises(RateLimitError) as caught:
        client.generate("a cafe", face=FACE)

    assert (60.0, 1, 1) == (caught.value.retry_after, caught.value.attempts, len(server.requests))


def test_refused_connections_end_as_not_sent(make_client: Clients) -> None:
    """When nobody listens, every attempt of the policy is made, and the error says that nothing was sent."""
    client = make_client(f"http://127.0.0.1:{closed_port()}", retry=QUICK)
    with pytest.raises(NotSentError) as caught:
        client.generate("a cafe", face=FACE)

    assert ("not_sent", False, 4) == (caught.value.outcome, caught.value.may_be_charged, caught.value.attempts)
    assert not caught.value.final


def test_refused_connection_is_tried_again(make_client: Clients) -> None:
    """A call succeeds when the service comes up between two attempts."""
    port = closed_port()
    with ExitStack() as stack:

        def come_up(event: Event) -> None:
            if isinstance(event, RetryScheduled):
                stack.enter_context(ScriptedServer.running(port=port))

        client = make_client(f"http://127.0.0.1:{port}", retry=QUICK, hooks=[come_up])
        assert 2 == client.generate("a cafe", face=FACE).meta.attempts


@pytest.mark.parametrize(
    "lost", [(CLOSE,), (RESET,), (body(b"{"),), status(500), status(504)], ids=["drop", "reset", "JSON", "500", "504"]
)
def test_unknown_outcome_is_repeated_when_asked_for(
    make_client: Clients, server: ScriptedServer, lost: Response
) -> None:
    """With `retry_unknown=True` the same body goes out again under the same key."""
    server.queue(lost)
    client = make_client(server.url, retry=RetryPolicy(initial_delay=0.01, retry_unknown=True))

    assert GENERATION["requestId"] == client.generate("a cafe", face=FACE).request_id
    first, second = server.requests
    assert first.body == second.body
    assert first.header("idempotency-key") == second.header("idempotency-key")


def test_connection_that_ends_at_once_is_no_proof(client: AuraShot, server: ScriptedServer) -> None:
    """A connection that was accepted and then ended may have delivered the request: it is not sent again."""
    server.greeting = (CLOSE,)
    with pytest.raises(OutcomeUnknownError) as caught:
        client.generate("a cafe", face=FACE)

    assert (1, 1) == (caught.value.attempts, server.connections)


def test_connection_that_is_reset_at_once(client: AuraShot, server: ScriptedServer) -> None:
    """A reset that comes before the connection is set up is retried; one that comes later ends the call."""
    server.greeting = (RESET,)
    with pytest.raises(APIConnectionError) as caught:
        client.generate("a cafe", face=FACE)

    assert server.connections == caught.value.attempts
    assert 4 == caught.value.attempts or isinstance(caught.value, OutcomeUnknownError)


def test_question_about_a_job_is_repeated(client: AuraShot, server: ScriptedServer) -> None:
    """A question costs nothing, so it is asked again when its response was lost."""
    server.queue((CLOSE,), status(500))

    assert client.legacy.query(workflow="pose_change", task_id="task-1").completed
    assert 3 == len(server.requests)


def test_an_outage_costs_one_request_a_call_in_the_end(make_client: Clients, server: ScriptedServer) -> None:
    """Once the retry budget of a client is spent, an error is raised after one request."""
    server.always(status(503, retry_after=0))
    client = make_client(server.url, retry=QUICK)
    for _ in range(20):
        with pytest.raises(ServerError):
            client.generate("a cafe", face=FACE)

    assert 20 + 500 // 14 == len(server.requests)
