from __future__ import annotations

from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlparse, urlsplit

import httpx
import pydantic
import pytest
import starlette.datastructures
import yarl
from hypothesis import given, strategies as st

from aurashot._url_policy import (
    base_url_fault,
    image_url_fault,
    ip_literal,
    is_loopback,
    is_public_address,
    url_text,
)

if TYPE_CHECKING:
    from collections.abc import Callable

OWN = "http://127.0.0.1:8787"


@given(st.ip_addresses())
def test_an_ip_literal_is_parsed(address: IPv4Address | IPv6Address) -> None:
    """The usual spelling of any address is one."""
    assert address == ip_literal(str(address))


@pytest.mark.parametrize(
    "host", ["", "example.com", "127.1", "0177.0.0.1", "2130706433", "[::1]", "fe80::1%eth0", "::1%1"]
)
def test_what_is_no_ip_literal(host: str) -> None:
    """Names, the old spellings that only the C library reads, brackets and zones."""
    assert ip_literal(host) is None


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.8.9.10", True),
        ("::1", True),
        ("localhost.example.com", False),
        ("127.0.0.1.example.com", False),
        ("0.0.0.0", False),
        ("10.0.0.1", False),
    ],
)
def test_what_is_this_machine(host: str, *, loopback: bool) -> None:
    """By its spelling: no name but localhost, whatever it resolves to."""
    assert loopback is is_loopback(host)


def test_an_address_with_a_zone_is_not_public() -> None:
    """Resolvers give link-local addresses in this form."""
    assert not is_public_address("fe80::1%eth0")


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("https://www.aurashot.art", None),
        ("https://10.0.0.7:8443/v1/", None),
        ("http://127.0.0.1:8787", None),
        ("http://[::1]:8787", None),
        ("http://localhost", None),
        ("https://[::1", "is not a URL"),
        ("https://example.com:port", "is not a URL"),
        ("www.aurashot.art", "is not an http"),
        ("https://example.com/a b", "has a space, a backslash or a control character in it"),
        ("https://example.com/a\\b", "has a space, a backslash or a control character in it"),
        ("https://example.com/\x1b", "has a space, a backslash or a control character in it"),
        ("https://exa\nmple.com", "has a space, a backslash or a control character in it"),
        ("https://example.com\n", "has a line break at its end"),
        ("https://example.com\r\n", "has a line break at its end"),
        (" https://example.com", "has a space at its start"),
        ("https://example.com/图", "is not an http"),
        ("", "is not an http"),
        ("https://user@example.com", "must not hold"),
        ("https://example.com/?key=1", "must not hold"),
        ("https://example..com", "its host is not a valid name"),
        ("https://[fe80::1%eth0]", "its host is not a valid name"),
        ("http://example.com", "must be https"),
        ("http://10.0.0.7", "must be https"),
    ],
)
def test_the_address_of_a_service(url: str, fault: str | None) -> None:
    """It is https, or plain http on this machine, where nobody else sees the key."""
    found = base_url_fault(url)
    assert fault is found if fault is None else fault in str(found)


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("https://example.com/a.png\n", "has a line break at its end; remove it"),
        ("https://example.com/a.png\r\n", "has a line break at its end; remove it"),
        ("https://example.com/a.png ", "has a space at its end; remove it"),
        ("\thttps://example.com/a.png", "has a space at its start; remove it"),
        ("https://example.com/\x00", "has a space, a backslash or a control character in it; percent-encode it"),
        ("https://example.com/a\x7fb", "has a space, a backslash or a control character in it; percent-encode it"),
    ],
)
def test_characters_that_no_url_has_are_named(url: str, fault: str) -> None:
    """The message says what is there and where, which a terminal would not show."""
    assert fault == image_url_fault(url, OWN)


@pytest.mark.parametrize(
    "make", [httpx.URL, yarl.URL, pydantic.AnyUrl, pydantic.HttpUrl, starlette.datastructures.URL, urlsplit, urlparse]
)
def test_url_object(make: Callable[[str], object]) -> None:
    """URL objects of other libraries give their text."""
    url = "https://example.com/a%20b.png?signature=1"
    assert url == url_text(make(url))


@pytest.mark.parametrize("given", ["https://example.com", None, 1, object(), b"https://example.com", urlsplit(b"//a")])
def test_what_is_no_url_object(given: object) -> None:
    """Strings are no objects of that kind, and neither is anything else."""
    assert url_text(given) is None


@given(st.sampled_from(["https", "http"]), st.ip_addresses())
def test_no_image_is_fetched_from_a_private_address(scheme: str, address: IPv4Address | IPv6Address) -> None:
    """A URL with an IP address is allowed only if it is https and the address public."""
    host = f"[{address}]" if address.version == 6 else str(address)
    allowed = image_url_fault(f"{scheme}://{host}/a.png", OWN) is None
    assert (scheme == "https" and is_public_address(address)) is allowed


@given(st.text(max_size=60).map(lambda text: f"http://{text}"))
def test_plain_http_never_leaves_this_machine(url: str) -> None:
    """Whatever is written after the scheme: a URL that is allowed for a service has a loopback host."""
    if base_url_fault(url) is None:
        host = urlsplit(url).hostname or ""
        with suppress(ValueError):
            assert ip_address(host).is_loopback
            return
        assert "localhost" == host
