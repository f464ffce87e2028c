"""The proxy that the environment, or the user, names for a URL."""

from __future__ import annotations

import os
import re
import sys
from ipaddress import ip_network
from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, unquote_to_bytes, urlsplit

from aurashot._url_policy import ip_literal
from aurashot.errors import ConfigurationError

if TYPE_CHECKING:
    import httpcore

_HOST: Final = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?")
_SCHEME: Final = re.compile(r"([a-z][a-z0-9+.-]{0,15})://", re.IGNORECASE)
_ENTRY: Final = re.compile(r"\[(?P<ipv6>[^\]]*)\](?::(?P<port6>\d+))?|(?P<name>[^:]+)(?::(?P<port>\d+))?")


def environment_proxy(address: str) -> httpcore.Proxy | None:
    """Return the proxy that HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY, or the system, name for a URL.

    Raises:
        ConfigurationError: What they name is not a proxy.
    """
    if sys.platform not in {"darwin", "win32"} and not any(name.lower().endswith("_proxy") for name in os.environ):
        return None  # the usual case needs none of the imports below

    import urllib.request

    parts = urlsplit(address)
    host = parts.hostname or ""
    own = urllib.request.getproxies_environment()
    proxies = own or urllib.request.getproxies()
    kind = parts.scheme if proxies.get(parts.scheme) else "all"
    if not proxies.get(kind):
        return None
    if is_excluded(host, _port(parts), own.get("no", "")) if own else urllib.request.proxy_bypass(host):
        return None
    return proxy_from(proxies[kind], _variable(kind, proxies[kind]))


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


def proxy_from(text: str, source: str) -> httpcore.Proxy:
    """Return the proxy at a URL.

    Args:
        text: The URL; without a scheme, it is http.
        source: What names it, for messages, which do not show the URL: it may hold a password.

    Raises:
        ConfigurationError: It is not the URL of an http(s) proxy.
    """
    text = text.strip()
    scheme = _SCHEME.match(text)
    if scheme is not None and scheme[1].lower() not in {"http", "https"}:
        raise ConfigurationError(f"{source} has the scheme {scheme[1]!r}; {_remedy(scheme[1].lower(), source)}")
    parts = _split(text)
    if parts is None or parts.hostname is None:
        raise ConfigurationError(f"{source} is not the URL of a proxy; write it as http://host:port")

    import httpcore

    from aurashot._engine._environment import ssl_context

    return httpcore.Proxy(
        httpcore.URL(scheme=parts.scheme.encode(), host=parts.hostname.encode("idna"), port=parts.port, target=b"/"),
        auth=_credentials(parts),
        ssl_context=ssl_context() if parts.scheme == "https" else None,
    )


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
        )
    return "write it as http://host:port"


def _credentials(parts: SplitResult) -> tuple[bytes, bytes] | None:
    if parts.username is None:
        return None
    return unquote_to_bytes(parts.username), unquote_to_bytes(parts.password or "")
