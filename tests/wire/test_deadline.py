"""`timeout=` is the time of the whole call, whatever the server does with its bytes."""

from __future__ import annotations

import io
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import httpx
import pytest

from aurashot import AsyncAuraShot, ConfigurationError, DeadlineExceededError, RateLimitError, RetryPolicy
from lab.backends import KEY
from lab.server import (
    CLOSE,
    GENERATION,
    HOLD,
    Response,
    ScriptedServer,
    headers_only,
    json_response,
    status,
    wait_until,
)
from tests.stopwatch import FOR_LONG, in_time, no_later
from tests.wire.images import FACE, GENERATE, UPLOADS, padded_jpeg, png

if TYPE_CHECKING:
    from aurashot import AuraShot
    from lab.backends import Clients

TIMEOUT = 0.3
TIME_TO_SEND = 2.0
"""The timeout of calls whose request has to be sent in it, however busy the machine is."""

WHOLE = json_response(GENERATION)[0]
assert isinstance(WHOLE, bytes)


def trickled(start: bytes, drop: bytes) -> Response:
    """Return a reply that sends some bytes every twentieth of a second, `FOR_LONG`."""
    return (start, *(part for _ in range(int(FOR_LONG / 0.05)) for part in (0.05, drop)), CLOSE)


SLOW: dict[str, Response] = {
    "no answer": (HOLD,),
    "no body": (headers_only(content_length=1_000), HOLD),
    "half a body": (WHOLE[:-10], HOLD),
    "a trickled status line": trickled(b"HTTP/1.1 200 ", b"O"),
    "trickled headers": trickled(b"HTTP/1.1 200 OK\r\n", b"x: y\r\n"),
    "a trickled body": trickled(headers_only(content_length=1_000), b" "),
    "a trickled body without length": trickled(headers_only(connection="close"), b" "),
    "interim answers": trickled(b"", headers_only(103)),
}


@pytest.mark.parametrize("response", SLOW.values(), ids=SLOW)
def test_slow_response_ends_with_the_deadline(client: AuraShot, server: ScriptedServer, response: Response) -> None:
    """However slowly a response comes, the call ends in its time; the request was sent once and may be paid for."""
    server.always(response)
    with in_time(TIME_TO_SEND), pytest.raises(DeadlineExceededError) as caught:
        client.generate("a cafe", face=FACE, timeout=TIME_TO_SEND)

    assert ("unknown", True, 1) == (caught.value.outcome, caught.value.may_be_charged, caught.value.attempts)
    assert 1 == len(server.requests)
    assert server.requests[0].header("idempotency-key") == caught.value.idempotency_key


@pytest.mark.parametrize("name", ["no answer", "half a body", "a trickled body"])
def test_deadline_of_a_given_client(make_client: Clients, server: ScriptedServer, name: str) -> None:
    """A call over an httpx client of the caller's own keeps to its deadline, too."""
    client = make_client(server.url, http_client=make_client.http(timeout=30))
    server.always(SLOW[name])
    with in_time(TIME_TO_SEND), pytest.raises(DeadlineExceededError) as caught:
        client.generate("a cafe", face=FACE, timeout=TIME_TO_SEND)

    assert "unknown" == caught.value.outcome


@pytest.mark.anyio
async def test_given_client_that_does_not_keep_the_deadline(server: ScriptedServer) -> None:
    """An async call is cut off when the httpx client that was given lets headers trickle in for ever."""
    server.always(SLOW["trickled headers"])
    async with httpx.AsyncClient() as http_client:
        client = AsyncAuraShot(KEY, base_url=server.url, http_client=http_client)
        with in_time(TIME_TO_SEND), pytest.raises(DeadlineExceededError) as caught:
            await client.generate("a cafe", face=FACE, timeout=TIME_TO_SEND)

    assert "unknown" == caught.value.outcome


@pytest.mark.anyio
async def test_a_time_limit_of_the_given_client_itself_is_its_own(server: ScriptedServer) -> None:
    """A TimeoutError that is not the deadline's passes through, like every error that no transport raises."""

    async def give_up(request: httpx.Request) -> None:
        raise TimeoutError("the hook's own limit")

    async with httpx.AsyncClient(event_hooks={"request": [give_up]}) as http_client:
        client = AsyncAuraShot(KEY, base_url=server.url, http_client=http_client)
        with pytest.raises(TimeoutError, match="the hook's own limit"):
            await client.generate("a cafe", face=FACE)


def test_job_that_is_not_done_in_time(client: AuraShot, server: ScriptedServer) -> None:
    """A pause between two questions that would not end in time is not begun; the job is named on the error."""
    server.always(json_response({"status": "processing", "workflow": "pose_change", "executionId": "run-7"}))
    with pytest.raises(DeadlineExceededError) as caught:
        client.legacy.pose_change(FACE, "arms crossed", wait=True, timeout=0.9)

    assert ("accepted", True) == (caught.value.outcome, caught.value.may_be_charged)
    assert ["run-7"] == [getattr(job, "execution_id", None) for job in caught.value.delivered]
    assert 1 == len(server.requests)


