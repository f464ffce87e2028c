"""Certificates are checked, always."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aurashot import NotSentError
from aurashot._engine import ssl_context
from lab.server import CERTIFICATE, ScriptedServer, server_tls
from tests.wire.images import FACE, png

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab.backends import Clients


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
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    ssl_context.cache_clear()
    try:
        client = make_client(secure.url)
        assert client.generate("a cafe", face=png()).succeeded
    finally:
        ssl_context.cache_clear()

    assert [1, 1] == [request.connection for request in secure.requests]
