"""`http_client=`: an httpx client of the caller's own, with whatever transport it has."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from httpx_aiohttp import HttpxAiohttpClient

from aurashot import (
    AsyncAuraShot,
    AuraShot,
    AuraShotError,
    BadRequestError,
    ConfigurationError,
    NotSentError,
    OutcomeUnknownError,
    PayloadTooLargeError,
    RateLimitError,
    RetryPolicy,
    ServerError,
    UnexpectedResponseError,
)
from lab.backends import KEY, clients
from lab.server import (
    CLOSE,
    GENERATION,
    RESET,
    ScriptedServer,
    body,
    closed_port,
    headers_only,
    redirect,
)
from tests.wire.images import FACE, UPLOADS, png

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab.backends import Clients
    from lab.server import Response

QUICK = RetryPolicy(initial_delay=0.01)

LOST: dict[str, Response] = {
    "drop": (CLOSE,),
    "reset": (RESET,),
    "cut headers": (b"HTTP/1.1 200 OK\r\nContent-", CLOSE),
    "cut body": (headers_only(content_length=100), b'{"status"', CLOSE),
    "garbage": (b"\x16\x03\x01 not HTTP\r\n\r\n", CLOSE),
    "large headers": (headers_only(x_large="x" * 300_000), CLOSE),
}


class Given:
    """A maker of clients, and the kind of httpx client to give them."""

    def __init__(self, make: Clients, kind: type[httpx.AsyncClient]) -> None:
        self.make = make
        self._kind = kind

    def http(self, **options: Any) -> Any:
        """Return an httpx client."""
        return self.make.http(self._kind, **options)

    def __call__(self, base_url: str, **options: Any) -> AuraShot:
        """Return a client that sends over an httpx client of its own."""
        return self.make(base_url, http_client=self.http(), **options)


@pytest.fixture(params=["sync", "asyncio", "trio", "aiohttp"])
def given(request: pytest.FixtureRequest) -> Iterator[Given]:
    """Run a test over httpx in each backend, and over aiohttp's transport."""
    aiohttp = request.param == "aiohttp"
    with clients("asyncio" if aiohttp else request.param) as make:
        yield Given(make, HttpxAiohttpClient if aiohttp else httpx.AsyncClient)


def test_calls_and_uploads(given: Given, server: ScriptedServer) -> None:
    """A given client carries calls and uploads, signed once each."""
    response = given(server.url).generate("a cafe", face=png())

    assert response.succeeded
    assert [[f"Bearer {KEY}"]] * 2 == [request.all("authorization") for request in server.requests]
    assert {"face": "https://cdn.aurashot.art/u/1.jpg"} == server.requests[1].json["images"]


def test_its_headers_are_sent(given: Given, server: ScriptedServer) -> None:
    """The headers of a given client go out too, and lose against the ones that the API needs."""
    http_client = given.http(headers={"X-Team": "blue", "Authorization": "Basic c2VjcmV0", "Accept": "text/html"})
    given.make(server.url, http_client=http_client).generate("a cafe", face=FACE)

    (request,) = server.requests
    assert ("blue", f"Bearer {KEY}", "application/json") == (
        request.header("x-team"),
        request.header("authorization"),
        request.header("accept"),
    )
    assert "identity" == request.header("accept-encoding")
    assert str(request.header("user-agent")).startswith("aurashot/")


@pytest.mark.parametrize("response", LOST.values(), ids=LOST)
def test_lost_response_is_an_unknown_outcome(given: Given, server: ScriptedServer, response: Response) -> None:
    """Whatever the transport calls it, a response that was lost after the work may have been paid for."""
    server.always(response)
    with pytest.raises(AuraShotError) as caught:
        given(server.url, retry=QUICK).generate("a cafe", face=FACE)

    assert ("unknown", True, 1) == (caught.value.outcome, caught.value.may_be_charged, caught.value.attempts)
    assert 1 == len(server.requests)


def test_refused_connection_is_not_sent(given: Given) -> None:
    """Whatever the transport calls it, a refused connection is retried and ends as not sent."""
    with pytest.raises(NotSentError) as caught:
        given(f"http://127.0.0.1:{closed_port()}", retry=QUICK).generate("a cafe", face=FACE)

    assert ("not_sent", 4) == (caught.value.outcome, caught.value.attempts)


def test_uploads_are_retried(given: Given, server: ScriptedServer) -> None:
    """An upload is sent again over a given client, too."""
    server.queue((CLOSE,), path=UPLOADS)

    assert given(server.url, retry=QUICK).upload(png()).url
    assert [True, True] == [png() in request.body for request in server.posts(UPLOADS)]


def test_redirects_are_not_followed(given: Given, server: ScriptedServer) -> None:
    """A given client that follows redirects does not do so for the API."""
    with ScriptedServer.running() as other:
        server.always(redirect(other.url))
        client = given.make(server.url, http_client=given.http(follow_redirects=True))
        with pytest.raises(AuraShotError):
            client.generate("a cafe", face=FACE)

        assert (1, 0) == (len(server.requests), other.connections)


