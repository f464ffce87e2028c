"""Tests that may not reach the network."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from aurashot.testing import no_network
from aurashot.testing._cleaning import HOSTED
from aurashot.testing._no_network import is_local

if TYPE_CHECKING:
    from lab.backends import Clients
    from lab.server import ScriptedServer

FACE = "https://example.com/face.jpg"


def test_a_client_is_refused(make_client: Clients) -> None:
    """In each backend: where it happens, and at the end of the block if that was caught."""
    client, caught = make_client(HOSTED), pytest.raises(AssertionError, match="the network is off")
    with pytest.raises(AssertionError, match=r"reach www\.aurashot\.art:443") as ended, no_network() as guard, caught:
        client.generate("a cafe", face=FACE)

    assert ("www.aurashot.art:443",) == guard.attempts
    assert "aurashot_mock" in str(ended.value)


def test_this_machine_can_be_reached(make_client: Clients, server: ScriptedServer) -> None:
    """A sandbox works."""
    with no_network() as guard:
        assert make_client(server.url).generate("a cafe", face=FACE).succeeded

    assert () == guard.attempts


def test_sockets_are_refused() -> None:
    """By address as well, with each of the calls that can send."""
    with suppress(AssertionError), no_network() as guard:
        with socket.socket() as stream, pytest.raises(AssertionError, match=r"192\.0\.2\.1:443"):
            stream.connect(("192.0.2.1", 443))
        with socket.socket() as stream, pytest.raises(AssertionError):
            stream.connect_ex(("192.0.2.1", 443))
        with socket.socket(type=socket.SOCK_DGRAM) as datagrams:
            with pytest.raises(AssertionError):
                datagrams.sendto(b"", ("192.0.2.1", 53))
            with pytest.raises(AssertionError):
                datagrams.sendto(b"", 0, ("192.0.2.1", 53))
        with pytest.raises(AssertionError):
            socket.gethostbyname("example.com")
        first, second = socket.socketpair()
        with first, second:
            first.sendall(b"x")
            assert b"x" == second.recv(1)

    assert ("192.0.2.1:443",) * 2 + ("192.0.2.1:53",) * 2 + ("example.com",) == guard.attempts


def test_everything_is_as_before() -> None:
    """After the block."""
    before = socket.socket.connect, socket.getaddrinfo
    with no_network():
        pass

    assert before == (socket.socket.connect, socket.getaddrinfo)


def test_a_proxy_is_no_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """One on this machine would lead to the network."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:3128")
    with no_network():
        assert "HTTPS_PROXY" not in os.environ

    assert "http://127.0.0.1:3128" == os.environ["HTTPS_PROXY"]


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost", True),
        ("sandbox.localhost", True),
        ("", True),
        ("0.0.0.0", True),
        ("10.0.0.1", False),
        ("fe80::1%eth0", False),
        ("example.com", False),
        ("localhost.example.com", False),
    ],
)
def test_what_this_machine_is(host: str, *, expected: bool) -> None:
    """Loopback, in every spelling."""
    assert expected is is_local(host)
