"""The definition of a fault, and the parts of correct and faulty responses."""

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
"""The ID in a response that was not requested."""


def generation(key: str) -> bytes:
    """Return the JSON of a generated image whose ID is a key."""
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
    """Return a response without Content-Length whose gzip stream is truncated."""
    compressed = _gzip(content)[:-without]
    return headers_only(content_type="application/json", content_encoding="gzip", connection="close") + compressed


def trickled(content: bytes) -> Iterable[Action]:
    """Send byte by byte, so that no single read times out."""
    for at in range(len(content)):
        yield content[at : at + 1]
        yield 0.03


def interim(_: Any) -> Iterable[Action]:
    """Send interim responses for longer than any deadline."""
    for part in repeat(b"HTTP/1.1 100 Continue\r\n\r\n" * 3, 100):
        yield part
        yield 0.03
    yield CLOSE


def _gzip(content: bytes, times: int = 1) -> bytes:
    compressor = zlib.compressobj(wbits=31)
    return b"".join([*(compressor.compress(content) for _ in range(times)), compressor.flush()])


BOMB: Final = body(_gzip(b" " * 2**20, 100), content_encoding="gzip")
"""100 MiB of spaces in about 100 kB."""


@dataclass(frozen=True, slots=True)
class Context:
    """A request and the data for its response."""

    key: str
    other_origin: str
    """The URL of another origin, which must not receive any request."""

    @property
    def json(self) -> bytes:
        """The body of the correct response, with the key in its ID and its URL."""
        return generation(self.key)

    @property
    def response(self) -> bytes:
        """The complete correct response."""
        return body(self.json)


Script: TypeAlias = "Callable[[Context], Iterable[Action]]"


@dataclass(frozen=True, slots=True)
class Fault:
    """A kind of response.

    Attributes:
        name: The name in the tables.
        share: Its share per thousand responses.
        bills: Whether the request is billed.
        script: Returns the actions of the response.
    """

    name: str
    share: int
    bills: bool
    script: Script
