"""Servers that respond before they have read the body."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from aurashot import PayloadTooLargeError, PermissionDeniedError, RetryPolicy
from aurashot._engine import ssl_context
from aurashot._engine._early import Early
from lab.server import RESET, ScriptedServer, ca_file, json_response, server_tls, status
from tests.wire.images import FACE, padded_jpeg

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aurashot import AuraShot
    from lab.backends import Clients
    from lab.server import Response

BODY = 12_000_000  # bytes: more than the system takes while nobody reads them
REFUSED = status(413, connection="close")
UPLOADED = "https://cdn.aurashot.art/u/1.jpg"
REPLY = json_response({"url": UPLOADED})
QUICK = RetryPolicy(initial_delay=0.01)


@pytest.fixture(scope="module")
def photo() -> bytes:
    """Return a large photo."""
    return padded_jpeg(BODY)


@pytest.fixture(params=["http", "https"])
def early(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedServer]:
    """Return a server, plain and with TLS, whose certificate is trusted."""
    monkeypatch.setenv("SSL_CERT_FILE", str(ca_file()))
    ssl_context.cache_clear()
    with ScriptedServer.running(server_tls() if request.param == "https" else None) as running:
        yield running
    ssl_context.cache_clear()


def client_of(make_client: Clients, server: ScriptedServer, *, given: bool = False) -> AuraShot:
    """Return a client that uploads photos as they are."""
    own = {"http_client": make_client.http(httpx.AsyncClient)} if given else {}
    return make_client(server.url, retry=QUICK, timeout=20, strip_metadata=False, **own)


@pytest.mark.parametrize("given", [False, True], ids=["engine", "httpx"])
def test_refused_upload(make_client: Clients, early: ScriptedServer, photo: bytes, *, given: bool) -> None:
    """The response of a server that refuses an upload and resets the connection is the error, on every connection."""
    early.early = (*REFUSED, RESET)
    client = client_of(make_client, early, given=given)

    for attempts in range(1, 4):
        with pytest.raises(PayloadTooLargeError):
            client.upload(photo)
        assert attempts == early.connections


def test_refused_call(make_client: Clients, early: ScriptedServer) -> None:
    """A billed request that is refused before its body was read is rejected, not unknown."""
    early.early = (*status(403, connection="close"), RESET)

    with pytest.raises(PermissionDeniedError) as caught:
        client_of(make_client, early).generate("x" * BODY, face=FACE)
    assert ("rejected", 1) == (caught.value.outcome, caught.value.attempts)


def test_server_that_stops_reading(make_client: Clients, early: ScriptedServer, photo: bytes) -> None:
    """An upload ends with the response, although the server neither reads the rest nor closes the connection."""
    early.early = (b"HTTP/1.1 100 Continue\r\n\r\n", *REFUSED, 60.0)

    with pytest.raises(PayloadTooLargeError):
        client_of(make_client, early).upload(photo)


@pytest.mark.parametrize("more", [(), REPLY], ids=["keep-alive", "a second response"])
def test_early_success(make_client: Clients, early: ScriptedServer, photo: bytes, more: Response) -> None:
    """A success that comes early counts once the body is sent; what follows it is not taken for the next response."""
    early.early = (*REPLY, *more)
    client = client_of(make_client, early)
    uploaded = client.upload(photo)
    early.early = ()

    assert UPLOADED == uploaded.url
    assert client.generate("a cafe", face=FACE).succeeded
    assert (2 if more else 1) == early.connections


@pytest.mark.parametrize(
    ("received", "stops", "wanted"),
    [
        (b"", False, True),
        (b"HTTP/1.1 ", False, True),
        (b"HTTP/1.1 413 Content Too Large\r\n", True, False),
        (b"HTTP/1.1 307 Moved\r\n", True, False),
        (b"HTTP/1.1 200 OK\r\n", False, False),
        (b"HTTP/1.1 100 Continue\r\n", False, True),
        (b"HTTP/1.1 100 Continue\r\n\r\n", False, True),
        (b"HTTP/1.1 103 Early Hints\r\nLink: HTTP/1.1 413\r\n\r\nHTTP/1.1 503 Busy", True, False),
        (b"HTTP/1.1 103 Early Hints\r\nLink: HTTP/1.1 413\r\n\r\nHTTP/1.1 200 OK\r\n", False, False),
        (b"SSH-2.0-OpenSSH\r\n", False, False),
    ],
)
def test_what_ends_a_body(received: bytes, *, stops: bool, wanted: bool) -> None:
    """A body is sent to its end unless a final response refuses it; interim responses decide nothing."""
    early = Early()
    for byte in received:
        early.add(bytes([byte]))

    assert (stops, wanted) == (early.stops, early.wanted)