def test_it_stays_open(given: Given, server: ScriptedServer) -> None:
    """A given client is left open, for whoever gave it."""
    http_client = given.http()
    client = given.make(server.url, http_client=http_client)
    client.generate("a cafe", face=FACE)
    client.close()

    assert not http_client.is_closed
    assert given.make(server.url, http_client=http_client).generate("a cafe", face=FACE).succeeded


def test_closed_one_is_refused(given: Given, server: ScriptedServer) -> None:
    """A given client that was closed by its owner is named as the reason."""
    http_client = given.http()
    client = given.make(server.url, http_client=http_client)
    given.make.close(http_client)
    with pytest.raises(ConfigurationError, match="http_client"):
        client.generate("a cafe", face=FACE)

    assert [] == server.requests


def test_hook_that_reads_responses(make_client: Clients, backend: str, server: ScriptedServer) -> None:
    """An event hook of a given client may read a response, compressed or not, before it is used."""
    seen: list[bytes] = []

    def read(response: httpx.Response) -> None:
        seen.append(response.read())

    async def aread(response: httpx.Response) -> None:
        seen.append(await response.aread())

    hook = read if backend == "sync" else aread
    client = make_client(server.url, http_client=make_client.http(event_hooks={"response": [hook]}))
    content = json.dumps(GENERATION).encode()
    server.queue((body(content),), (body(gzip.compress(content), "application/json", 200, content_encoding="gzip"),))

    assert [True, True] == [client.generate("a cafe", face=FACE).succeeded for _ in range(2)]
    assert [content] * 2 == seen


RAISED = {
    413: ("rejected", PayloadTooLargeError),
    422: ("rejected", BadRequestError),
    429: ("rejected", RateLimitError),
    307: ("rejected", UnexpectedResponseError),
    500: ("unknown", ServerError),
}


@pytest.mark.parametrize("reads", [True, False])
@pytest.mark.parametrize("code", RAISED)
def test_hook_that_raises_for_status(
    make_client: Clients, backend: str, server: ScriptedServer, code: int, *, reads: bool
) -> None:
    """A refusal stays one when an event hook of a given client calls `raise_for_status`."""

    def check(response: httpx.Response) -> None:
        if reads:
            response.read()
        response.raise_for_status()

    async def acheck(response: httpx.Response) -> None:
        if reads:
            await response.aread()
        response.raise_for_status()

    hook = check if backend == "sync" else acheck
    http_client = make_client.http(event_hooks={"response": [hook]})
    content = gzip.compress(b'{"message": "no"}')
    server.always((body(content, "application/json", code, content_encoding="gzip", retry_after=7, location="/a"),))
    with pytest.raises(AuraShotError) as caught:
        make_client(server.url, http_client=http_client, retry=1).generate("a cafe", face=FACE)

    outcome, kind = RAISED[code]
    assert (outcome, kind, 1) == (caught.value.outcome, type(caught.value), caught.value.attempts)
    assert (code == 500) is caught.value.may_be_charged
    assert code not in {413, 429, 500} or 7 == caught.value.retry_after
    assert 1 == len(server.requests)


def test_hook_that_fails_at_another_request(make_client: Clients, backend: str, server: ScriptedServer) -> None:
    """The status of another request, for a token perhaps, says nothing about this one."""
    other = httpx.Response(401, request=httpx.Request("GET", "https://tokens.example.com"))

    def check(_: httpx.Response) -> None:
        other.raise_for_status()

    async def acheck(_: httpx.Response) -> None:
        other.raise_for_status()

    hook = check if backend == "sync" else acheck
    client = make_client(server.url, http_client=make_client.http(event_hooks={"response": [hook]}))
    with pytest.raises(OutcomeUnknownError) as caught:
        client.generate("a cafe", face=FACE)

    assert (True, 1) == (caught.value.may_be_charged, len(server.requests))


def test_transport_that_makes_responses_up(make_client: Clients) -> None:
    """A given client may have a transport that asks nobody."""
    made_up = httpx.MockTransport(lambda request: httpx.Response(200, json=dict(GENERATION)))
    client = make_client("https://www.aurashot.art", http_client=make_client.http(transport=made_up))

    assert GENERATION["requestId"] == client.generate("a cafe", face=FACE).request_id


def test_wrong_colour_is_refused() -> None:
    """A blocking client takes a blocking httpx client, and an async one an async one."""
    with httpx.Client() as blocking:
        with pytest.raises(ConfigurationError, match=r"httpx\.Client, not AsyncClient"):
            AuraShot(KEY, http_client=httpx.AsyncClient())  # type: ignore[arg-type]  # the mistake is the point
        with pytest.raises(ConfigurationError, match=r"httpx\.AsyncClient, not Client"):
            AsyncAuraShot(KEY, http_client=blocking)  # type: ignore[arg-type]  # the mistake is the point
