"""The faults of the test server: the name of each, its share per thousand responses, and whether it is billed.

The fault of a request depends only on the seed, the key and the number of the attempt, so that runs are repeatable and
all clients get the same faults.
"""

from __future__ import annotations

from bisect import bisect
from hashlib import blake2b
from itertools import accumulate
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from lab.faults.scripts import BOMB, STALE, Fault, error, generation, gzipped, interim, redirect, trickled
from lab.server import CLOSE, HOLD, RESET, body, chunked, headers_only, unbounded

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lab.faults.scripts import Script

THOUSAND: Final = 1000
HTML: Final = b"<html><body><h1>Bad gateway</h1></body></html>"


def _always(response: bytes) -> Script:
    return lambda _: (response,)


def _rejections() -> Iterable[Fault]:
    """The request was not processed, and the response says so."""
    for name, share, response in (
        ("429, Retry-After: 0", 30, error(429, retry_after=0)),
        ("503, Retry-After: 0", 25, error(503, retry_after=0)),
        ("429, Retry-After: 3600", 3, error(429, retry_after=3600)),
        ("503 with HTML, Retry-After: 0", 5, body(HTML, "text/html", 503, retry_after=0)),
        ("401 without a body", 3, headers_only(401, content_length=0)),
        ("402", 3, error(402)),
        ("409", 4, error(409)),
        ("422", 4, error(422)),
    ):
        yield Fault(name, share, False, _always(response))
    yield Fault("413, then RST", 4, False, lambda _: (error(413, connection="close"), RESET))
    yield Fault("307 to another origin", 6, False, lambda context: (redirect(307, context.other_origin),))
    yield Fault("308 to another origin", 4, False, lambda context: (redirect(308, context.other_origin),))


def _losses_before_processing() -> Iterable[Fault]:
    """The request was not processed, and the client cannot know."""
    yield Fault("RST before processing", 15, False, lambda _: (RESET,))
    yield Fault("FIN before processing", 15, False, lambda _: (CLOSE,))
    yield Fault("no response, not processed", 6, False, lambda _: (HOLD,))


def _losses_after_processing() -> Iterable[Fault]:
    """The request was billed, and the connection is lost or stalls."""
    losses: tuple[tuple[str, int, Script], ...] = (
        ("RST after processing", 27, lambda _: (RESET,)),
        ("FIN after processing", 27, lambda _: (CLOSE,)),
        ("no response, processed", 10, lambda _: (HOLD,)),
        ("truncated status line", 4, lambda _: (b"HTTP/1.1 20", CLOSE)),
        ("truncated headers", 4, lambda _: (b"HTTP/1.1 200 OK\r\ncontent-ty", CLOSE)),
        ("RST after the headers", 4, lambda context: (context.response[: -len(context.json)], RESET)),
        ("stall after the headers", 4, lambda context: (context.response[: -len(context.json)], HOLD)),
        ("stall in the body", 4, lambda context: (context.response[:-40], HOLD)),
        ("truncated body, Content-Length", 10, lambda context: (context.response[:-40], CLOSE)),
        ("truncated body, chunked", 8, lambda context: (chunked(context.json)[:-60], CLOSE)),
        ("truncated body, no length", 8, lambda context: (unbounded(context.json[:-40]), CLOSE)),
        ("truncated gzip, no length", 6, lambda context: (gzipped(context.json, without=20), CLOSE)),
        ("headers sent byte by byte", 4, lambda context: trickled(context.response)),
        (
            "body sent byte by byte",
            4,
            lambda context: (context.response[: -len(context.json)], *trickled(context.json)),
        ),
        ("endless 1xx responses", 4, interim),
    )
    for name, share, script in losses:
        yield Fault(name, share, True, script)


def _broken_responses() -> Iterable[Fault]:
    """The request was billed, and the response is not valid HTTP or not the documented response."""
    for name, share, broken in (
        ("not HTTP", 5, b"\x16\x03\x01\x02\x00" * 40 + b"\r\n\r\n"),
        ("invalid status line", 3, b"ICY 200 OK\r\n\r\n"),
        ("invalid header", 3, b"HTTP/1.1 200 OK\r\nbad header\r\ncontent-length: 2\r\n\r\n{}"),
        ("invalid chunk size", 4, headers_only(transfer_encoding="chunked") + b"zz\r\n{}\r\n0\r\n\r\n"),
        ("negative Content-Length", 3, headers_only(content_length=-5) + b"{}"),
        ("two Content-Length headers", 3, headers_only(content_length=2, Content_Length=3) + b"{}}"),
        ("300 KB of headers", 3, headers_only(x_padding="p" * 300_000, content_length=0)),
        ("101", 3, b"HTTP/1.1 101 Switching Protocols\r\nupgrade: other\r\nconnection: upgrade\r\n\r\n"),
        ("204", 4, b"HTTP/1.1 204 No Content\r\n\r\n"),
        ("200 with an empty body", 3, body(b"")),
        ("200 with HTML", 6, body(HTML, "text/html")),
        ("JSON null", 3, body(b"null")),
        ("unexpected JSON", 5, body(b'{"status": ["success"], "outputs": 7}')),
        ("deeply nested JSON", 4, body(b"[" * 100_000)),
        ("invalid gzip", 3, body(b"not gzip at all", content_encoding="gzip")),
        ("gzip bomb", 4, BOMB),
        ("9 MiB of spaces", 3, body(b" " * (9 * 2**20))),
        ("success without an image", 4, body(b'{"status": "success", "outputs": []}')),
        ("status `failed`", 4, body(b'{"status": "failed", "outputs": [], "error": "out of memory"}')),
    ):
        yield Fault(name, share, True, _always(broken))
    yield Fault("truncated JSON", 4, True, lambda context: (body(context.json[:-40]),))
    yield Fault("NaN in JSON", 3, True, lambda context: (body(context.json.replace(b'"success"', b"NaN")),))
    yield Fault(
        "number with 5,000 digits", 3, True, lambda context: (body(context.json.replace(b'"success"', b"1" * 5000)),)
    )
    yield Fault("invalid UTF-8", 4, True, lambda context: (body(context.json.replace(b"success", b"suc\xff\xfess")),))
    yield Fault("unknown Content-Encoding", 3, True, lambda context: (body(context.json, content_encoding="aurora"),))


