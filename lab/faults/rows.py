"""The faults, and whether each is billed."""

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
"""Seconds, longer than any deadline; stopping the server ends the wait."""

Operation: TypeAlias = Literal["generate", "upload"]


@dataclass(frozen=True, slots=True)
class Row:
    """One fault.

    Attributes:
        name: The name of the fault.
        setting: Creates the server.
        bills: Whether the first request was billed.
        operation: The operation: a generation, or an upload of 12 MB.
        without: Transports that do not support it.
    """

    name: str
    setting: Setting
    bills: bool = False
    operation: Operation = "generate"
    without: tuple[str, ...] = ()


CONNECTING: Final = (
    Row("connection refused", targets.refused),
    Row("SYN dropped", targets.dropped),
    Row("four unreachable IP addresses", targets.unreachable),
    Row("unknown host name", targets.unknown_host),
    Row("slow DNS lookup", targets.slow_lookup),
    Row("untrusted certificate", targets.uncertified),
    Row("TLS handshake stalls", targets.greeting(LONG, CLOSE, tls=True)),
    Row("RST in the TLS handshake", targets.greeting(RESET, tls=True)),
    Row("FIN in the TLS handshake", targets.greeting(CLOSE, tls=True)),
    Row("plain HTTP instead of TLS", targets.greeting(b"HTTP/1.1 400 Bad Request\r\n\r\n", CLOSE, tls=True)),
    Row(
        "proxy refuses connections", targets.proxied, without=("aiohttp",)
    ),  # its client does not read the proxy variables
)
ACCEPTING: Final = (
    Row("RST on accept", targets.greeting(RESET)),
    Row("FIN on accept", targets.greeting(CLOSE)),
    Row("accepted, no response", targets.greeting(LONG, CLOSE)),
)
UPLOADING: Final = (
    Row("RST in an upload of 12 MB", targets.greeting(0.02, RESET), operation="upload"),
    Row("FIN in an upload of 12 MB", targets.greeting(0.02, CLOSE), operation="upload"),
    Row("upload is not read", targets.greeting(LONG, CLOSE), operation="upload"),
    Row("413 in an upload, then FIN", targets.greeting(error(413, connection="close"), CLOSE), operation="upload"),
)


RESPONDING: Final = tuple(Row(fault.name, targets.responding(fault), fault.bills) for fault in RESPONSES)
ROWS: Final = (*CONNECTING, *ACCEPTING, *UPLOADING, *RESPONDING)
