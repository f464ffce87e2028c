"""What the variables of proxies may hold, and what is said of the rest."""

from __future__ import annotations

import base64
import ssl
from typing import TYPE_CHECKING

import pytest

from aurashot import AsyncAuraShot, AuraShot, ConfigurationError
from aurashot._engine._proxies import download_proxy, environment_proxy, is_excluded, proxy_from

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = "sk_live_canary_0123456789"
SERVICE = "https://www.aurashot.art"


@pytest.mark.parametrize("make", [AuraShot, AsyncAuraShot])
@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("socks://user:s3cret@host:1080", r"has the scheme 'socks'; .*http_client="),
        ("socks4://host:1080", r"has the scheme 'socks4'; .*NO_PROXY"),
        ("socks5://user:s3cret@host:1080", r"has the scheme 'socks5'; .*NO_PROXY"),
        ("SOCKS5H://host:1080", r"has the scheme 'SOCKS5H'; .*NO_PROXY"),
        ("ftp://host:21", "has the scheme 'ftp'; write it as http://host:port"),
        ("http://host:port", "is not the URL of a proxy; write it as http://host:port"),
        ("http://user:s3cret@host:port", "is not the URL of a proxy"),
        ("http://host:99999", "is not the URL of a proxy"),
        ("http://host:0", "is not the URL of a proxy"),
        ("http://", "is not the URL of a proxy"),
        ("http://:3128", "is not the URL of a proxy"),
        ("http://s3cret@", "is not the URL of a proxy"),
        ("http://[::1", "is not the URL of a proxy"),
        ("http://[fe80::1%25eth0]:3128", "is not the URL of a proxy"),
        ("http://a..b:3128", "is not the URL of a proxy"),
        (f"http://{'a' * 64}:3128", "is not the URL of a proxy"),
        ("http://two words:3128", "is not the URL of a proxy"),
        ('"http://host:3128"', "is not the URL of a proxy"),
        ("://host", "is not the URL of a proxy"),
        ("http://ho\nst:3128", "has a control character in it; write it as http://host:port"),
        ("http://user:s3cret@host:3128\x1b[0m", "has a control character in it"),
        ("/etc/proxy", "is not the URL of a proxy"),
        ("   ", "is not the URL of a proxy"),
        ("http://h\udcffst:3128", "is not the URL of a proxy"),
    ],
)
def test_what_is_no_proxy_is_refused(
    monkeypatch: pytest.MonkeyPatch, make: Callable[..., object], name: str, value: str, words: str
) -> None:
    """The client is not made; the message names the variable and does not show a password."""
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=f"^{name} {words}") as caught:
        make(KEY)

    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "url", "auth"),
    [
        ("host:3128", "http://host:3128/", None),
        ("  http://host:3128/\n", "http://host:3128/", None),
        ("HTTP://Host", "http://host/", None),
        ("http://[::1]:3128", "http://[::1]:3128/", None),
        ("http://höst:3128", "http://xn--hst-sna:3128/", None),
        ("http://proxy_1.example.:3128", "http://proxy_1.example.:3128/", None),
        ("https://host", "https://host/", None),
        ("http://user@host:3128", "http://host:3128/", (b"user", b"")),
        ("http://user:p%40ss:w@host:3128", "http://host:3128/", (b"user", b"p@ss:w")),
        ("http://us%C3%A9r:é@host:3128", "http://host:3128/", ("usér".encode(), "é".encode())),
        ("user:word@host:3128", "http://host:3128/", (b"user", b"word")),
    ],
)
def test_url_of_a_proxy(value: str, url: str, auth: tuple[bytes, bytes] | None) -> None:
    """A proxy is a host with or without a scheme, a port, and a user name and password, percent-encoded or not."""
    proxy = proxy_from(value, "HTTPS_PROXY")
    host = proxy.inner.url.host.decode()
    shown = f"{proxy.inner.url.scheme.decode()}://{f'[{host}]' if ':' in host else host}"

    assert url == shown + (f":{proxy.inner.url.port}" if proxy.inner.url.port else "") + "/"
    expected = None if auth is None else b"Basic " + base64.b64encode(b":".join(auth))
    assert expected == (proxy.authorization and proxy.authorization.reveal())


@pytest.mark.parametrize(
    ("no_proxy", "address", "expected"),
    [
        ("", SERVICE, False),
        ("*", SERVICE, True),
        ("other.example, *", SERVICE, True),
        ("aurashot.art", SERVICE, True),
        (".aurashot.art", SERVICE, True),
        ("*.aurashot.art", SERVICE, True),
        ("AuraShot.ART.", SERVICE, True),
        ("other.example  www.aurashot.art", SERVICE, True),
        ("shot.art", SERVICE, False),
        (",, ,.,*.,:80,[]", SERVICE, False),
        ("www.aurashot.art:443", SERVICE, True),
        ("www.aurashot.art:8443", SERVICE, False),
        ("sandbox:8787", "https://sandbox:8787", True),
        ("sandbox:8788", "https://sandbox:8787", False),
        ("10.0.0.1", "https://10.0.0.1:8787", True),
        ("10.0.0.1:8787", "https://10.0.0.1:8787", True),
        ("10.0.0.0/8", "https://10.8.9.1:8787", True),
        ("192.168.0.0/16,10.0.0.1/33", "https://10.0.0.1:8787", False),
        ("fd00::1", "https://[fd00::1]:8787", True),
        ("[fd00::1]", "https://[fd00::1]:8787", True),
        ("[fd00::1]:8787", "https://[fd00::1]:8787", True),
        ("[fd00::1]:1", "https://[fd00::1]:8787", False),
        ("::/0", "https://10.0.0.1:8787", False),
    ],
)
@pytest.mark.parametrize("name", ["NO_PROXY", "no_proxy"])
def test_no_proxy(monkeypatch: pytest.MonkeyPatch, name: str, no_proxy: str, address: str, expected: bool) -> None:  # noqa: FBT001  # from the table
    """NO_PROXY names hosts, suffixes, IP addresses and networks, with or without a port."""
    monkeypatch.setenv("ALL_PROXY", "http://proxy:3128")
    monkeypatch.setenv(name, no_proxy)

    assert expected is (environment_proxy(address) is None)


