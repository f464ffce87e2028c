"""Downloads through a proxy, and from hosts with a private certificate authority."""

from __future__ import annotations

import base64
import logging
import pickle
import ssl
from typing import TYPE_CHECKING

import pytest

from aurashot import DownloadError, RetryPolicy, UnsafeURLError
from lab.backends import KEY
from lab.server import ScriptedServer, body, ca_file, closed_port, redirect, server_tls
from tests.wire.connect_proxy import USER, ConnectProxy
from tests.wire.images import png
from tests.wire.test_secrets import written

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab.backends import Clients

IMAGE = "https://images.example.com/roof.png"
QUICK = RetryPolicy(max_attempts=2, initial_delay=0.01)
PASSWORD = USER.partition(":")[2]
ENCODED = base64.b64encode(USER.encode()).decode()


def port_of(server: ScriptedServer) -> int:
    """Return the port that a server listens on."""
    return int(server.url.rpartition(":")[2])


def trusting() -> ssl.SSLContext:
    """Return a TLS context that trusts the certificate of the scripted servers."""
    return ssl.create_default_context(cafile=str(ca_file()))


@pytest.fixture
def images() -> Iterator[ScriptedServer]:
    """Return the host of the images: its certificate is signed by a private authority."""
    with ScriptedServer.running(server_tls()) as running:
        running.always((body(png(), "image/png"),))
        yield running


@pytest.fixture
def proxy(images: ScriptedServer) -> Iterator[ConnectProxy]:
    """Return the one way to the host of the images: nothing else here knows its name."""
    with ConnectProxy.running(port_of(images)) as running:
        yield running


@pytest.mark.parametrize("place", ["argument", "environment"])
def test_image_comes_through_the_proxy(
    make_client: Clients, images: ScriptedServer, proxy: ConnectProxy, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """A tunnel leads to the image; the proxy gets its password and no key, and the image's host gets neither."""
    if place == "environment":
        monkeypatch.setenv("AURASHOT_DOWNLOAD_PROXY", proxy.url)
    given = proxy.url if place == "argument" else None
    client = make_client("https://www.aurashot.art", download_proxy=given, ssl_context=trusting())

    assert [png()] * 2 == [client.read(IMAGE), client.read(IMAGE)]
    assert ["images.example.com:443"] == proxy.hosts[:1]
    assert all(f"Proxy-Authorization: Basic {ENCODED}" in head for head in proxy.heads)
    assert KEY not in str(proxy.heads)
    assert [("/roof.png", None, None)] * 2 == [
        (request.path, request.header("authorization"), request.header("proxy-authorization"))
        for request in images.requests
    ]


def test_with_a_given_client_downloads_use_their_own_proxy(
    make_client: Clients, server: ScriptedServer, proxy: ConnectProxy
) -> None:
    """`http_client=` carries the API, and images still come through the proxy for downloads."""
    client = make_client(server.url, http_client=make_client.http(), download_proxy=proxy.url, ssl_context=trusting())

    assert client.upload(png()).url
    assert png() == client.read(IMAGE)
    assert (1, ["images.example.com:443"]) == (len(server.requests), proxy.hosts)


def test_own_images_come_without_the_proxy(make_client: Clients, server: ScriptedServer, proxy: ConnectProxy) -> None:
    """The images of a service on this machine are fetched directly."""
    server.always((body(png(), "image/png"),))

    assert png() == make_client(server.url, download_proxy=proxy.url).read(f"{server.url}/files/1.png")
    assert [] == proxy.heads


@pytest.mark.parametrize(
    "url",
    [
        "http://images.example.com/roof.png",
        "https://127.0.0.1/roof.png",
        "https://169.254.169.254/latest",
        "https://[::ffff:10.0.0.7]/roof.png",
        "https://0x7f000001/roof.png",
        "https://user@images.example.com/roof.png",
        "https://images.example.com:8443/roof.png",
        "https://printer.local/roof.png",
    ],
)
def test_addresses_are_checked_with_a_proxy(
    make_client: Clients, server: ScriptedServer, images: ScriptedServer, proxy: ConnectProxy, url: str
) -> None:
    """The proxy is not asked for a URL that is not safe, not even after a redirect."""
    client = make_client(server.url, download_proxy=proxy.url, ssl_context=trusting())
    with pytest.raises(UnsafeURLError):
        client.read(url)
    assert [] == proxy.heads

    images.always(redirect(url))
    with pytest.raises(DownloadError, match="redirects to one that is not safe"):
        client.read(IMAGE)
    assert ["images.example.com:443"] == proxy.hosts


def test_certificate_behind_the_proxy_is_checked(
    make_client: Clients, server: ScriptedServer, images: ScriptedServer, proxy: ConnectProxy
) -> None:
    """A certificate that nobody vouches for ends the download at the first attempt; the message names a way out."""
    client = make_client(server.url, download_proxy=proxy.url, retry=QUICK)
    with pytest.raises(DownloadError, match=r"certificate is not valid.*; .*ssl_context=") as caught:
        client.read(IMAGE)

    assert (1, False, []) == (caught.value.attempts, caught.value.transient, images.requests)


@pytest.mark.parametrize("refusal", ["407 Proxy Authentication Required", "403 Forbidden", "502 Bad Gateway", "down"])
def test_proxy_that_opens_no_tunnel(
    make_client: Clients, server: ScriptedServer, caplog: pytest.LogCaptureFixture, refusal: str
) -> None:
    """It is a failed download that may be tried again; no password is in an error, a log or a local variable."""
    with ConnectProxy.running(closed_port(), refusal) as proxy:
        client = make_client(server.url, download_proxy=proxy.url, ssl_context=trusting(), retry=QUICK)
        if refusal == "down":
            proxy.stop()
        with caplog.at_level(logging.DEBUG), pytest.raises(DownloadError) as caught:
            client.read(IMAGE)

    assert (2, True) == (caught.value.attempts, caught.value.transient)
    assert refusal == "down" or refusal in caught.value.message
    shown = caplog.text + written(caught.value) + repr(client) + str(pickle.dumps(caught.value))
    assert [] == [secret for secret in (PASSWORD, ENCODED) if secret in shown]


@pytest.mark.parametrize("way", ["environment", "http_client"])
def test_direct_download_that_fails_names_the_option(
    make_client: Clients, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """Whoever reaches the API by a proxy, and no image without one, is told how to fetch it."""
    options = {"http_client": make_client.http()} if way == "http_client" else {}
    if way == "environment":
        monkeypatch.setenv("HTTPS_PROXY", server.url)
    address = f"https://0.0.0.0:{closed_port()}"  # not loopback by its spelling, which is never behind a proxy
    with pytest.raises(DownloadError, match=r"; downloads do not use .*, pass download_proxy="):
        make_client(address, retry=QUICK, **options).read(f"{address}/files/1.png")
