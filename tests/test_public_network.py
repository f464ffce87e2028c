"""Downloads connect to public addresses only, whatever a name resolves to at that moment."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING, Any

import anyio
import httpcore
import pytest

from aurashot import DownloadError, RetryPolicy
from aurashot._engine import AsyncPublicNetwork, PublicNetwork, _addresses, _public
from aurashot._engine._addresses import NamedNetwork, distinct
from aurashot._engine._public import PUBLIC, PrivateAddressError, checked
from lab.faults.targets import dropped
from lab.server import wait_until
from tests.stopwatch import FOR_LONG, in_time, no_later

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lab.backends import Clients
    from lab.server import ScriptedServer

IMAGE = "https://images.example.com/roof.png"


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

        def getaddrinfo(host: str | bytes, *target: Any, **options: Any) -> list[tuple[Any, ...]]:
            name = host if isinstance(host, str) else host.decode()
            if not name.endswith(".example.com"):
                return genuine(host, *target, **options)
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
    with pytest.raises(
        PrivateAddressError, match=rf"^images\.example\.com resolves to {private}, which is not a public"
    ):
        checked("images.example.com", ["93.184.216.34", private], PUBLIC)


def test_public_addresses_are_tried_in_order() -> None:
    """The resolver's order is kept, and each address named once."""
    found = [entry("93.184.216.34"), entry("2606:2800:220:1::1"), entry("93.184.216.34")]
    addresses = ["93.184.216.34", "2606:2800:220:1::1"]
    assert addresses == distinct(found) == checked("images.example.com", addresses, PUBLIC)


def test_a_name_that_turns_private_is_not_asked(
    make_client: Clients, server: ScriptedServer, resolves_to: Callable[..., list[str]]
) -> None:
    """DNS rebinding: the address passed every check of its spelling, then its name resolves to loopback."""
    client = make_client(server.url)
    asked = resolves_to("127.0.0.1")
    with pytest.raises(DownloadError) as caught:
        client.read(IMAGE)

    sentence = "The image's host images.example.com resolves to 127.0.0.1, which is not a public address"
    assert (sentence, False, 1) == (caught.value.message, caught.value.transient, caught.value.attempts)
    assert isinstance(caught.value.__cause__, PrivateAddressError)
    assert {"images.example.com"} == set(asked)
    assert 0 == server.connections


def test_a_name_that_is_unknown(make_client: Clients, server: ScriptedServer, resolves_to: Callable[..., Any]) -> None:
    """A name without an address is a failed download, and worth another attempt."""
    client = make_client(server.url, retry=RetryPolicy(max_attempts=2, initial_delay=0, max_delay=0))
    resolves_to()
    with pytest.raises(DownloadError, match="could not be downloaded") as caught:
        client.read(IMAGE)
    assert (2, True) == (caught.value.attempts, caught.value.transient)


def port_of(server: ScriptedServer) -> int:
    """Return the port that a server listens on."""
    return int(server.url.rpartition(":")[2])


