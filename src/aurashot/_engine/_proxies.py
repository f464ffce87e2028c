"""The proxy that the environment, or the user, names for a URL."""

from __future__ import annotations

import base64
import os
import re
import sys
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, unquote_to_bytes, urlsplit

from aurashot._hidden import HIDDEN, Secret
from aurashot._url_policy import ip_literal, is_loopback
from aurashot.errors import ConfigurationError

if TYPE_CHECKING:
    import ssl

    import httpcore

_DOWNLOAD_PROXY: Final = "AURASHOT_DOWNLOAD_PROXY"

_OF_DOWNLOADS: Final = {"download_proxy=", _DOWNLOAD_PROXY}
_HOST: Final = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?")
_SCHEME: Final = re.compile(r"([a-z][a-z0-9+.-]{0,15})://", re.IGNORECASE)
_ENTRY: Final = re.compile(r"\[(?P<ipv6>[^\]]*)\](?::(?P<port6>\d+))?|(?P<name>[^:]+)(?::(?P<port>\d+))?")


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy.

    Attributes:
        inner: How httpcore knows it, without its password.
        authorization: What is sent to it as Proxy-Authorization.
    """

    inner: httpcore.Proxy = field(repr=False)
    authorization: Secret | None = None


@dataclass(frozen=True, slots=True)
class DownloadProxy:
    """The proxy that fetches images, and what is fetched without it.

    Attributes:
        proxy: The proxy.
        no_proxy: What NO_PROXY named when the client was made.
    """

    proxy: Proxy
    no_proxy: str

    def carries(self, address: str) -> bool:
        """Whether a URL is fetched through the proxy: not on this machine, and not on a host that NO_PROXY names.

        Only images of a service on this machine, or of a sandbox nearby, have plain http URLs.
        """
        parts = urlsplit(address)
        host = parts.hostname or ""
        is_near = parts.scheme == "http" or is_loopback(host)
        return not is_near and not is_excluded(host, _port(parts), self.no_proxy)


def download_proxy(given: str | None, context: ssl.SSLContext | None = None) -> DownloadProxy | None:
    """Return the proxy for images that an argument or AURASHOT_DOWNLOAD_PROXY names.

    Args:
        given: The argument.
        context: The user's TLS context, for a proxy that is reached by https.

    Raises:
        ConfigurationError: What is named is not a proxy.
    """
    text = given if given is not None else os.environ.get(_DOWNLOAD_PROXY)
    if given is None and not text:
        return None
    proxy = proxy_from(text or "", "download_proxy=" if given is not None else _DOWNLOAD_PROXY, context)
    return DownloadProxy(proxy, os.environ.get("no_proxy") or os.environ.get("NO_PROXY", ""))


def environment_proxy(address: str, context: ssl.SSLContext | None = None) -> Proxy | None:
    """Return the proxy that HTTPS_PROXY, ALL_PROXY and NO_PROXY, or the system, name for a URL.

    What is sent by plain http, or to this machine, never goes through a proxy: it would be shown to the proxy and to
    the network on the way there.

    Args:
        address: The URL.
        context: The user's TLS context, for a proxy that is reached by https.

    Raises:
        ConfigurationError: What they name is not a proxy.
    """
    if sys.platform not in {"darwin", "win32"} and not any(name.lower().endswith("_proxy") for name in os.environ):
        return None  # the usual case needs none of the imports below
    parts = urlsplit(address)
    host = parts.hostname or ""
    if parts.scheme != "https" or is_loopback(host):
        return None

    import urllib.request

    own = urllib.request.getproxies_environment()
    proxies = own or urllib.request.getproxies()
    kind = parts.scheme if proxies.get(parts.scheme) else "all"
    if not proxies.get(kind):
        return None
    if is_excluded(host, _port(parts), own.get("no", "")) if own else urllib.request.proxy_bypass(host):
        return None
    return proxy_from(proxies[kind], _variable(kind, proxies[kind]), context)


def _port(parts: SplitResult) -> int:
    return parts.port or (443 if parts.scheme == "https" else 80)


def _variable(kind: str, value: str) -> str:
    names = sorted((name for name in os.environ if name.lower() == f"{kind}_proxy"), reverse=True)  # lower case wins
    return next((name for name in names if os.environ[name] == value), "The system's proxy")


def is_excluded(host: str, port: int, no_proxy: str) -> bool:
    """Return whether NO_PROXY names a host: by name, suffix, IP address or network, perhaps with a port."""
    return any(_names(entry, host.lower().rstrip("."), port) for entry in re.split(r"[,\s]+", no_proxy.lower()))


def _names(entry: str, host: str, port: int) -> bool:
    if entry == "*":
        return True
    parts = _ENTRY.fullmatch(entry)
    name = entry if parts is None else parts["ipv6"] or parts["name"] or ""  # an IPv6 address may lack its brackets
    wanted = parts and (parts["port6"] or parts["port"])
    if wanted and int(wanted) != port:
        return False
    address = ip_literal(host)
    if address is not None:
        try:
            return address in ip_network(name, strict=False)
        except ValueError:
            return False
    suffix = name.removeprefix("*").strip(".")
    return bool(suffix) and (host == suffix or host.endswith(f".{suffix}"))


def proxy_from(text: str, source: str, context: ssl.SSLContext | None = None) -> Proxy:
    """Return the proxy at a URL.

    Args:
        text: The URL; without a scheme, it is http.
        source: What names it, for messages, which do not show the URL: it may hold a password.
        context: The user's TLS context, for an https proxy; by default, that of the process.

    Raises:
        ConfigurationError: It is not the URL of an http(s) proxy.
    """
    text = text.strip()
    scheme = _SCHEME.match(text)
    if scheme is not None and scheme[1].lower() not in {"http", "https"}:
        raise ConfigurationError(f"{source} has the scheme {scheme[1]!r}; {_remedy(scheme[1].lower(), source)}")
    if any(character < " " or character == "\x7f" for character in text):  # `urlsplit` leaves out some of them
        raise ConfigurationError(f"{source} has a control character in it; write it as http://host:port")
    parts = _split(text)
    if parts is None or parts.hostname is None:
        raise ConfigurationError(f"{source} is not the URL of a proxy; write it as http://host:port")

    import httpcore

    from aurashot._engine._environment import ssl_context

    authorization = _authorization(parts)
    inner = httpcore.Proxy(
        httpcore.URL(scheme=parts.scheme.encode(), host=parts.hostname.encode("idna"), port=parts.port, target=b"/"),
        headers=[] if authorization is None else [(b"Proxy-Authorization", HIDDEN)],
        ssl_context=(context or ssl_context()) if parts.scheme == "https" else None,
    )
    return Proxy(inner, authorization)


def _split(text: str) -> SplitResult | None:
    """Return the parts of a proxy's URL, or None if it has no host or no valid port."""
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        host = (parts.hostname or "").encode("idna").decode()
        is_valid = parts.port != 0 and (_HOST.fullmatch(host) or ip_literal(host))
    except ValueError:  # of a port that is not a number, or a name that is too long
        return None
    return parts if is_valid else None


def _remedy(scheme: str, source: str) -> str:
    if scheme.startswith("socks"):
        return (
            f"name an http proxy, exclude the host in NO_PROXY, or unset {source} and pass an httpx client with the "
            "SOCKS proxy as http_client= (pip install 'httpx[socks]')"
            if source not in _OF_DOWNLOADS
            else "name an http proxy"
        )
    return "write it as http://host:port"


def _authorization(parts: SplitResult) -> Secret | None:
    """Return the user name and password, if there are any."""
    if parts.username is None:
        return None
    credentials = unquote_to_bytes(parts.username) + b":" + unquote_to_bytes(parts.password or "")
    return Secret(b"Basic " + base64.b64encode(credentials))
