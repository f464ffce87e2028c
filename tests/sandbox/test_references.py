from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx
import pytest

from aurashot._url_policy import is_public_address
from aurashot.sandbox import _fetch, drawing
from aurashot.sandbox._fetch import Fetcher
from aurashot.sandbox._references import ReferenceLoader, classify
from aurashot.sandbox._store import FileStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

BASE = "http://127.0.0.1:8787/"
PUBLIC = "93.184.216.34"


@pytest.mark.parametrize(
    "address",
    [
        "https://example.com/face.jpg",
        "https://example.com",
        "https://EXAMPLE.com:443/a?b=c#d",
        "https://例え.jp/顔.jpg",
        f"https://{PUBLIC}/face.jpg",
        "https://[2606:2800:220:1:248:1893:25c8:1946]/face.jpg",
    ],
)
def test_a_public_https_address_may_be_a_reference(address: str) -> None:
    """Names and literal addresses of the public network pass."""
    assert "public" == classify(address, base=BASE)


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("face.jpg", "http"),
        ("ftp://example.com/face.jpg", "http"),
        ("https://", "http"),
        ("https://exa mple.com/", "http"),
        ("https://example.com\\@evil.com/", "http"),
        ("https://example.com:port/", "http"),
        ("https://[::1/", "http"),
        ("data:image/png;base64,AAAA", "http"),
        ("http://example.com/face.jpg", "https"),
        ("https://user:secret@example.com/face.jpg", "user name"),
        ("https://user@example.com/face.jpg", "user name"),
        ("https://example.com:8443/face.jpg", "port"),
        ("https://example.com:0/face.jpg", "port"),
        ("https://localhost/", "public"),
        ("https://localhost./", "public"),
        ("https://printer.local/", "public"),
        ("https://metadata.google.internal/", "public"),
        ("https://intranet/", "public"),
        ("https://a..b/", "public"),
        ("https://-a.com/", "public"),
        ("https://127.0.0.1/", "public"),
        ("https://127.1/", "public"),
        ("https://2130706433/", "public"),
        ("https://0x7f000001/", "public"),
        ("https://①②⑦.0.0.1/", "public"),
        ("https://10.0.0.1/", "public"),
        ("https://169.254.169.254/", "public"),
        ("https://100.100.100.200/", "public"),
        ("https://224.0.0.1/", "public"),
        ("https://[::1]/", "public"),
        ("https://[fec0::1]/", "public"),
        ("https://[::ffff:127.0.0.1]/", "public"),
        ("https://[::127.0.0.1]/", "public"),
        ("https://[64:ff9b::7f00:1]/", "public"),
        ("https://[2002:7f00:1::]/", "public"),
        (f"{BASE}openapi.json", "files"),
        ("http://127.0.0.1:9999/files/a.png", "https"),
    ],
)
def test_any_other_address_is_refused(address: str, sentence: str) -> None:
    """The sentence says what it must not be."""
    with pytest.raises(ValueError, match=sentence):
        classify(address, base=BASE)


def test_only_the_files_under_the_base_of_the_client_are_its_own() -> None:
    """The host, the port and a mount path belong to it."""
    assert "own" == classify("http://127.0.0.1:8787/files/a.png", base=BASE)
    assert "own" == classify("http://host.test/sandbox/files/a.png", base="http://host.test/sandbox/")
    with pytest.raises(ValueError, match="files"):
        classify("http://host.test/files/a.png", base="http://host.test/sandbox/")


@pytest.mark.parametrize(("address", "public"), [(PUBLIC, True), ("::ffff:8.8.8.8", True), ("64:ff9b::a00:1", False)])
def test_an_address_inside_an_address_is_the_one_that_counts(address: str, *, public: bool) -> None:
    """An IPv4 address wrapped in IPv6 is as public as it is bare."""
    assert public is is_public_address(address)


@pytest.fixture
def store() -> Iterator[FileStore]:
    """Open a store and remove it afterwards."""
    opened = FileStore()
    yield opened
    opened.close()


def test_a_stand_in_is_drawn_once(store: FileStore) -> None:
    """The second time it is read from its file; another seed draws another person."""
    address = "https://example.com/face.jpg"
    first, again = (asyncio.run(ReferenceLoader(store, seed=0, fetch=None).load(address, base=BASE)) for _ in range(2))
    other = asyncio.run(ReferenceLoader(store, seed=1, fetch=None).load(address, base=BASE))
    assert first == again
    assert address == first.stand_in
    assert first.path.read_bytes() != other.path.read_bytes()


