"""Which URLs may be references, and how one becomes a file: stored here, replaced by a drawn portrait, or fetched.

The rules are those of the service: public HTTPS, the standard port, no user name, no private address. The one
exception is the sandbox's own `/files/…`, which are plain HTTP on a loopback port.
"""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import re
import socket
import threading
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Literal, TypeAlias
from urllib.parse import SplitResult, urlsplit

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from aurashot.sandbox._store import FileStore

IPAddress: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

_NOT_IN_A_URL = re.compile(r"[\s\x00-\x1f\x7f\\]")
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_PRIVATE_NAMES = (".localhost", ".local", ".internal", ".home.arpa")
# RFC 6052 and RFC 4291: the last four bytes are an IPv4 address
_IPV4_INSIDE = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("::/96"))
_SITE_LOCAL = ipaddress.IPv6Network("fec0::/10")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A reference as a file, and its URL if it was replaced by a drawn portrait."""

    path: Path
    stand_in: str | None = None


class ReferenceLoader:
    """Turn URLs into files of a store.

    `seed` decides which portrait replaces a URL; `fetch` downloads public URLs, None never uses the network.
    """

    def __init__(self, store: FileStore, *, seed: int, fetch: Callable[[str], Awaitable[bytes]] | None) -> None:
        self._store = store
        self._seed = seed
        self._fetch = fetch
        self._drawing = threading.Lock()  # or another thread would find half a file

    async def load(self, address: str, *, base: str) -> Loaded:
        """Return the file behind a URL; `base` is the URL under which the client reached the sandbox.

        Raises:
            ValueError: The URL may not be a reference, or there is no image behind it.
        """
        if classify(address, base=base) == "own":
            return Loaded(self._held(address))
        if self._fetch is None:
            return Loaded(await asyncio.to_thread(self._stand_in, address), stand_in=address)
        data = await self._fetch(address)
        return Loaded((await asyncio.to_thread(self._store.add, BytesIO(data))).path)

    def _held(self, address: str) -> Path:
        file = self._store.find(urlsplit(address).path.rpartition("/")[2])
        if file is None:
            raise ValueError("there is no such file here; upload it first")
        return file.path

    def _stand_in(self, address: str) -> Path:
        from aurashot.sandbox import drawing

        digest = hashlib.sha256(f"{self._seed} {address}".encode()).hexdigest()
        path = self._store.folder / f"stand-in-{digest}.png"
        with self._drawing:
            if not path.exists():
                path.write_bytes(drawing.encode_plain(drawing.draw_portrait(digest)))
        return path


def classify(address: str, *, base: str) -> Literal["own", "public"]:
    """Return whether a URL is one of the sandbox's own files or a public one.

    Raises:
        ValueError: It is neither; the sentence says what it must not be.
    """
    parts = _split(address)
    own = urlsplit(base)
    if parts.netloc.lower() == own.netloc.lower():
        if parts.path.startswith(f"{own.path}files/"):
            return "own"
        raise ValueError("must be one of the files here when it names this server")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not carry a user name or password")
    if parts.scheme != "https":
        raise ValueError("must be https")
    if parts.port not in {None, 443}:
        raise ValueError("must use the standard port")
    if not _is_public_host(parts.hostname or ""):
        raise ValueError("must be a public address")
    return "public"


def _split(address: str) -> SplitResult:
    try:
        parts = urlsplit(address)
        _ = parts.port  # raises when it is no number
    except ValueError as error:
        raise ValueError("must be an http(s) URL") from error
    if _NOT_IN_A_URL.search(address) or parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be an http(s) URL")
    return parts


def _is_public_host(host: str) -> bool:
    try:
        name = host.rstrip(".").encode("idna").decode().lower()
    except UnicodeError:
        return False
    literal = _literal(name)
    if literal is not None:
        return is_public(literal)
    labels = name.split(".")
    return len(labels) > 1 and all(map(_LABEL.fullmatch, labels)) and not f".{name}".endswith(_PRIVATE_NAMES)


def _literal(host: str) -> IPAddress | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    try:
        # The C library also takes "127.1", "2130706433" and "0x7f000001", so such names must not pass for names.
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except OSError:
        return None


def is_public(address: IPAddress) -> bool:
    """Return whether an IP address belongs to the public network, an IPv4 address inside an IPv6 one included.

    `is_global` alone lets multicast, NAT64, 6to4 and IPv4-compatible forms of private addresses pass.
    """
    inner = _ipv4_inside(address) if isinstance(address, ipaddress.IPv6Address) else None
    if inner is not None:
        return is_public(inner)
    return address.is_global and not address.is_multicast and address not in _SITE_LOCAL


def _ipv4_inside(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if any(address in network for network in _IPV4_INSIDE):
        return ipaddress.IPv4Address(address.packed[-4:])
    return address.ipv4_mapped or address.sixtofour
