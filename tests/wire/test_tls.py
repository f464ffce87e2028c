"""Certificates are checked, always."""

from __future__ import annotations

import os
import socket
import ssl
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from aurashot import (
    AsyncAuraShot,
    AuraShot,
    ConfigurationError,
    DownloadError,
    NotSentError,
    OutcomeUnknownError,
    RetryPolicy,
)
from aurashot._engine import ssl_context
from lab.backends import KEY
from lab.server import ScriptedServer, body, ca_file, closed_port, server_tls
from tests.wire.images import FACE, png

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aurashot.sandbox import SandboxServer
    from lab.backends import Clients


GARBLED = b"\x17\x03\x03\x00\x40" + bytes(64)
"""A record of application data (RFC 8446, 5.2) that does not decrypt."""


@pytest.fixture
def secure() -> Iterator[ScriptedServer]:
    """Return a server whose certificate no authority signed."""
    with ScriptedServer.running(server_tls()) as running:
        yield running


def test_unknown_certificate_is_final(make_client: Clients, secure: ScriptedServer) -> None:
    """A certificate that nobody vouches for ends the call at the first attempt, and nothing was sent."""
    with pytest.raises(NotSentError, match="certificate") as caught:
        make_client(secure.url).generate("a cafe", face=FACE)

    assert (True, 1, "not_sent") == (caught.value.final, caught.value.attempts, caught.value.outcome)
    assert [] == secure.requests


def test_trusted_certificate(make_client: Clients, secure: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """With an authority of one's own (SSL_CERT_FILE) calls and uploads travel in TLS, on one connection."""
    monkeypatch.setenv("SSL_CERT_FILE", str(ca_file()))
    ssl_context.cache_clear()
    try:
        client = make_client(secure.url)
        assert client.generate("a cafe", face=png()).succeeded
    finally:
        ssl_context.cache_clear()

    assert [1, 1] == [request.connection for request in secure.requests]


def trusting() -> ssl.SSLContext:
    """Return a TLS context that trusts the server's certificate."""
    return ssl.create_default_context(cafile=str(ca_file()))


def test_given_context(make_client: Clients, secure: ScriptedServer) -> None:
    """A TLS context with an authority of one's own serves calls, uploads and downloads."""
    client = make_client(secure.url, ssl_context=trusting())
    assert client.generate("a cafe", face=png()).succeeded
    secure.always((body(png(), "image/png"),))
    assert png() == client.read(f"{secure.url}/files/1.png")


@pytest.fixture
def garbled() -> Iterator[str]:
    """Return the URL of a server whose responses are records that no key of the connection has encrypted."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_respond_garbled, args=(listener,))
        thread.start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def _respond_garbled(listener: socket.socket) -> None:
    with suppress(OSError):
        while True:
            connection, _ = listener.accept()
            with server_tls().wrap_socket(connection, server_side=True) as secure, suppress(OSError):
                secure.recv(65_536)
                os.write(secure.fileno(), GARBLED)
                secure.recv(1)  # until the client has closed it


def test_garbled_record(make_client: Clients, garbled: str) -> None:
    """TLS that breaks after the handshake is a lost response, and its class is one of ours."""
    client = make_client(garbled, ssl_context=trusting(), retry=RetryPolicy(max_attempts=1))
    with pytest.raises(OutcomeUnknownError, match="The response was lost") as caught:
        client.generate("a cafe", face=FACE)
    assert ("unknown", True, 1) == (caught.value.outcome, caught.value.may_be_charged, caught.value.attempts)
    with pytest.raises(OutcomeUnknownError):
        client.upload(png())
    with pytest.raises(DownloadError):
        client.read(f"{garbled}/files/1.png")


def unverified() -> ssl.SSLContext:
    """Return a context that checks nothing."""
    context = trusting()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def nameless() -> ssl.SSLContext:
    """Return a context that takes the certificate of any host."""
    context = trusting()
    context.check_hostname = False
    return context


def optional() -> ssl.SSLContext:
    """Return a context that does not insist on a certificate."""
    context = nameless()
    context.verify_mode = ssl.CERT_OPTIONAL
    return context


@pytest.mark.parametrize("make", [AuraShot, AsyncAuraShot])
@pytest.mark.parametrize("context", [unverified, nameless, optional, server_tls, lambda: True, lambda: str(ca_file())])
def test_context_that_does_not_verify_is_refused(make: Callable[..., object], context: Callable[[], object]) -> None:
    """There is no option that turns the check of certificates off."""
    with pytest.raises(ConfigurationError, match=r"^ssl_context= "):
        make(KEY, ssl_context=context())


def test_context_that_stops_verifying_is_refused(make_client: Clients, secure: ScriptedServer) -> None:
    """A context that is changed later is checked again before it is used."""
    context = trusting()
    client = make_client(secure.url, ssl_context=context)
    context.check_hostname = False
    with pytest.raises(ConfigurationError, match="does not verify") as caught:
        client.generate("a cafe", face=FACE)
    with pytest.raises(ConfigurationError, match="does not verify"):
        client.read(f"{secure.url}/files/1.png")

    assert (False, 0) == (caught.value.may_be_charged, secure.connections)


def test_plain_http_to_one_named_host(
    make_client: Clients, sandbox_server: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sandbox that is reached by another name than loopback serves calls, uploads and downloads once it is named."""
    address = sandbox_server.url.replace("127.0.0.1", "0.0.0.0")  # another spelling of this machine
    with pytest.raises(ConfigurationError, match="must be https"):
        make_client(address, sandbox_server.api_key)
    monkeypatch.setenv("AURASHOT_ALLOW_HTTP", "0.0.0.0")  # nothing is bound to it
    monkeypatch.setenv("AURASHOT_DOWNLOAD_PROXY", f"http://127.0.0.1:{closed_port()}")
    client = make_client(address, sandbox_server.api_key)
    result = client.generate("a cafe", face=png(side=300))

    assert result.url.startswith(f"{address}/files/")
    assert client.read(result).startswith(b"\x89PNG")