def test_a_stand_in_says_where_its_face_is(store: FileStore) -> None:
    """The face of a drawn portrait is known, so it is not searched for."""
    loaded = asyncio.run(ReferenceLoader(store, seed=0, fetch=None).load("https://example.com/face.jpg", base=BASE))
    assert "aurashot:face" in drawing.decode(loaded.path.read_bytes()).info


async def streamed(data: bytes) -> AsyncIterator[bytes]:
    """Let bytes come as they do from a socket."""
    yield data


def fetcher(handle: Callable[[httpx.Request], httpx.Response], *addresses: str) -> Fetcher:
    """Return a fetcher whose names resolve to these addresses and whose requests go to a function."""

    async def lookup(_host: str) -> list[str]:
        return list(addresses)

    return Fetcher(lookup=lookup, transport=httpx.MockTransport(handle))


def test_a_fetched_reference_is_kept_and_not_called_a_stand_in(store: FileStore, png: bytes) -> None:
    """The connection goes to the address that was checked, under the name that was asked for."""
    seen: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, content=streamed(png))

    loader = ReferenceLoader(store, seed=0, fetch=fetcher(handle, PUBLIC))
    loaded = asyncio.run(loader.load("https://example.com/face.jpg", base=BASE))
    assert png == loaded.path.read_bytes()
    assert loaded.stand_in is None
    assert (PUBLIC, "example.com") == (seen[0].url.host, seen[0].headers["host"])
    assert "example.com" == seen[0].extensions["sni_hostname"]


@pytest.mark.parametrize(
    ("response", "addresses", "sentence"),
    [
        (httpx.Response(200), (PUBLIC, "10.0.0.1"), "public"),
        (httpx.Response(404), (PUBLIC,), "HTTP 404"),
        (httpx.Response(302, headers={"Location": "https://10.0.0.1/"}), (PUBLIC,), "HTTP 302"),
        (httpx.Response(200, content=streamed(bytes(2000))), (PUBLIC,), "larger"),
    ],
)
def test_what_may_not_be_fetched_is_refused(
    monkeypatch: pytest.MonkeyPatch, response: httpx.Response, addresses: tuple[str, ...], sentence: str
) -> None:
    """Private addresses, errors, redirects and large bodies."""
    monkeypatch.setattr(_fetch, "LIMIT", 1000)
    with pytest.raises(ValueError, match=sentence):
        asyncio.run(fetcher(lambda _: response, *addresses)("https://example.com/face.jpg"))


def test_a_host_that_cannot_be_reached_is_refused() -> None:
    """An error of the network becomes a sentence."""

    def handle(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no route", request=request)

    with pytest.raises(ValueError, match="could not be fetched"):
        asyncio.run(fetcher(handle, PUBLIC)("https://example.com/face.jpg"))


@pytest.mark.parametrize(
    "address", ["100.64.0.1", "192.0.2.1", "198.18.0.1", "64:ff9b::a00:1", "fe80::1", "2001:db8::1"]
)
def test_special_ranges_are_not_fetched_from(address: str) -> None:
    """They are those of the SDK: carrier-grade NAT, documentation, benchmarks, IPv4 in IPv6 and so on."""
    with pytest.raises(ValueError, match="public"):
        asyncio.run(fetcher(lambda _: httpx.Response(200), address)("https://example.com/face.jpg"))


def test_a_fetch_has_a_total_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that sends a byte now and then is given up."""

    async def dripping() -> AsyncIterator[bytes]:
        while True:
            yield b"x"
            await asyncio.sleep(0.01)

    monkeypatch.setattr(_fetch, "TOTAL", 0.2)
    with pytest.raises(ValueError, match=r"could not be fetched in 0.2 s"):
        asyncio.run(fetcher(lambda _: httpx.Response(200, content=dripping()), PUBLIC)("https://example.com/face.jpg"))


def test_a_literal_address_resolves_to_itself() -> None:
    """The resolver of the machine is asked, which needs no network for a literal."""
    assert [PUBLIC] == asyncio.run(_fetch.resolve(PUBLIC))
