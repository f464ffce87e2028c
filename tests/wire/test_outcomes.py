"""What can go wrong after a billed request went out: one POST, one typed error, and what it says about the money."""

from __future__ import annotations

import gzip
from http import HTTPStatus
from typing import TYPE_CHECKING

import pytest

from aurashot import (
    APIStatusError,
    AuraShotError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    ContentBlockedError,
    GenerationFailedError,
    NotFoundError,
    OutcomeUnknownError,
    PayloadTooLargeError,
    PermissionDeniedError,
    QuotaExceededError,
    ServerError,
    UnexpectedResponseError,
)
from lab.server import (
    CLOSE,
    GENERATION,
    RESET,
    ScriptedServer,
    body,
    chunked,
    headers_only,
    json_response,
    redirect,
    status,
    unbounded,
)
from tests.wire.images import FACE

if TYPE_CHECKING:
    from aurashot import AuraShot, Outcome
    from lab.server import Response

WHOLE = json_response(GENERATION)[0]
assert isinstance(WHOLE, bytes)
CONTENT = WHOLE.partition(b"\r\n\r\n")[2]
HTML = b"<!doctype html><title>Bad gateway</title>"
PRESSED = gzip.compress(CONTENT)

LOST: dict[str, Response] = {
    "drop": (CLOSE,),
    "reset": (RESET,),
    "cut status line": (WHOLE[:9], CLOSE),
    "cut headers": (WHOLE[:40], CLOSE),
    "closed after the headers": (headers_only(content_length=len(CONTENT)), CLOSE),
    "reset after the headers": (headers_only(content_length=len(CONTENT)), 0.05, RESET),
    "cut body": (WHOLE[:-10], CLOSE),
    "cut chunk": (chunked(CONTENT)[:-15], CLOSE),
    "no last chunk": (chunked(CONTENT)[:-5], CLOSE),
    "bad chunk": (headers_only(transfer_encoding="chunked") + b"zz\r\nxx\r\n", CLOSE),
    "garbage": (b"\x16\x03\x01 not HTTP\r\n\r\n", CLOSE),
    "two lengths": (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n" + CONTENT, CLOSE),
    "negative length": (headers_only(content_length=-1) + CONTENT, CLOSE),
    "large headers": (headers_only(x_large="x" * 300_000) + CONTENT, CLOSE),
    "interim answer only": (headers_only(103), CLOSE),
    "other protocol": (headers_only(101, upgrade="websocket", connection="upgrade"), CLOSE),
}

BROKEN: dict[str, Response] = {
    "HTML": (body(HTML, "text/html"),),
    "half of the JSON": (body(CONTENT[:-10]),),
    "half of the JSON and no length": (unbounded(CONTENT[:-10]), CLOSE),
    "empty": (body(b""),),
    "204": (headers_only(204),),
    "null": (body(b"null"),),
    "a list": (body(b"[]"),),
    "no UTF-8": (body(b'{"status": "\xff\xfe"}'),),
    "deep JSON": (body(b"[" * 100_000),),
    "large number": (body(b'{"status": ' + b"9" * 5_000 + b"}"),),
    "no status": (body(b"{}"),),
    "cut gzip": (body(PRESSED[:-12], "application/json", 200, content_encoding="gzip"),),
    "no gzip": (body(CONTENT, "application/json", 200, content_encoding="gzip"),),
    "gzip bomb": (body(gzip.compress(bytes(20_000_000)), "application/json", 200, content_encoding="gzip"),),
    "unknown encoding": (body(CONTENT, "application/json", 200, content_encoding="br"),),
    "more than 8 MiB": (body(b" " * (8 * 1024 * 1024 + 1)),),
}

STATUSES: dict[int, tuple[type[AuraShotError], Outcome]] = {
    400: (BadRequestError, "rejected"),
    401: (AuthenticationError, "rejected"),
    402: (QuotaExceededError, "rejected"),
    403: (PermissionDeniedError, "rejected"),
    404: (NotFoundError, "rejected"),
    405: (APIStatusError, "rejected"),
    408: (APIStatusError, "unknown"),
    409: (ConflictError, "rejected"),
    413: (PayloadTooLargeError, "rejected"),
    418: (APIStatusError, "rejected"),
    422: (BadRequestError, "rejected"),
    500: (ServerError, "unknown"),
    501: (ServerError, "unknown"),
    502: (ServerError, "unknown"),
    503: (ServerError, "unknown"),
    504: (ServerError, "unknown"),
}


def fail(client: AuraShot, server: ScriptedServer) -> AuraShotError:
    """Return the error of a billed call, after checking what holds for each."""
    with pytest.raises(AuraShotError) as caught:
        client.generate("a cafe", face=FACE)
    (request,) = server.requests
    assert "POST" == request.method
    assert (1, True) == (caught.value.attempts, caught.value.billable)
    assert request.header("idempotency-key") == caught.value.idempotency_key
    return caught.value


@pytest.mark.parametrize("response", LOST.values(), ids=LOST)
def test_lost_response_is_an_unknown_outcome(client: AuraShot, server: ScriptedServer, response: Response) -> None:
    """When the response to a billed call is lost on the wire, nothing is sent again and the error says so."""
    server.always(response)
    error = fail(client, server)

    assert OutcomeUnknownError is type(error)
    assert ("unknown", True) == (error.outcome, error.may_be_charged)


@pytest.mark.parametrize("response", BROKEN.values(), ids=BROKEN)
def test_unusable_response_is_an_unknown_outcome(client: AuraShot, server: ScriptedServer, response: Response) -> None:
    """A 200 that is not this API's may have been paid for: nothing is sent again, and its bytes are kept."""
    server.always(response)
    error = fail(client, server)

    assert isinstance(error, UnexpectedResponseError)
    assert ("unknown", True) == (error.outcome, error.may_be_charged)
    assert len(error.body) <= 64 * 1024


@pytest.mark.parametrize("code", STATUSES)
def test_error_status(client: AuraShot, server: ScriptedServer, code: int) -> None:
    """Every error status but the ones that ask to come back ends a billed call at once, as an error of its own."""
    kind, outcome = STATUSES[code]
    server.always(status(code, "the_code", x_request_id="r-1"))
    error = fail(client, server)

    assert kind is type(error)
    assert isinstance(error, APIStatusError)
    assert (code, "the_code", "r-1") == (error.status_code, error.code, error.request_id)
    assert (outcome, outcome == "unknown") == (error.outcome, error.may_be_charged)


def test_web_page_of_a_gateway(client: AuraShot, server: ScriptedServer) -> None:
    """A gateway's page of HTML is kept on the error as text."""
    server.always((body(HTML, "text/html", 502),))
    error = fail(client, server)

    assert isinstance(error, ServerError)
    assert (HTML.decode(), "unknown") == (error.body, error.outcome)


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_redirect_is_refused(client: AuraShot, server: ScriptedServer, code: int) -> None:
    """A redirect is never followed: neither the key nor the request reaches another host, nor the same one again."""
    with ScriptedServer.running() as other:
        server.always(redirect(f"{other.url}/v1/character/generate", code))
        error = fail(client, server)

        assert isinstance(error, UnexpectedResponseError)
        assert code == error.status_code
        assert ("rejected" if code in {307, 308} else "unknown") == error.outcome
        assert 0 == other.connections


def test_redirect_to_nowhere(client: AuraShot, server: ScriptedServer) -> None:
    """A redirect without an address, or with one that is none, is an error like any other redirect."""
    server.always((body(b"", "text/plain", 302),))

    assert HTTPStatus.FOUND == getattr(fail(client, server), "status_code", None)


def test_failed_work_was_accepted(client: AuraShot, server: ScriptedServer) -> None:
    """The status `failed` with HTTP 200 is an error that carries the whole response."""
    server.always(json_response({**GENERATION, "status": "failed", "outputs": [], "error": {"message": "no face"}}))
    error = fail(client, server)

    assert GenerationFailedError is type(error)
    assert isinstance(error, GenerationFailedError)
    assert error.generation is not None
    assert (GENERATION["requestId"], "accepted") == (error.generation.request_id, error.outcome)
    assert "no face" in str(error)


def test_blocked_content(client: AuraShot, server: ScriptedServer) -> None:
    """A refusal for the content is an error of its own."""
    server.always(json_response({**GENERATION, "status": "failed", "outputs": [], "code": "content_policy"}))

    assert isinstance(fail(client, server), ContentBlockedError)


def test_success_without_an_image(client: AuraShot, server: ScriptedServer) -> None:
    """A success with no outputs was accepted, so it may be on the bill."""
    server.always(json_response({**GENERATION, "outputs": []}))
    error = fail(client, server)

    assert isinstance(error, UnexpectedResponseError)
    assert ("accepted", True, GENERATION["requestId"]) == (error.outcome, error.may_be_charged, error.request_id)


def test_gzip_response_is_read(client: AuraShot, server: ScriptedServer) -> None:
    """A compressed response that was not asked for is read all the same: it was paid for."""
    server.always((body(PRESSED, "application/json", 200, content_encoding="gzip"),))

    assert client.generate("a cafe", face=FACE).succeeded


@pytest.mark.parametrize(
    "response",
    [(chunked(CONTENT),), (unbounded(CONTENT), CLOSE), (headers_only(103) + WHOLE,), (body(CONTENT, "text/plain"),)],
    ids=["chunked", "no length", "interim answer first", "called text"],
)
def test_odd_but_whole_response_is_read(client: AuraShot, server: ScriptedServer, response: Response) -> None:
    """However a whole response is framed or called, it is read."""
    server.always(response)

    assert GENERATION["requestId"] == client.generate("a cafe", face=FACE).request_id
