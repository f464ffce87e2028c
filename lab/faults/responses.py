"""What the fault server does to a request: one row a fault, its share of a thousand responses, and whether it bills.

A fault is chosen by the seed, the key and the number of the attempt alone. So a run repeats, and every client meets
the same faults.
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


def _refusals() -> Iterable[Fault]:
    """No work was done, and the response says so."""
    for name, share, response in (
        ("429, come back at once", 30, error(429, retry_after=0)),
        ("503, come back at once", 25, error(503, retry_after=0)),
        ("429, come back in an hour", 3, error(429, retry_after=3600)),
        ("503 as a web page, come back at once", 5, body(HTML, "text/html", 503, retry_after=0)),
        ("401 without a body", 3, headers_only(401, content_length=0)),
        ("402", 3, error(402)),
        ("409", 4, error(409)),
        ("422", 4, error(422)),
    ):
        yield Fault(name, share, False, _always(response))
    yield Fault("413, then RST", 4, False, lambda _: (error(413, connection="close"), RESET))
    yield Fault("307 to another origin", 6, False, lambda context: (redirect(307, context.evil),))
    yield Fault("308 to another origin", 4, False, lambda context: (redirect(308, context.evil),))


def _losses_before_work() -> Iterable[Fault]:
    """No work was done, and the client cannot know."""
    yield Fault("RST before the work", 15, False, lambda _: (RESET,))
    yield Fault("FIN before the work", 15, False, lambda _: (CLOSE,))
    yield Fault("silence before the work", 6, False, lambda _: (HOLD,))


def _losses_after_work() -> Iterable[Fault]:
    """The work is on the bill, and the connection breaks or stalls."""
    losses: tuple[tuple[str, int, Script], ...] = (
        ("RST after the work", 27, lambda _: (RESET,)),
        ("FIN after the work", 27, lambda _: (CLOSE,)),
        ("silence after the work", 10, lambda _: (HOLD,)),
        ("status line cut", 4, lambda _: (b"HTTP/1.1 20", CLOSE)),
        ("headers cut", 4, lambda _: (b"HTTP/1.1 200 OK\r\ncontent-ty", CLOSE)),
        ("RST after the headers", 4, lambda context: (context.right[: -len(context.json)], RESET)),
        ("stall after the headers", 4, lambda context: (context.right[: -len(context.json)], HOLD)),
        ("stall in the body", 4, lambda context: (context.right[:-40], HOLD)),
        ("body cut, with a length", 10, lambda context: (context.right[:-40], CLOSE)),
        ("body cut, chunked", 8, lambda context: (chunked(context.json)[:-60], CLOSE)),
        ("body cut, without a length", 8, lambda context: (unbounded(context.json[:-40]), CLOSE)),
        ("gzip cut, without a length", 6, lambda context: (gzipped(context.json, without=20), CLOSE)),
        ("headers trickle", 4, lambda context: trickled(context.right)),
        ("body trickles", 4, lambda context: (context.right[: -len(context.json)], *trickled(context.json))),
        ("flood of 1xx", 4, interim),
    )
    for name, share, script in losses:
        yield Fault(name, share, True, script)


def _broken_responses() -> Iterable[Fault]:
    """The work is on the bill, and what comes back is not HTTP, or not the response that was promised."""
    for name, share, broken in (
        ("garbage", 5, b"\x16\x03\x01\x02\x00" * 40 + b"\r\n\r\n"),
        ("bad status line", 3, b"ICY 200 OK\r\n\r\n"),
        ("bad header", 3, b"HTTP/1.1 200 OK\r\nbad header\r\ncontent-length: 2\r\n\r\n{}"),
        ("bad chunk", 4, headers_only(transfer_encoding="chunked") + b"zz\r\n{}\r\n0\r\n\r\n"),
        ("negative length", 3, headers_only(content_length=-5) + b"{}"),
        ("two lengths", 3, headers_only(content_length=2, Content_Length=3) + b"{}}"),
        ("300 KB of headers", 3, headers_only(x_padding="p" * 300_000, content_length=0)),
        ("101", 3, b"HTTP/1.1 101 Switching Protocols\r\nupgrade: other\r\nconnection: upgrade\r\n\r\n"),
        ("204", 4, b"HTTP/1.1 204 No Content\r\n\r\n"),
        ("empty 200", 3, body(b"")),
        ("web page with 200", 6, body(HTML, "text/html")),
        ("JSON null", 3, body(b"null")),
        ("another JSON", 5, body(b'{"status": ["success"], "outputs": 7}')),
        ("deep JSON", 4, body(b"[" * 100_000)),
        ("bad gzip", 3, body(b"not gzip at all", content_encoding="gzip")),
        ("gzip bomb", 4, BOMB),
        ("9 MiB of spaces", 3, body(b" " * (9 * 2**20))),
        ("success without an image", 4, body(b'{"status": "success", "outputs": []}')),
        ("failed", 4, body(b'{"status": "failed", "outputs": [], "error": "out of memory"}')),
    ):
        yield Fault(name, share, True, _always(broken))
    yield Fault("JSON cut", 4, True, lambda context: (body(context.json[:-40]),))
    yield Fault("NaN", 3, True, lambda context: (body(context.json.replace(b'"success"', b"NaN")),))
    yield Fault("5,000 digits", 3, True, lambda context: (body(context.json.replace(b'"success"', b"1" * 5000)),))
    yield Fault("bad UTF-8", 4, True, lambda context: (body(context.json.replace(b"success", b"suc\xff\xfess")),))
    yield Fault("unknown encoding", 3, True, lambda context: (body(context.json, content_encoding="aurora"),))


def _errors_after_work() -> Iterable[Fault]:
    """The work is on the bill, and the status speaks of a failure or of another place."""
    for name, share, response in (
        ("500", 14, error(500)),
        ("502 as a web page", 8, body(HTML, "text/html", 502)),
        ("503 without Retry-After", 6, error(503)),
        ("504 without a body", 8, headers_only(504, content_length=0)),
        ("408", 5, error(408)),
    ):
        yield Fault(name, share, True, _always(response))
    yield Fault("302 to another origin", 5, True, lambda context: (redirect(302, context.evil),))
    yield Fault("303 to another origin", 4, True, lambda context: (redirect(303, context.evil),))


def _bad_manners() -> Iterable[Fault]:
    """The right response, and something that hurts the next call if the connection is used again."""
    yield Fault("a second answer at once", 9, True, lambda context: (context.right + body(generation(STALE)),))
    yield Fault("FIN right after the answer", 9, True, lambda context: (context.right, CLOSE))
    yield Fault("FIN soon after the answer", 5, True, lambda context: (context.right, 0.002, CLOSE))
    yield Fault("RST soon after the answer", 5, True, lambda context: (context.right, 0.002, RESET))


def _rare() -> Iterable[Fault]:
    """Responses that are odd, or too large to be sent thousands of times; they have no share."""
    yield from (
        Fault("404 as a web page", 0, False, lambda _: (body(b"<html>", "text/html", 404),)),
        Fault("403", 0, False, lambda _: (error(403),)),
        Fault("301 without a place", 0, True, lambda _: (body(b"", "text/plain", 301),)),
        Fault("307 to the same host", 0, False, lambda _: (body(b"", "text/plain", 307, location="/elsewhere"),)),
        Fault("302 to a file", 0, True, lambda _: (body(b"", "text/plain", 302, location="file:///etc/passwd"),)),
        Fault("302 to a bad address", 0, True, lambda _: (body(b"", "text/plain", 302, location="http://[/"),)),
        Fault("304", 0, True, lambda _: (b"HTTP/1.1 304 Not Modified\r\n\r\n",)),
        Fault("200 MB", 0, True, lambda _: (headers_only(content_length=200_000_000), *[bytes(10**6)] * 200)),
        Fault("20,000 headers", 0, True, lambda _: (b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 20_000 + b"\r\n{}",)),
        Fault("unknown charset", 0, True, lambda context: (body(context.json, "application/json; charset=klingon"),)),
        Fault("status 999", 0, True, lambda context: (body(context.json, "application/json", 999),)),
        Fault(
            "length too large",
            0,
            True,
            lambda context: (context.right.replace(b"content-length: ", b"content-length: 9"), CLOSE),
        ),
        Fault("null bytes", 0, True, lambda _: (body(bytes(1000)),)),
        Fault("a list", 0, True, lambda _: (body(b"[]"),)),
    )


def _table(*faults: Fault) -> tuple[Fault, ...]:
    """Put the right response first, with the share that the faults leave to it."""
    right = Fault("right", THOUSAND - sum(fault.share for fault in faults), True, lambda context: (context.right,))
    return (right, *faults)


RESPONSES: Final = (
    *_table(
        *_refusals(),
        *_losses_before_work(),
        *_losses_after_work(),
        *_broken_responses(),
        *_errors_after_work(),
        *_bad_manners(),
    ),
    *_rare(),
)
"""Every response of a server that this house knows, the right one first."""
TABLES: Final[Mapping[str, tuple[Fault, ...]]] = MappingProxyType(
    {
        "mixed": tuple(fault for fault in RESPONSES if fault.share),
        "safe": _table(*(Fault(each.name, 25, False, each.script) for each in [*_refusals()][:2])),
        "outage": (Fault("503, come back at once", THOUSAND, False, lambda _: (error(503, retry_after=0),)),),
        "none": _table(),
    }
)
"""`mixed`: every fault, 42 % of all responses. `safe`: 5 %, all of them refusals. `outage`: nothing works.
`none`: everything does."""


class Chooser:
    """Choose the fault of one attempt by a hash, so that it is the same in every run."""

    def __init__(self, table: str, seed: int) -> None:
        self.faults: tuple[Fault, ...] = TABLES[table]
        self._seed = seed
        self._bounds = list(accumulate(fault.share for fault in self.faults))

    def fault(self, key: str, attempt: int) -> Fault:
        """Return what happens to an attempt, the first of which is number 1."""
        return self.faults[bisect(self._bounds, drawn(self._seed, key, attempt))]


def drawn(seed: int, key: str, what: object) -> int:
    """Return a number below a thousand that depends on nothing else."""
    digest = blake2b(f"{seed}:{key}:{what}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % THOUSAND


def is_over_flapping_port(seed: int, key: str) -> bool:
    """Say whether a call goes to the port that refuses connections half of the time: 2 % do."""
    return drawn(seed, key, "port") < 20
