"""Plain http goes to this machine, or to the one named host in the own network, and never through a proxy."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING, Any, cast

import httpx
import pytest
from httpx_aiohttp import HttpxAiohttpClient

from aurashot import AsyncAuraShot, AuraShot, ConfigurationError, DownloadError, NotSentError
from aurashot._engine import _public
from aurashot._url_policy import is_loopback_address, is_own_network_address, is_public_address
from lab.backends import KEY, clients
from lab.server import ScriptedServer, body
from tests.wire.images import FACE, png

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lab.backends import Clients

ELSEWHERE = "203.0.113.9"
TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""A context that trusts nobody, and takes no time to make: nothing here uses TLS."""
PROXIES = [
    ("HTTP_PROXY", "127.0.0.1"),
    ("http_proxy", "localhost"),
    ("ALL_PROXY", "localhost"),
    ("all_proxy", "sandbox"),
]


@pytest.fixture
def resolve(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that lets a name resolve to given addresses, as /etc/hosts or a name server could."""
    genuine: Callable[..., list[tuple[Any, ...]]] = socket.getaddrinfo

    def arrange(name: str, *addresses: str) -> None:
        def getaddrinfo(host: str | bytes | None, port: Any, *more: Any, **options: Any) -> list[tuple[Any, ...]]:
            text = host.decode() if isinstance(host, bytes) else host
            if text != name:
                return genuine(host, port, *more, **options)
            families = [(socket.AF_INET6 if ":" in address else socket.AF_INET, address) for address in addresses]
            return [(family, socket.SOCK_STREAM, 6, "", (address, int(port))) for family, address in families]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    return arrange


@pytest.fixture
def proxy() -> Iterator[ScriptedServer]:
    """Return a proxy that responds to whatever it reads as the service does."""
    with ScriptedServer.running() as running:
        yield running


def port_of(server: ScriptedServer) -> int:
    """Return the port that a server listens on."""
    return int(server.url.rpartition(":")[2])


@pytest.mark.parametrize(("name", "host"), PROXIES)
def test_no_variable_names_a_proxy_for_it(
    make_client: Clients, monkeypatch: pytest.MonkeyPatch, resolve: Callable[..., None], name: str, host: str
) -> None:
    """Key and photo reach the service, and not the proxy; so does the request for an image."""
    monkeypatch.setenv("AURASHOT_ALLOW_HTTP", "sandbox")
    resolve("sandbox", "127.0.0.1")
    with ScriptedServer.running() as server, ScriptedServer.running() as proxy:
        monkeypatch.setenv(name, proxy.url)
        server.always((body(png(), "image/png"),), path="/files/1.png")
        client = make_client(f"http://{host}:{port_of(server)}", download_proxy=proxy.url)

        assert client.generate("a cafe", face=png()).succeeded
        assert png() == client.read(f"http://{host}:{port_of(server)}/files/1.png")
        assert (3, 0) == (len(server.requests), proxy.connections)


@pytest.mark.parametrize("addresses", [["127.0.0.1", ELSEWHERE], ["10.0.0.7"]])
def test_localhost_that_is_another_machine_is_refused(
    make_client: Clients, server: ScriptedServer, resolve: Callable[..., None], addresses: list[str]
) -> None:
    """Nothing is sent, no address is connected to, and it is not tried again."""
    base_url = f"http://localhost:{port_of(server)}"
    client = make_client(base_url, timeout=3)
    resolve("localhost", *addresses)
    with pytest.raises(
        NotSentError, match=r"localhost resolves to \S+, which is not a loopback address; use https"
    ) as caught:
        client.generate("a cafe", face=png())
    with pytest.raises(DownloadError, match="is not a loopback address") as download:
        client.read(f"{base_url}/files/1.png")

    assert (True, 1, False) == (caught.value.final, caught.value.attempts, caught.value.may_be_charged)
    assert (False, 1, 0) == (download.value.transient, download.value.attempts, server.connections)


@pytest.mark.parametrize(
    ("addresses", "is_reached"),
    [(["::ffff:127.0.0.1"], True), ([ELSEWHERE], False), (["169.254.169.254"], False)],
)
def test_named_host_is_in_the_own_network(
    make_client: Clients,
    server: ScriptedServer,
    monkeypatch: pytest.MonkeyPatch,
    resolve: Callable[..., None],
    *,
    addresses: list[str],
    is_reached: bool,
) -> None:
    """The host of AURASHOT_ALLOW_HTTP may be another container; a public address is refused."""
    monkeypatch.setenv("AURASHOT_ALLOW_HTTP", "sandbox")
    client = make_client(f"http://sandbox:{port_of(server)}", timeout=3)
    resolve("sandbox", *addresses)
    if is_reached:
        assert client.generate("a cafe", face=FACE).succeeded
    else:
        with pytest.raises(NotSentError, match="not an address of this machine or of a private network") as caught:
            client.generate("a cafe", face=FACE)
        assert caught.value.final


def test_name_that_turns_elsewhere_is_asked_for_again(
    make_client: Clients, server: ScriptedServer, resolve: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each new connection is checked, and goes to the address that was checked."""
    monkeypatch.setattr("aurashot._engine._slots.KEEP_ALIVE", 0.0)
    client = make_client(f"http://localhost:{port_of(server)}", timeout=3)
    resolve("localhost", "127.0.0.1")
    assert client.generate("a cafe", face=FACE).succeeded
    resolve("localhost", ELSEWHERE)
    with pytest.raises(NotSentError, match="loopback"):
        client.generate("a cafe", face=FACE)


@pytest.fixture(params=["sync", "asyncio", "trio", "aiohttp"])
def given(request: pytest.FixtureRequest) -> Iterator[tuple[Clients, type[httpx.AsyncClient]]]:
    """Return a maker of clients, and the kind of httpx client to give them."""
    aiohttp = request.param == "aiohttp"
    with clients("asyncio" if aiohttp else request.param) as make:
        yield make, HttpxAiohttpClient if aiohttp else httpx.AsyncClient


def test_given_client_with_a_proxy_is_refused(
    given: tuple[Clients, type[httpx.AsyncClient]],
    server: ScriptedServer,
    proxy: ScriptedServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whether it was given a proxy or took one from the environment; without it, it is accepted."""
    make, kind = given
    with pytest.raises(ConfigurationError, match="plain http through a proxy"):
        make(server.url, http_client=make.http(kind, proxy=proxy.url, verify=TLS))
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    with pytest.raises(ConfigurationError, match="trust_env=False"):
        make(server.url, http_client=make.http(kind, verify=TLS))

    assert (
        make(server.url, http_client=make.http(kind, trust_env=False, verify=TLS))
        .generate("a cafe", face=png())
        .succeeded
    )
    assert 0 == proxy.connections


def test_proxy_that_a_given_client_gets_later_is_refused(
    make_client: Clients, server: ScriptedServer, proxy: ScriptedServer
) -> None:
    """The client is looked at again for each request."""
    http_client = make_client.http(verify=TLS)
    client = make_client(server.url, http_client=http_client)
    http_client._mounts = make_client.http(proxy=proxy.url, verify=TLS)._mounts
    with pytest.raises(ConfigurationError, match="plain http through a proxy") as caught:
        client.generate("a cafe", face=FACE)
    assert ("not_sent", 0) == (caught.value.outcome, proxy.connections)


def test_name_over_a_given_client_is_checked(
    given: tuple[Clients, type[httpx.AsyncClient]],
    server: ScriptedServer,
    resolve: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A connection that leads elsewhere gets no byte of the request, also if it was open before."""
    make, kind = given
    http_client = make.http(kind, verify=TLS)
    client = make(f"http://localhost:{port_of(server)}", http_client=http_client)
    resolve("localhost", "127.0.0.1")
    assert client.generate("a cafe", face=FACE).succeeded
    elsewhere = _public._LOOPBACK._replace(contains=is_public_address)
    monkeypatch.setattr(_public, "_LOOPBACK", elsewhere)  # the server now counts as another machine
    strict = make(f"http://localhost:{port_of(server)}", http_client=http_client)
    with pytest.raises(NotSentError, match=r"localhost resolves to 127\.0\.0\.1") as caught:
        strict.generate("a cafe", face=FACE)

    assert (True, 1, 1) == (caught.value.final, caught.value.attempts, len(server.requests))


def test_transport_without_a_network_is_accepted() -> None:
    """A client that calls an application in this process has nothing to check."""
    content = b'{"status": "success", "outputs": [{"url": "https://cdn.example.com/1.png"}]}'
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=content))
    with (
        httpx.Client(transport=transport) as http_client,
        AuraShot(KEY, base_url="http://localhost", http_client=http_client) as client,
    ):
        assert client.generate("a cafe", face=FACE).succeeded


