"""What a fault is, and the pieces that right and wrong responses are made of."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from lab.server import CLOSE, GENERATION, Action, body, headers_only

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

STALE: Final = "stale"
"""The identity in a response that nobody asked for."""


def generation(key: str) -> bytes:
    """Return the JSON of a finished image that belongs to a key."""
    return json.dumps(
        {**GENERATION, "requestId": key, "outputs": [{"url": f"https://cdn.aurashot.art/o/{key}.png"}]}
    ).encode()


def error(code: int, /, **headers: object) -> bytes:
    """Return an error response."""
    return body(json.dumps({"error": {"message": f"chaos {code}"}}).encode(), "application/json", code, **headers)


def redirect(code: int, to: str) -> bytes:
    """Return a redirect."""
    return body(b"", "text/plain", code, location=f"{to}/v1/character/generate")


def gzipped(content: bytes, *, without: int) -> bytes:
    """Return a response that lasts as long as the connection, its gzip stream cut short."""
    squeezed = _gzip(content)[:-without]
    return headers_only(content_type="application/json", content_encoding="gzip", connection="close") + squeezed


def trickled(content: bytes) -> Iterable[Action]:
    """Send a byte at a time, so that no single read ever times out."""
    for at in range(len(content)):
        yield content[at : at + 1]
        yield 0.03


def interim(_: Any) -> Iterable[Action]:
    """Send interim responses for longer than any deadline; a client without one would read them for ever."""
    for flood in repeat(b"HTTP/1.1 100 Continue\r\n\r\n" * 3, 100):
        yield flood
        yield 0.03
    yield CLOSE


def _gzip(content: bytes, times: int = 1) -> bytes:
    squeeze = zlib.compressobj(wbits=31)
    return b"".join([*(squeeze.compress(content) for _ in range(times)), squeeze.flush()])


BOMB: Final = body(_gzip(b" " * 2**20, 100), content_encoding="gzip")
"""100 MiB of spaces in about 100 kB."""


@dataclass(frozen=True, slots=True)
class Context:
    """One request that is to be answered."""

    key: str
    evil: str
    """The address of another origin, which must never get anything."""

    @property
    def json(self) -> bytes:
        """The body of the right response, with the asker's key in its identifier and its address."""
        return generation(self.key)

    @property
    def right(self) -> bytes:
        """The whole right response."""
        return body(self.json)


Script: TypeAlias = "Callable[[Context], Iterable[Action]]"


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to respond.

    Attributes:
        name: What it does.
        share: How many of a thousand responses are so.
        bills: Whether the work was done by then, and is on the bill.
        script: Bytes to send, seconds to wait, and what becomes of the connection.
    """

    name: str
    share: int
    bills: bool
    script: Script
