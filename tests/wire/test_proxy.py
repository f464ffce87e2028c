"""Proxies of the environment, and what their refusal means."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from aurashot import DeadlineExceededError, NotSentError, RetryPolicy
from aurashot._engine import ssl_context
from aurashot.ledger import SpendCap, SQLiteLedger
from lab.backends import KEY
from lab.server import CLOSE, HOLD, RESET, START_TLS, ca_file, closed_port, status
from tests.wire.images import FACE, GENERATE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from aurashot import AuraShot
    from lab.backends import Clients
    from lab.server import Response, ScriptedServer

QUICK = RetryPolicy(max_attempts=2, initial_delay=0.01)
ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


@pytest.fixture
def _trusting(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Trust the certificate of the scripted servers."""
    monkeypatch.setenv("SSL_CERT_FILE", str(ca_file()))
    ssl_context.cache_clear()
    yield
    ssl_context.cache_clear()


@pytest.mark.usefixtures("_trusting")
def test_no_proxy(make_client: Clients, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_PROXY names hosts that are reached without the proxy."""
    monkeypatch.setenv("HTTPS_PROXY", server.url)
    monkeypatch.setenv("NO_PROXY", "0.0.0.0")
    with pytest.raises(NotSentError):
        make_client(f"https://0.0.0.0:{closed_port()}", retry=QUICK).generate("a cafe", face=FACE)
    assert [] == server.requests


@pytest.mark.usefixtures("_trusting")
def test_tunnel(make_client: Clients, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """An https service is reached through a tunnel; the proxy sees its address and never the key."""
    monkeypatch.setenv("HTTPS_PROXY", server.url.replace("//", "//user:secret@"))
    server.queue((ESTABLISHED, START_TLS), path="images.example.com:8443")

    assert make_client("https://images.example.com:8443").generate("a cafe", face=FACE).succeeded
    connect, post = server.requests
    assert ("CONNECT", "images.example.com:8443", None) == (
        connect.method,
        connect.path,
        connect.header("authorization"),
    )
    assert str(connect.header("proxy-authorization")).startswith("Basic ")
    assert ("POST", GENERATE, f"Bearer {KEY}") == (post.method, post.path, post.header("authorization"))
    assert post.header("proxy-authorization") is None


@pytest.mark.usefixtures("_trusting")
def test_tunnel_to_another_host(make_client: Clients, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A certificate of another host than the one that was asked for ends the call at the first attempt."""
    monkeypatch.setenv("HTTPS_PROXY", server.url)
    server.always((ESTABLISHED, START_TLS))
    with pytest.raises(NotSentError, match="certificate") as caught:
        make_client("https://www.aurashot.art", retry=QUICK).generate("a cafe", face=FACE)

    assert (True, 1) == (caught.value.final, caught.value.attempts)
    assert ["CONNECT"] == [request.method for request in server.requests]


@pytest.mark.parametrize("code", [403, 407, 502])
def test_refusing_proxy(
    make_client: Clients, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """When the proxy refuses the tunnel, nothing was sent."""
    monkeypatch.setenv("HTTPS_PROXY", server.url)
    server.always(status(code))
    with pytest.raises(NotSentError) as caught:
        make_client("https://www.aurashot.art", retry=QUICK).generate("a cafe", face=FACE)

    assert ("not_sent", False, 2) == (caught.value.outcome, caught.value.may_be_charged, caught.value.attempts)
    assert {"CONNECT"} == {request.method for request in server.requests}
    assert [] == [request for request in server.requests if KEY in str(request.headers)]


LOST_TUNNELS = {
    "closed": (CLOSE,),
    "reset": (RESET,),
    "junk": (b"no proxy is here\r\n\r\n", CLOSE),
    "half a status line": (b"HTTP/1.1 20", CLOSE),
    "closed before TLS": (ESTABLISHED, CLOSE),
}


@pytest.fixture(params=["our own engine", "a given client"])
def behind_proxy(
    request: pytest.FixtureRequest, make_client: Clients, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., AuraShot]:
    """Return a maker of clients that have to go through the server as a proxy."""
    if request.param == "our own engine":
        monkeypatch.setenv("HTTPS_PROXY", server.url)
        return partial(make_client, "https://www.aurashot.art")
    return partial(make_client, "https://www.aurashot.art", http_client=make_client.http(proxy=server.url))


@pytest.mark.parametrize("reply", LOST_TUNNELS.values(), ids=LOST_TUNNELS)
def test_proxy_that_opens_no_tunnel(
    behind_proxy: Callable[..., AuraShot], server: ScriptedServer, reply: Response, tmp_path: Path
) -> None:
    """What the proxy read was its own CONNECT: nothing was sent, it is retried, and no cap is used up."""
    server.always(reply)
    with SQLiteLedger(tmp_path / "spend.db", cap=SpendCap(max_images=1)) as ledger:
        client = behind_proxy(retry=QUICK, ledger=ledger)
        for _ in range(2):
            with pytest.raises(NotSentError) as caught:
                client.generate("a cafe", face=FACE)
            assert (False, 2) == (caught.value.may_be_charged, caught.value.attempts)
        assert ["not_paid"] * 2 == [entry.payment for entry in ledger.entries()]

    assert ["CONNECT"] * 4 == [request.method for request in server.requests]


def test_proxy_that_does_not_respond(behind_proxy: Callable[..., AuraShot], server: ScriptedServer) -> None:
    """A tunnel that is not opened in time ends the call before anything was sent."""
    server.always((HOLD,))
    with pytest.raises(DeadlineExceededError) as caught:
        behind_proxy(timeout=0.3).generate("a cafe", face=FACE)

    assert ("not_sent", False) == (caught.value.outcome, caught.value.may_be_charged)


def test_proxy_that_is_down(make_client: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the proxy cannot be reached, nothing was sent."""
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{closed_port()}")
    with pytest.raises(NotSentError):
        make_client("https://www.aurashot.art", retry=QUICK).generate("a cafe", face=FACE)