@pytest.mark.parametrize("kind", [AuraShot, AsyncAuraShot])
def test_https_may_use_a_proxy(kind: type[AuraShot], monkeypatch: pytest.MonkeyPatch) -> None:
    """A tunnel shows nothing to the proxy; only this machine is never behind one."""
    monkeypatch.setenv("ALL_PROXY", "http://proxy.example:3128")
    proxies = [
        cast("Any", kind(KEY, base_url=url))._transport.connections.proxy
        for url in ("https://www.aurashot.art", "https://localhost:8443", "https://127.0.0.1:8443")
    ]
    assert [True, False, False] == [proxy is not None for proxy in proxies]


@pytest.mark.parametrize(
    ("address", "kinds"),
    [
        ("127.0.0.1", "loopback own"),
        ("127.255.0.3", "loopback own"),
        ("::1", "loopback own"),
        ("::ffff:127.0.0.1", "loopback own"),
        ("0.0.0.0", "own"),
        ("::", "own"),
        ("10.1.2.3", "own"),
        ("172.31.0.1", "own"),
        ("192.168.0.1", "own"),
        ("::ffff:10.1.2.3", "own"),
        ("fd00::1", "own"),
        ("172.32.0.1", ""),
        ("169.254.169.254", ""),
        ("100.64.0.1", ""),
        ("fe80::1%1", ""),
        ("224.0.0.1", ""),
        ("255.255.255.255", ""),
        ("64:ff9b::7f00:1", ""),
        ("2002:7f00:1::", ""),
        ("::127.0.0.1", ""),
        ("203.0.113.9", ""),
    ],
)
def test_which_addresses_are_near(address: str, kinds: str) -> None:
    """Loopback is this machine, the own network is RFC 1918 and RFC 4193, in each spelling that is connected to."""
    expected = ("loopback" in kinds, "own" in kinds)
    assert expected == (is_loopback_address(address), is_own_network_address(address))


def test_unix_socket_is_accepted(server: ScriptedServer, tmp_path: Any) -> None:
    """A given client that connects to a Unix socket does not leave this machine."""
    path = str(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen()
        with httpx.Client(transport=httpx.HTTPTransport(uds=path, verify=TLS)) as http_client:
            client = AuraShot(KEY, base_url="http://localhost", http_client=http_client, timeout=0.3, retry=1)
            with pytest.raises(Exception, match="after the request was sent"):
                client.generate("a cafe", face=FACE)
        connection, _ = listening.accept()
        with connection:
            assert b"POST /v1/character/generate" in connection.recv(1000)
    assert 0 == server.connections
