"""The pieces that right and wrong answers are made of."""

from __future__ import annotations

import json
import zlib
from itertools import repeat
from typing import TYPE_CHECKING, Any, Final

from tests.servers.replies import CLOSE, GENERATION, Action, body, headers_only

if TYPE_CHECKING:
    from collections.abc import Iterable

STALE: Final = "stale"
"""The identity in an answer that nobody asked for."""


def generation(key: str) -> bytes:
    """Return the JSON of a finished picture that belongs to a key."""
    return json.dumps(
        {**GENERATION, "requestId": key, "outputs": [{"url": f"https://cdn.aurashot.art/o/{key}.png"}]}
    ).encode()


def stale() -> bytes:
    """Return a whole answer to nobody's request."""
    return body(generation(STALE))


def error(code: int, /, **headers: object) -> bytes:
    """Return an error answer."""
    return body(json.dumps({"error": {"message": f"chaos {code}"}}).encode(), "application/json", code, **headers)


def redirect(code: int, to: str) -> bytes:
    """Return a redirect."""
    return body(b"", "text/plain", code, location=f"{to}/v1/character/generate")


def gzipped(content: bytes, *, without: int) -> bytes:
    """Return an answer that lasts as long as the connection, its gzip stream cut short."""
    squeezed = _gzip(content)[:-without]
    return headers_only(content_type="application/json", content_encoding="gzip", connection="close") + squeezed


def trickled(content: bytes) -> Iterable[Action]:
    """Send a byte at a time, so that no single read ever times out."""
    for place in range(len(content)):
        yield content[place : place + 1]
        yield 0.03


def interim(_: Any) -> Iterable[Action]:
    """Send interim answers for longer than anybody should listen; a client without a deadline would listen for ever."""
    for flood in repeat(b"HTTP/1.1 100 Continue\r\n\r\n" * 3, 100):
        yield flood
        yield 0.03
    yield CLOSE


def _gzip(content: bytes, times: int = 1) -> bytes:
    squeeze = zlib.compressobj(wbits=31)
    return b"".join([*(squeeze.compress(content) for _ in range(times)), squeeze.flush()])


BOMB: Final = body(_gzip(b" " * 2**20, 100), content_encoding="gzip")
"""100 MiB of spaces in about 100 kB."""
