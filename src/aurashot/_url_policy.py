"""Which IP addresses are public, and which URLs may be sent, fetched or used as a base URL.

Pure functions that return the reason for a refusal; the caller turns it into an error.
"""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias
from urllib.parse import SplitResult, quote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

IPAddress: TypeAlias = IPv4Address | IPv6Address

_LONGEST: Final = 8_192
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}

_HOST_NAME: Final = re.compile(r"(?:[a-z0-9_-]{1,63}\.)+[a-z0-9-]{2,63}\.?")
# The resolver of the C library reads 127.1, 2130706433 and 0x7f000001 as addresses: whatever ends in a number is one
# (WHATWG URL, "ends in a number").
_NUMERIC: Final = re.compile(r"(?:.*\.)?(?:\d+|0x[0-9a-f]*)\.?")
_C0_OR_SPACE: Final = bytes(range(0x21))
_AUTHORITY: Final = re.compile(rb"((?:[A-Za-z][A-Za-z0-9+.-]*:)?//)([^/?#]*)")
_AS_IT_IS: Final = "".join(map(chr, range(0x21, 0x7F))).replace("\\", "")
_BASE_URL: Final = re.compile(r"[!-~]{1,2000}")
_BASE_URL_HOST: Final = re.compile(r"(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}\.?")
_LOCAL_NAME: Final = re.compile(r"(?:.*\.)?(?:localhost|localdomain|local|internal|home\.arpa)\.?")

