"""Downloads connect to public addresses only, whatever a name resolves to at that moment."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import anyio
import httpcore
import pytest

from aurashot import DownloadError, RetryPolicy
from aurashot._engine import AsyncPublicNetwork, PublicNetwork, _public
from aurashot._engine._public import checked
from tests.servers import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from tests.colours import Clients
    from tests.servers import ScriptedServer

PICTURE = "https://pictures.example.com/roof.png"


def entry(address: str) -> tuple[Any, ...]:
    """Return what a resolver says of one address."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return (family, socket.SOCK_STREAM, 6, "", (address, 443))


@pytest.fixture
def resolves_to(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Let every name resolve to given addresses, and note the names that were asked for."""
    genuine: Callable[..., list[tuple[Any, ...]]] = socket.getaddrinfo

    def arrange(*addresses: str) -> list[str]:
        asked: list[str] = []

        def getaddrinfo(host: str | bytes, *place: Any, **options: Any) -> list[tuple[Any, ...]]:
            name = host if isinstance(host, str) else host.decode()
            if not name.endswith(".example.com"):
                return genuine(host, *place, **options)
            asked.append(name)
            if not addresses:
                raise socket.gaierror(socket.EAI_NONAME, "unknown name")
            return [entry(address) for address in addresses]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        return asked

    return arrange


@pytest.mark.parametrize(
    "private",
    [
        "127.0.0.1",
        "10.0.0.7",
        "100.100.100.200",
        "169.254.169.254",
        "192.168.1.1",
        "224.0.0.1",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "2002:7f00:1::",
        "64:ff9b::7f00:1",
        "fe80::1",
        "fd00::1",
    ],
)
def test_one_private_address_is_enough(private: str) -> None:
    """A name is refused for any address that is not public, however it is dressed and whatever stands beside it."""
    with pytest.raises(DownloadError, match="not a public address") as caught:
        checked("pictures.example.com", [entry("93.184.216.34"), entry(private)])
    assert not caught.value.transient


def test_public_addresses_are_tried_in_order() -> None:
    """The resolver's order is kept, and each address named once."""
    found = [entry("93.184.216.34"), entry("2606:2800:220:1::1"), entry("93.184.216.34")]
    assert ["93.184.216.34", "2606:2800:220:1::1"] == checked("pictures.example.com", found)


def test_a_name_that_turns_private_is_not_asked(
    make_client: Clients, server: ScriptedServer, resolves_to: Callable[..., list[str]]
) -> None:
    """DNS rebinding: the address passed every check of its spelling, then its name resolves to loopback."""
    client = make_client(server.url)
    asked = resolves_to("127.0.0.1")
    with pytest.raises(DownloadError, match=r"resolves to 127\.0\.0\.1"):
        client.read(PICTURE)

    assert {"pictures.example.com"} == set(asked)
    assert 0 == server.connections


def test_a_name_that_is_unknown(make_client: Clients, server: ScriptedServer, resolves_to: Callable[..., Any]) -> None:
    """A name without an address is a failed download, and worth another attempt."""
    client = make_client(server.url, retry=RetryPolicy(max_attempts=2, initial_delay=0, max_delay=0))
    resolves_to()
    with pytest.raises(DownloadError, match="could not be fetched") as caught:
        client.read(PICTURE)
    assert (2, True) == (caught.value.attempts, caught.value.transient)


def port_of(server: ScriptedServer) -> int:
    """Return the port that a server listens on."""
    return int(server.url.rpartition(":")[2])


@pytest.fixture
def loopback_is_public(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take loopback for a public address: there is no other to connect to here."""

    def is_public(_: str) -> bool:
        return True

    monkeypatch.setattr(_public, "is_public_address", is_public)


@pytest.mark.usefixtures("loopback_is_public")
def test_the_next_address_is_tried(server: ScriptedServer, resolves_to: Callable[..., list[str]]) -> None:
    """An address that refuses does not end the attempt while there is another one."""
    resolves_to("127.0.0.2", "127.0.0.1")
    stream = PublicNetwork(("elsewhere", 443)).connect_tcp("pictures.example.com", port_of(server), timeout=5)
    wait_until(lambda: server.connections == 1)
    stream.close()


@pytest.mark.anyio
@pytest.mark.usefixtures("loopback_is_public")
async def test_the_next_address_is_tried_async(server: ScriptedServer, resolves_to: Callable[..., list[str]]) -> None:
    """An address that refuses does not end the attempt while there is another one."""
    resolves_to("127.0.0.2", "127.0.0.1")
    network = AsyncPublicNetwork(("elsewhere", 443))
    stream = await network.connect_tcp("pictures.example.com", port_of(server), timeout=5)
    await anyio.to_thread.run_sync(wait_until, lambda: server.connections == 1)
    await stream.aclose()


@pytest.mark.anyio
async def test_a_name_that_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Resolving a name is part of connecting, and bounded with it."""

    async def getaddrinfo(*_: object, **__: object) -> None:
        await anyio.sleep_forever()

    monkeypatch.setattr(anyio, "getaddrinfo", getaddrinfo)
    with pytest.raises(httpcore.ConnectTimeout):
        await AsyncPublicNetwork(("elsewhere", 443)).connect_tcp("pictures.example.com", 443, timeout=0.05)