def _errors_after_processing() -> Iterable[Fault]:
    """The request was billed, and the status is an error or a redirect."""
    for name, share, response in (
        ("500", 14, error(500)),
        ("502 with HTML", 8, body(HTML, "text/html", 502)),
        ("503 without Retry-After", 6, error(503)),
        ("504 without a body", 8, headers_only(504, content_length=0)),
        ("408", 5, error(408)),
    ):
        yield Fault(name, share, True, _always(response))
    yield Fault("302 to another origin", 5, True, lambda context: (redirect(302, context.other_origin),))
    yield Fault("303 to another origin", 4, True, lambda context: (redirect(303, context.other_origin),))


def _unsafe_connections() -> Iterable[Fault]:
    """A correct response, followed by something that breaks the next call if the connection is reused."""
    yield Fault("unrequested second response", 9, True, lambda context: (context.response + body(generation(STALE)),))
    yield Fault("FIN immediately after the response", 9, True, lambda context: (context.response, CLOSE))
    yield Fault("FIN 2 ms after the response", 5, True, lambda context: (context.response, 0.002, CLOSE))
    yield Fault("RST 2 ms after the response", 5, True, lambda context: (context.response, 0.002, RESET))


def _rare() -> Iterable[Fault]:
    """Unusual or very large responses; they have no share in the random faults."""
    yield from (
        Fault("404 with HTML", 0, False, lambda _: (body(b"<html>", "text/html", 404),)),
        Fault("403", 0, False, lambda _: (error(403),)),
        Fault("301 without Location", 0, True, lambda _: (body(b"", "text/plain", 301),)),
        Fault("307 to the same host", 0, False, lambda _: (body(b"", "text/plain", 307, location="/elsewhere"),)),
        Fault("302 to a file URL", 0, True, lambda _: (body(b"", "text/plain", 302, location="file:///etc/passwd"),)),
        Fault("302 to an invalid URL", 0, True, lambda _: (body(b"", "text/plain", 302, location="http://[/"),)),
        Fault("304", 0, True, lambda _: (b"HTTP/1.1 304 Not Modified\r\n\r\n",)),
        Fault("body of 200 MB", 0, True, lambda _: (headers_only(content_length=200_000_000), *[bytes(10**6)] * 200)),
        Fault("20,000 headers", 0, True, lambda _: (b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 20_000 + b"\r\n{}",)),
        Fault("unknown charset", 0, True, lambda context: (body(context.json, "application/json; charset=klingon"),)),
        Fault("status 999", 0, True, lambda context: (body(context.json, "application/json", 999),)),
        Fault(
            "Content-Length too large",
            0,
            True,
            lambda context: (context.response.replace(b"content-length: ", b"content-length: 9"), CLOSE),
        ),
        Fault("body of null bytes", 0, True, lambda _: (body(bytes(1000)),)),
        Fault("JSON array", 0, True, lambda _: (body(b"[]"),)),
    )


def _table(*faults: Fault) -> tuple[Fault, ...]:
    """Return the faults with the correct response first, which has the remaining share."""
    correct = Fault(
        "correct response", THOUSAND - sum(fault.share for fault in faults), True, lambda context: (context.response,)
    )
    return (correct, *faults)


RESPONSES: Final = (
    *_table(
        *_rejections(),
        *_losses_before_processing(),
        *_losses_after_processing(),
        *_broken_responses(),
        *_errors_after_processing(),
        *_unsafe_connections(),
    ),
    *_rare(),
)
"""All responses, the correct one first."""
TABLES: Final[Mapping[str, tuple[Fault, ...]]] = MappingProxyType(
    {
        "mixed": tuple(fault for fault in RESPONSES if fault.share),
        "safe": _table(*(Fault(each.name, 25, False, each.script) for each in [*_rejections()][:2])),
        "outage": (Fault("503, Retry-After: 0", THOUSAND, False, lambda _: (error(503, retry_after=0),)),),
        "none": _table(),
    }
)
"""`mixed`: all faults, 42 % of the responses. `safe`: 5 %, all of them rejections. `outage`: every response is 503.
`none`: no faults."""


class Chooser:
    """Chooses the fault of an attempt by a hash, so that runs are repeatable."""

    def __init__(self, table: str, seed: int) -> None:
        self.faults: tuple[Fault, ...] = TABLES[table]
        self._seed = seed
        self._bounds = list(accumulate(fault.share for fault in self.faults))

    def fault(self, key: str, attempt: int) -> Fault:
        """Return the fault of an attempt; attempts are numbered from 1."""
        return self.faults[bisect(self._bounds, hash_number(self._seed, key, attempt))]


def hash_number(seed: int, key: str, purpose: object) -> int:
    """Return a number below 1,000 that depends only on the arguments."""
    digest = blake2b(f"{seed}:{key}:{purpose}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % THOUSAND


def is_over_flapping_port(seed: int, key: str) -> bool:
    """Return whether a call uses the port that refuses connections half of the time; 2 % do."""
    return hash_number(seed, key, "port") < 20