def test_excluded_host_needs_no_valid_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is reached directly does not mind what the proxy's variable holds."""
    monkeypatch.setenv("ALL_PROXY", "socks://host:1080")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")

    AuraShot(KEY, base_url="http://127.0.0.1:8787").close()


def test_lower_case_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    """When a variable is set in both cases, the one in lower case counts and is named."""
    monkeypatch.setenv("HTTPS_PROXY", "http://host:3128")
    monkeypatch.setenv("https_proxy", "http://host:port")
    with pytest.raises(ConfigurationError, match=r"^https_proxy "):
        environment_proxy(SERVICE)


def test_excluded_by_its_name_only() -> None:
    """A name that ends in the digits of an address is no address."""
    assert not is_excluded("example.com", 443, "0.0.0.0/0")
    assert is_excluded("example.com.", 443, "example.com")


@pytest.mark.parametrize("make", [AuraShot, AsyncAuraShot])
@pytest.mark.parametrize(
    "value", ["socks5://user:s3cret@host:1080", "http://user:s3cret@host:port", "ftp://s3cret@host"]
)
def test_what_is_no_proxy_for_downloads(
    monkeypatch: pytest.MonkeyPatch, make: Callable[..., object], value: str
) -> None:
    """The argument or the variable is named, and a password is not shown; no way out is named that does not help."""
    with pytest.raises(ConfigurationError, match=r"^download_proxy= ") as given:
        make(KEY, download_proxy=value)
    monkeypatch.setenv("AURASHOT_DOWNLOAD_PROXY", value)
    with pytest.raises(ConfigurationError, match=r"^AURASHOT_DOWNLOAD_PROXY ") as caught:
        make(KEY)

    for message in (str(given.value), str(caught.value)):
        assert "s3cret" not in message
        assert "http_client=" not in message


@pytest.mark.parametrize("value", ["", "   "])
def test_empty_argument_is_no_proxy_for_downloads(value: str) -> None:
    """An empty variable counts as not set, an empty argument is a mistake."""
    assert download_proxy(None) is None
    with pytest.raises(ConfigurationError, match=r"^download_proxy= is not the URL of a proxy"):
        AuraShot(KEY, download_proxy=value)


@pytest.mark.parametrize("value", [8080, b"http://host:3128", ("host", 3128)])
def test_download_proxy_is_text(value: object) -> None:
    """Anything else is refused when the client is made."""
    with pytest.raises(ConfigurationError, match=r"^download_proxy= takes a URL"):
        AuraShot(KEY, download_proxy=value)  # type: ignore[arg-type]  # the mistake is the point


@pytest.mark.parametrize(
    ("no_proxy", "url", "carried"),
    [
        ("", "https://images.example.com/roof.png", True),
        ("example.org", "https://images.example.com/roof.png", True),
        ("example.com", "https://images.example.com/roof.png", False),
        ("*", "https://images.example.com/roof.png", False),
        ("", "http://127.0.0.1:8787/files/roof.png", False),
        ("", "http://localhost:8787/files/roof.png", False),
        ("", "http://[::1]:8787/files/roof.png", False),
        ("", "https://localhost:8443/files/roof.png", False),
        ("", "http://sandbox:8787/files/roof.png", False),
    ],
)
@pytest.mark.parametrize("name", ["NO_PROXY", "no_proxy"])
def test_what_the_proxy_for_downloads_carries(
    monkeypatch: pytest.MonkeyPatch, name: str, no_proxy: str, url: str, *, carried: bool
) -> None:
    """All images but those of this machine and of the hosts that NO_PROXY names."""
    monkeypatch.setenv(name, no_proxy)
    found = download_proxy("http://host:3128")

    assert found is not None
    assert carried is found.carries(url)


def test_https_proxy_is_checked_with_the_given_context(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy with a private certificate authority is reached by https, for the API and for downloads."""
    monkeypatch.setenv("HTTPS_PROXY", "https://host:3128")
    context = ssl.create_default_context()
    found = download_proxy("https://host:3128", context)
    of_api = AuraShot(KEY, ssl_context=context)._transport.connections.proxy

    assert found is not None
    assert of_api is not None
    assert [context, context] == [found.proxy.inner.ssl_context, of_api.inner.ssl_context]