# Addresses that `is_global` lets through on some or all versions of Python, and that no public image lives at.
_NOT_PUBLIC: Final = tuple(
    ip_network(block)
    for block in (
        "100.64.0.0/10",  # carrier-grade NAT; 100.100.100.200 is a metadata service
        "168.63.129.16/32",  # a cloud's host agent
        "192.0.0.0/24",  # protocol assignments; 192.0.0.192 is a metadata service
        "192.88.99.0/24",  # 6to4 relays
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved
        "2001::/23",  # protocol assignments, Teredo among them
        "3fff::/20",  # documentation
    )
)
_OWN_NETWORKS: Final = tuple(
    ip_network(block) for block in ("0.0.0.0/32", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::/128", "fc00::/7")
)
"""This machine without a name, and private networks (RFC 1918, RFC 4193)."""
_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
_HOLDING_IPV4: Final = (IPv6Network("64:ff9b::/96"), IPv6Network("::/96"))  # NAT64, and the old IPv4-compatible form


class SplitURL(Protocol):
    """A URL object that has its parts as properties, such as `pydantic.HttpUrl` and `httpx.URL`."""

    @property
    def scheme(self) -> str:
        """The scheme, such as `https`."""
        ...

    @property
    def host(self) -> str | None:
        """The host."""
        ...


class ReadableURL(Protocol):
    """A `yarl.URL`, whose properties are of a kind that is not `property` for type checkers."""

    def human_repr(self) -> str:
        """Return the URL with decoded characters."""
        ...


URLObject: TypeAlias = SplitURL | ReadableURL
"""A URL as an object of another library: `pydantic.HttpUrl`, `httpx.URL`, `yarl.URL` and others."""


def url_text(given: object) -> str | None:
    """Return the text of a URL object, or None for anything else; `urllib.parse` and others call the host otherwise."""
    if isinstance(given, str):
        return None
    try:
        text: object = _text_of(given)
    except Exception:  # noqa: BLE001  # an object whose attributes raise is not a URL
        return None
    return text if isinstance(text, str) else None


def _text_of(given: object) -> object:
    if not isinstance(getattr(given, "scheme", None), str):
        return None
    if not any(hasattr(given, name) for name in ("host", "hostname", "netloc")):
        return None
    geturl = getattr(given, "geturl", None)
    return geturl() if callable(geturl) else str(given)


def unsafe_characters(url: str) -> str | None:
    """Name the characters of a text that a URL must not have, and where they are; None if there are none."""
    if url != url.rstrip():
        return f"{_kind(url[-1])} at its end"
    if url != url.lstrip():
        return f"{_kind(url[0])} at its start"
    if any(character == "\\" or character.isspace() or not character.isprintable() for character in url):
        return "a space, a backslash or a control character in it"
    return None


def _kind(space: str) -> str:
    return "a line break" if space in "\r\n" else "a space"


def escaped_url(url: bytes) -> str:
    """Return a URL as browsers read it (WHATWG, URL): raw UTF-8, spaces and backslashes are escaped or replaced.

    Args:
        url: The bytes of a URL, which may be relative.

    Raises:
        ValueError: Its host cannot be a name.
    """
    raw = url.strip(_C0_OR_SPACE).translate(None, b"\t\n\r")
    end = next((place for place, byte in enumerate(raw) if byte in b"?#"), len(raw))
    raw = raw[:end].replace(b"\\", b"/") + raw[end:]
    authority = _AUTHORITY.match(raw)
    if authority is None or authority[2].isascii():
        return quote(raw, safe=_AS_IT_IS)
    host, colon, port = authority[2].decode().rpartition(":")
    host, port = (host, colon + port) if port.isdecimal() else (host + colon + port, "")
    return f"{authority[1].decode()}{host.encode('idna').decode()}{port}{quote(raw[authority.end() :], safe=_AS_IT_IS)}"


@lru_cache(maxsize=256)  # the same host goes with every call
def ip_literal(host: str) -> IPAddress | None:
    """Return the IP address that the host of a URL is, or None for a name; one with a zone (RFC 6874) is not taken."""
    try:
        return None if "%" in host else ip_address(host)
    except ValueError:
        return None


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, by its spelling."""
    return host == "localhost" if ip_literal(host) is None else is_loopback_address(host)


@lru_cache(maxsize=256)
def is_loopback_address(address: str | IPAddress) -> bool:
    """Whether an IP address is this machine's, also as an IPv4 address inside an IPv6 address."""
    return _unmapped(address).is_loopback


def is_own_network_address(address: str | IPAddress) -> bool:
    """Whether an IP address is this machine's, or one of a private network."""
    plain = _unmapped(address)
    return plain.is_loopback or any(plain in block for block in _OWN_NETWORKS)


def _unmapped(address: str | IPAddress) -> IPAddress:
    """Return the IPv4 address that the system connects to for an IPv4-mapped IPv6 address, or the address itself."""
    plain = ip_address(address)
    return (plain.ipv4_mapped or plain) if isinstance(plain, IPv6Address) else plain


def is_public_address(address: str | IPAddress) -> bool:
    """Whether an IP address is reachable from everywhere, also when it is an IPv4 address inside an IPv6 address."""
    plain = _embedded_ipv4(ip_address(address))
    if isinstance(plain, IPv6Address) and plain not in _GLOBAL_UNICAST:
        return False
    return plain.is_global and not any(plain in block for block in _NOT_PUBLIC)


def _embedded_ipv4(address: IPAddress) -> IPAddress:
    """Return the IPv4 address that an IPv6 address leads to, or the address itself."""
    if isinstance(address, IPv4Address):
        return address
    if any(address in block for block in _HOLDING_IPV4):
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or address


@lru_cache(maxsize=256)  # the same face goes with every call
def image_url_fault(url: str, own_origin: str) -> str | None:
    """Return what keeps an image's URL from being sent or fetched: it is neither public HTTPS nor of the own origin.

    Names are not resolved here: the connection checks the addresses behind the name with `is_public_address`.
    """
    if len(url) > _LONGEST:
        return f"is longer than {_LONGEST:,} characters; upload the image instead"
    if found := unsafe_characters(url):
        return f"has {found}; {'percent-encode it' if found.endswith('in it') else 'remove it'}"
    try:
        parts = urlsplit(url)
        origin = _origin(parts)
    except ValueError:
        return "is not a well-formed URL; check the host and the port"
    if "@" not in parts.netloc and origin == _origin(urlsplit(own_origin)):
        return None
    return next((sentence for is_wrong, sentence in _RULES if is_wrong(parts)), None)


def base_url_fault(url: str, http_host: str = "") -> str | None:
    """Return what keeps a URL from being a base URL, which is sent the key: it is https, or http on this machine.

    Args:
        url: The URL.
        http_host: The one host that may be reached by plain http as well.
    """
    if found := unsafe_characters(url):
        return f"has {found}"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "is not a URL"
    if parts.scheme not in {"https", "http"} or not host or not _BASE_URL.fullmatch(url):
        return "is not an http(s) URL"
    return _fault_of_parts(url, parts, http_host)


def _fault_of_parts(url: str, parts: SplitResult, http_host: str) -> str | None:
    host = _host(parts)
    if "@" in parts.netloc or "?" in url or "#" in url:
        return "must not hold a user name, a query or a fragment"
    if not (ip_literal(host) if "[" in parts.netloc else _BASE_URL_HOST.fullmatch(host)):
        return "is not a URL, because its host is not a valid name"
    if parts.scheme == "https" or is_loopback(host) or (host == http_host.lower() and not _is_foreign_literal(host)):
        return None
    fault = "must be https; plain http would show the key to the network"
    if _is_local_name(parts) or _is_private_literal(parts):
        fault += f", and is allowed for a sandbox of your own by AURASHOT_ALLOW_HTTP={host}"
    return fault


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    port = _DEFAULT_PORTS.get(parts.scheme) if parts.port is None else parts.port
    return parts.scheme, parts.hostname, port


def _host(parts: SplitResult) -> str:
    return parts.hostname or ""


def _is_odd_number(parts: SplitResult) -> bool:
    return ip_literal(_host(parts)) is None and _NUMERIC.fullmatch(_host(parts)) is not None


def _is_private_literal(parts: SplitResult) -> bool:
    address = ip_literal(_host(parts))
    return address is not None and not is_public_address(address)


def _is_foreign_literal(host: str) -> bool:
    address = ip_literal(host)
    return address is not None and not is_own_network_address(address)


def _is_local_name(parts: SplitResult) -> bool:
    host = _host(parts)
    single_label = "." not in host.rstrip(".") and ":" not in host
    return single_label or _LOCAL_NAME.fullmatch(host) is not None


def _is_no_name(parts: SplitResult) -> bool:
    host = _host(parts)
    return ip_literal(host) is None and _HOST_NAME.fullmatch(host) is None


_RULES: tuple[tuple[Callable[[SplitResult], bool], str], ...] = (
    (
        lambda parts: parts.scheme != "https",
        "is not https; use an https URL, or download the file and pass its path",
    ),
    (lambda parts: "@" in parts.netloc, "has a user name or password in it; pass a URL without them"),
    (lambda parts: not parts.hostname, "has no host; write it as https://host/path"),
    (lambda parts: parts.port not in {None, 443}, "has a port; the service fetches from port 443 only"),
    (_is_odd_number, "spells an IP address in an unusual way; use the host's name"),
    (_is_private_literal, "is a private or reserved address, which the service cannot reach; pass the file itself"),
    (_is_local_name, "is a name of a local network, which the service cannot reach; pass the file itself"),
    (_is_no_name, "has a malformed host name; write an international one in its xn-- form"),
)