@pytest.fixture
def loopback_is_public(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take loopback for a public address: there is no other to connect to here."""

    def is_public(_: str) -> bool:
        return True

    monkeypatch.setattr(_public, "PUBLIC", PUBLIC._replace(contains=is_public))


@pytest.mark.usefixtures("loopback_is_public")
def test_the_next_address_is_tried(server: ScriptedServer, resolves_to: Callable[..., list[str]]) -> None:
    """An address that refuses does not end the attempt while there is another one."""
    resolves_to("127.0.0.2", "127.0.0.1")
    stream = PublicNetwork(("elsewhere", 443)).connect_tcp("images.example.com", port_of(server), timeout=5)
    wait_until(lambda: server.connections == 1)
    stream.close()


@pytest.mark.anyio
@pytest.mark.usefixtures("loopback_is_public")
async def test_the_next_address_is_tried_async(server: ScriptedServer, resolves_to: Callable[..., list[str]]) -> None:
    """An address that refuses does not end the attempt while there is another one."""
    resolves_to("127.0.0.2", "127.0.0.1")
    network = AsyncPublicNetwork(("elsewhere", 443))
    stream = await network.connect_tcp("images.example.com", port_of(server), timeout=5)
    await anyio.to_thread.run_sync(wait_until, lambda: server.connections == 1)
    await stream.aclose()


@pytest.mark.anyio
async def test_a_name_that_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Resolving a name is part of connecting, and bounded with it."""

    async def getaddrinfo(*_: object, **__: object) -> None:
        await anyio.sleep_forever()

    monkeypatch.setattr(anyio, "getaddrinfo", getaddrinfo)
    with pytest.raises(httpcore.ConnectTimeout):
        await AsyncPublicNetwork(("elsewhere", 443)).connect_tcp("images.example.com", 443, timeout=0.05)


def test_a_name_that_takes_too_long_blocks_nobody_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's resolver has no time limit, so a thread waits for it; who asks meanwhile waits for the same."""
    release, asked = threading.Event(), list[str]()

    def getaddrinfo(host: str, *_: object, **__: object) -> list[tuple[Any, ...]]:
        asked.append(host)
        release.wait(FOR_LONG)
        return [entry("127.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    network = NamedNetwork()
    for _ in range(3):
        with no_later(0.05), pytest.raises(httpcore.ConnectTimeout, match="not resolved in time"):
            network.connect_tcp("slow.example.com", 443, timeout=0.05)
    release.set()
    wait_until(lambda: not _addresses.asked)
    assert ["slow.example.com"] == asked


def test_a_resolver_that_fails_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A failure is told to whoever asked, and to nobody after them."""
    asked = list[str]()

    def getaddrinfo(host: str, *_: object, **__: object) -> list[tuple[Any, ...]]:
        asked.append(host)
        raise OSError("the resolver is not there") if len(asked) == 1 else UnicodeError("label too long")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    for words in ("not there", "is not a valid host name: label too long"):
        with pytest.raises(httpcore.ConnectError, match=words):
            NamedNetwork().connect_tcp("some.example.com", 443, timeout=5)
    assert 2 == len(asked)


def test_names_are_resolved_when_no_thread_can_be_had(
    server: ScriptedServer, resolves_to: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the end of an interpreter no thread is started any more, and a call can still be made."""

    def start(*_: object, **__: object) -> None:
        raise RuntimeError("can't start new thread")

    resolves_to("127.0.0.1")
    monkeypatch.setattr(_addresses, "Thread", start)
    NamedNetwork().connect_tcp("some.example.com", port_of(server)).close()


@pytest.fixture
def dead_end() -> Iterator[int]:
    """Give a port whose queue is full, so that the first packet of a connection is dropped."""
    with dropped() as target:
        yield int(target.url.rpartition(":")[2])


def test_many_dead_addresses_share_the_time(dead_end: int, resolves_to: Callable[..., list[str]]) -> None:
    """A name with several dead addresses takes no longer than one with a single one."""
    resolves_to("127.0.0.1", "0.0.0.0", "127.0.0.1")  # another spelling of the same place
    with in_time(0.3), pytest.raises(httpcore.ConnectTimeout):
        NamedNetwork().connect_tcp("some.example.com", dead_end, timeout=0.3)


@pytest.mark.anyio
@pytest.mark.usefixtures("loopback_is_public")
async def test_many_dead_addresses_share_the_time_async(dead_end: int, resolves_to: Callable[..., list[str]]) -> None:
    """A download's name with several dead addresses takes no longer than one with a single one."""
    resolves_to("127.0.0.1", "0.0.0.0", "127.0.0.1")  # another spelling of the same place
    with in_time(0.3), pytest.raises(httpcore.ConnectTimeout):
        await AsyncPublicNetwork(("elsewhere", 443)).connect_tcp("some.example.com", dead_end, timeout=0.3)


def test_a_living_address_after_a_dead_one_is_reached(
    server: ScriptedServer, resolves_to: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The dead one gets its share of the time, not all of it."""
    tried = list[tuple[str, float]]()
    genuine = httpcore.SyncBackend.connect_tcp

    def connect_tcp(self: httpcore.SyncBackend, host: str, port: int, timeout: float, *rest: Any) -> Any:
        tried.append((host, timeout))
        if host == "192.0.2.1":
            raise httpcore.ConnectTimeout
        return genuine(self, host, port, timeout, *rest)

    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", connect_tcp)
    resolves_to("192.0.2.1", "127.0.0.1")
    NamedNetwork().connect_tcp("some.example.com", port_of(server), timeout=4).close()
    assert ["192.0.2.1", "127.0.0.1"] == [host for host, _ in tried]
    assert 1.5 < tried[0][1] <= 2 < tried[1][1] <= 4
