"""The faults, each with what is true about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from tests.servers import CLOSE, RESET, body, headers_only

from reliability.chaos import answers as a
from reliability.chaos.faults import TABLES, Fault
from reliability.faults import places

if TYPE_CHECKING:
    from reliability.faults.places import Setting

LONG: Final = 10.0
"""Seconds that are more than any deadline; a server that is stopped does not wait for them."""

Operation: TypeAlias = Literal["generate", "upload"]


@dataclass(frozen=True, slots=True)
class Row:
    """One fault.

    Attributes:
        name: What goes wrong.
        setting: Where.
        bills: Whether the service did the work of the first request.
        operation: What is called: a picture, or an upload of 12 MB.
        without: Transports that cannot meet it.
    """

    name: str
    setting: Setting
    bills: bool = False
    operation: Operation = "generate"
    without: tuple[str, ...] = ()


CONNECTING: Final = (
    Row("connection refused", places.refused),
    Row("first packet dropped", places.dropped),
    Row("four dead addresses", places.crowded),
    Row("name unknown", places.nowhere),
    Row("resolver takes too long", places.slowly),
    Row("certificate not valid", places.uncertified),
    Row("TLS handshake stalls", places.greeting(LONG, CLOSE, tls=True)),
    Row("RST in the TLS handshake", places.greeting(RESET, tls=True)),
    Row("FIN in the TLS handshake", places.greeting(CLOSE, tls=True)),
    Row("not TLS at all", places.greeting(b"HTTP/1.1 400 Bad Request\r\n\r\n", CLOSE, tls=True)),
    Row("proxy is down", places.proxied, without=("aiohttp",)),  # its client looks for no proxy
)
ACCEPTING: Final = (
    Row("RST on accept", places.greeting(RESET)),
    Row("FIN on accept", places.greeting(CLOSE)),
    Row("accepted, then silent", places.greeting(LONG, CLOSE)),
)
UPLOADING: Final = (
    Row("RST in an upload of 12 MB", places.greeting(0.02, RESET), operation="upload"),
    Row("FIN in an upload of 12 MB", places.greeting(0.02, CLOSE), operation="upload"),
    Row("nobody reads the upload", places.greeting(LONG, CLOSE), operation="upload"),
    Row("413 in an upload, then FIN", places.greeting(a.error(413, connection="close"), CLOSE), operation="upload"),
)


def _more() -> tuple[Fault, ...]:
    """Return answers that the chaos suite leaves out: they are odd, or they would weigh too much there."""
    return (
        Fault("404 as a web page", 0, False, lambda _: (body(b"<html>", "text/html", 404),)),
        Fault("403", 0, False, lambda _: (a.error(403),)),
        Fault("301 without a place", 0, True, lambda _: (body(b"", "text/plain", 301),)),
        Fault("307 to the same host", 0, False, lambda _: (body(b"", "text/plain", 307, location="/elsewhere"),)),
        Fault("302 to a file", 0, True, lambda _: (body(b"", "text/plain", 302, location="file:///etc/passwd"),)),
        Fault("302 to a bad address", 0, True, lambda _: (body(b"", "text/plain", 302, location="http://[/"),)),
        Fault("304", 0, True, lambda _: (b"HTTP/1.1 304 Not Modified\r\n\r\n",)),
        Fault("200 MB", 0, True, lambda _: (headers_only(content_length=200_000_000), *[bytes(10**6)] * 200)),
        Fault("20,000 headers", 0, True, lambda _: (b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 20_000 + b"\r\n{}",)),
        Fault("unknown charset", 0, True, lambda ask: (body(ask.json, "application/json; charset=klingon"),)),
        Fault("status 999", 0, True, lambda ask: (body(ask.json, "application/json", 999),)),
        Fault(
            "length too large",
            0,
            True,
            lambda ask: (ask.right.replace(b"content-length: ", b"content-length: 9"), CLOSE),
        ),
        Fault("null bytes", 0, True, lambda _: (body(bytes(1000)),)),
        Fault("a list", 0, True, lambda _: (body(b"[]"),)),
    )


ANSWERING: Final = tuple(
    Row(fault.name, places.answering(fault), fault.bills) for fault in (*TABLES["mixed"], *_more())
)
ROWS: Final = (*CONNECTING, *ACCEPTING, *UPLOADING, *ANSWERING)