def test_upload_counts(client: AuraShot, server: ScriptedServer) -> None:
    """A call whose upload does not come to an end in time has sent no billed request."""
    server.always((HOLD,), path=UPLOADS)
    with in_time(TIMEOUT), pytest.raises(DeadlineExceededError) as caught:
        client.generate("a cafe", face=png(), timeout=TIMEOUT)

    assert not caught.value.may_be_charged
    assert [] == server.posts(GENERATE)


def test_time_of_the_upload_is_missing_later(client: AuraShot, server: ScriptedServer) -> None:
    """What the upload took is no longer there for the generation."""
    server.always((0.5, *json_response({"url": FACE})), path=UPLOADS)
    server.always((HOLD,), path=GENERATE)
    with in_time(2), pytest.raises(DeadlineExceededError) as caught:
        client.generate("a cafe", face=png(), timeout=2)

    assert caught.value.may_be_charged


def test_server_that_stops_reading(client: AuraShot, server: ScriptedServer) -> None:
    """An upload that the server does not read ends with the deadline."""
    server.greeting = (FOR_LONG, CLOSE)
    with in_time(TIMEOUT), pytest.raises(DeadlineExceededError):
        client.upload(padded_jpeg(16 * 1024 * 1024), timeout=TIMEOUT)


def test_silent_handshake(make_client: Clients, server: ScriptedServer) -> None:
    """A server that accepts and never says a word of TLS was sent nothing."""
    server.greeting = (FOR_LONG, CLOSE)
    client = make_client(server.url.replace("http:", "https:"))
    with in_time(TIMEOUT), pytest.raises(DeadlineExceededError) as caught:
        client.generate("a cafe", face=FACE, timeout=TIMEOUT)

    assert ("not_sent", False) == (caught.value.outcome, caught.value.may_be_charged)


def test_waits_between_attempts_count(make_client: Clients, server: ScriptedServer) -> None:
    """A wait that would not end in time is not begun."""
    server.always(status(429, retry_after="1"))
    client = make_client(server.url, retry=RetryPolicy(max_attempts=10))
    with no_later(1.9), pytest.raises(RateLimitError) as caught:
        client.generate("a cafe", face=FACE, timeout=1.9)

    assert (2, 2) == (caught.value.attempts, len(server.requests))


def test_wait_for_a_connection_counts(make_client: Clients, server: ScriptedServer) -> None:
    """A call that gets no connection in time has sent nothing."""
    server.always((HOLD,))
    client = make_client(server.url, max_connections=1)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(client.generate, "the first", face=FACE, timeout=1.5)
        wait_until(lambda: len(server.requests) == 1)
        with in_time(TIMEOUT), pytest.raises(DeadlineExceededError) as caught:
            client.generate("the second", face=FACE, timeout=TIMEOUT)
        with pytest.raises(DeadlineExceededError):
            first.result()

    assert ("not_sent", False) == (caught.value.outcome, caught.value.may_be_charged)
    assert ["the first"] == [request.json["prompt"] for request in server.requests]


def test_client_without_a_timeout_of_its_own_uses_the_clients(make_client: Clients, server: ScriptedServer) -> None:
    """The client's own timeout holds for every call, and a view's for the calls through the view."""
    server.always((HOLD,))
    client = make_client(server.url, timeout=0.2)
    with in_time(0.2), pytest.raises(DeadlineExceededError):
        client.generate("a cafe", face=FACE)
    with in_time(TIMEOUT), pytest.raises(DeadlineExceededError):
        client.with_options(timeout=TIMEOUT).generate("a cafe", face=FACE)


@pytest.mark.parametrize("timeout", [0, -1, float("inf"), float("nan")])
def test_impossible_timeouts(make_client: Clients, timeout: float) -> None:
    """A timeout is a number of seconds above nothing."""
    with pytest.raises(ConfigurationError, match="timeout"):
        make_client("http://127.0.0.1:1", timeout=timeout)


class EndlessFile(io.RawIOBase):
    """A file that gives some bytes every twentieth of a second, for ever."""

    def __init__(self) -> None:
        self.reads = 0

    def readable(self) -> bool:
        """Whether it can be read."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Return a kilobyte."""
        self.reads += 1
        time.sleep(0.05)  # as a slow source: without it, the limit on bytes would end the reading first
        return bytes(1024)


def test_preparing_ends_with_the_time(client: AuraShot, server: ScriptedServer) -> None:
    """In the middle of its work: the image is not read to its end behind the caller's back, and nothing is sent."""
    file = EndlessFile()
    with in_time(TIMEOUT), pytest.raises(DeadlineExceededError) as caught:
        client.generate("a cafe", face=file, timeout=TIMEOUT)
    assert ("not_sent", False, 0) == (caught.value.outcome, caught.value.may_be_charged, len(server.requests))

    def is_left_alone() -> bool:
        reads = file.reads
        time.sleep(0.3)  # that nobody reads on can only be seen after a while: six more reads would fit in
        return reads == file.reads

    wait_until(is_left_alone)  # a thread that nobody waits for any more may be in its last read
    assert is_left_alone()
