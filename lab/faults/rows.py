"""The faults, each with what is true about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from lab.faults import targets
from lab.faults.responses import RESPONSES
from lab.faults.scripts import error
from lab.server import CLOSE, RESET

if TYPE_CHECKING:
    from lab.faults.targets import Setting

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
        operation: What is called: an image, or an upload of 12 MB.
        without: Transports that cannot meet it.
    """

    name: str
    setting: Setting
    bills: bool = False
    operation: Operation = "generate"
    without: tuple[str, ...] = ()


CONNECTING: Final = (
    Row("connection refused", targets.refused),
    Row("first packet dropped", targets.dropped),
    Row("four dead addresses", targets.crowded),
    Row("name unknown", targets.nowhere),
    Row("resolver takes too long", targets.slowly),
    Row("certificate not valid", targets.uncertified),
    Row("TLS handshake stalls", targets.greeting(LONG, CLOSE, tls=True)),
    Row("RST in the TLS handshake", targets.greeting(RESET, tls=True)),
    Row("FIN in the TLS handshake", targets.greeting(CLOSE, tls=True)),
    Row("not TLS at all", targets.greeting(b"HTTP/1.1 400 Bad Request\r\n\r\n", CLOSE, tls=True)),
    Row("proxy is down", targets.proxied, without=("aiohttp",)),  # its client looks for no proxy
)
ACCEPTING: Final = (
    Row("RST on accept", targets.greeting(RESET)),
    Row("FIN on accept", targets.greeting(CLOSE)),
    Row("accepted, then silent", targets.greeting(LONG, CLOSE)),
)
UPLOADING: Final = (
    Row("RST in an upload of 12 MB", targets.greeting(0.02, RESET), operation="upload"),
    Row("FIN in an upload of 12 MB", targets.greeting(0.02, CLOSE), operation="upload"),
    Row("nobody reads the upload", targets.greeting(LONG, CLOSE), operation="upload"),
    Row("413 in an upload, then FIN", targets.greeting(error(413, connection="close"), CLOSE), operation="upload"),
)


ANSWERING: Final = tuple(Row(fault.name, targets.answering(fault), fault.bills) for fault in RESPONSES)
ROWS: Final = (*CONNECTING, *ACCEPTING, *UPLOADING, *ANSWERING)
