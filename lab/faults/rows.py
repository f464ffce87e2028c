"""The faults, each with what is true about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from lab.faults import places
from lab.faults.responses import RESPONSES
from lab.faults.scripts import error
from lab.server import CLOSE, RESET

if TYPE_CHECKING:
    from lab.faults.places import Setting

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
    Row("413 in an upload, then FIN", places.greeting(error(413, connection="close"), CLOSE), operation="upload"),
)


ANSWERING: Final = tuple(Row(fault.name, places.answering(fault), fault.bills) for fault in RESPONSES)
ROWS: Final = (*CONNECTING, *ACCEPTING, *UPLOADING, *ANSWERING)
