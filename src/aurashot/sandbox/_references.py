"""Which URLs are allowed as references, and their files: stored, replaced by a drawn portrait, or downloaded.

The rules are those of the service: public HTTPS, the standard port, no user name, no private address. The only
exceptions are the sandbox's own `/files/…`, which are plain HTTP on a loopback port.
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

from aurashot._url_policy import is_public_address

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from aurashot.sandbox._store import FileStore

IPAddress: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

_NOT_IN_A_URL = re.compile(r"[\s\x00-\x1f\x7f\\]")
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_PRIVATE_NAMES = (".localhost", ".local", ".internal", ".home.arpa")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A reference as a file, and its URL if it was replaced by a drawn portrait."""

    path: Path
    stand_in: str | None = None


class ReferenceLoader:
    """Turn URLs into files of a store.

    `seed` determines which portrait replaces a URL. `fetch` downloads public URLs; with None the network is not used.
    """

    def __init__(self, store: FileStore, *, seed: int, fetch: Callable[[str], Awaitable[bytes]] | None) -> None:
        self._store = store
        self._seed = seed
        self._fetch = fetch
        self._drawing = threading.Lock()  # otherwise another thread could read an incomplete file

    async def load(self, url: str, *, base: str) -> Loaded:
        """Return the file of a URL; `base` is the base URL that the client used for the sandbox.

        Raises:
            ValueError: The URL is not allowed as a reference, or does not return an image.
        """
        if classify(url, base=base) == "own":
            return Loaded(self._own_file(url))
        if self._fetch is None:
            return Loaded(await asyncio.to_thread(self._stand_in, url), stand_in=url)
        data = await self._fetch(url)
        return Loaded((await asyncio.to_thread(self._store.add, BytesIO(data))).path)

    def _own_file(self, url: str) -> Path:
        file = self._store.find(urlsplit(url).path.rpartition("/")[2])
        if file is None:
            raise ValueError("this server has no such file; upload it first")
        return file.path

    def _stand_in(self, url: str) -> Path:
        from aurashot.sandbox import drawing

        digest = hashlib.sha256(f"{self._seed} {url}".encode()).hexdigest()
        path = self._store.folder / f"stand-in-{digest}.png"
        with self._drawing:
            if not path.exists():
                path.write_bytes(drawing.encode_plain(drawing.draw_portrait(digest)))
                self._store.count(path)
        return path


def classify(url: str, *, base: str) -> Literal["own", "public"]:
    """Return whether a URL is one of the sandbox's own files or a public one.

    Raises:
        ValueError: It is neither; the message says why.
    """
    parts = _split(url)
    own = urlsplit(base)
    if parts.netloc.lower() == own.netloc.lower():
        if parts.path.startswith(f"{own.path}files/"):
            return "own"
        raise ValueError("must be one of the files of this server, since it has its host")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not contain a user name or password")
    if parts.scheme != "https":
        raise ValueError("must be https")
    if parts.port not in {None, 443}:
        raise ValueError("must use the standard port")
    if not _is_public_host(parts.hostname or ""):
        raise ValueError("must be a public address")
    return "public"


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises if it is not a number
    except ValueError as error:
        raise ValueError("must be an http(s) URL") from error
    if _NOT_IN_A_URL.search(url) or parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be an http(s) URL")
    return parts


def _is_public_host(host: str) -> bool:
    try:
        name = host.rstrip(".").encode("idna").decode().lower()
    except UnicodeError:
        return False
    literal = _literal(name)
    if literal is not None:
        return is_public_address(literal)
    labels = name.split(".")
    return len(labels) > 1 and all(map(_LABEL.fullmatch, labels)) and not f".{name}".endswith(_PRIVATE_NAMES)


def _literal(host: str) -> IPAddress | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    try:
        # The C library also accepts "127.1", "2130706433" and "0x7f000001", so these must not count as host names.
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except OSError:
        return None
