"""A service that takes its time: each generation is answered after the same latency, however many are under way.

    python -m benchmarks.slow_server LATENCY [--tls]

Prints its port and serves until it is ended. It holds thousands of connections on one event loop, with one timer and no
task for each, so that what is measured is the client.
"""

from __future__ import annotations

import asyncio
import json
import resource
import ssl
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from collections.abc import Callable

BACKLOG: Final = 16_384
CERTIFICATE: Final = Path(__file__).parents[1] / "tests" / "servers" / "localhost.pem"
"""A certificate for localhost, with its key, that signs itself."""

_ANSWER: Final = json.dumps(
    {
        "requestId": "6f1c0d0e-0000-4000-8000-000000000001",
        "jobId": "6f1c0d0e-0000-4000-8000-000000000002",
        "taskType": "generate",
        "status": "success",
        "outputs": [{"url": "https://cdn.aurashot.art/o/1.png", "type": "image"}],
        "pipeline": {"provider": "qwen-image-edit", "status": "success"},
        "tokenUsage": {"inputTokens": 0, "outputTokens": 1234},
        "createdAt": "2026-03-16T09:00:00Z",
    }
).encode()
_RESPONSE: Final = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(_ANSWER) + _ANSWER
)


def raise_file_limit() -> int:
    """Allow this process as many open files as the system lets it have, and return how many."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


class _Connection(asyncio.Protocol):
    """One connection: it reads requests with a length, and answers each after the latency."""

    def __init__(self, latency: float, call_later: Callable[..., object]) -> None:
        self._latency = latency
        self._call_later = call_later
        self._unread = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._unread += data
        while (end := _end_of_request(self._unread)) <= len(self._unread):
            self._unread = self._unread[end:]
            self._call_later(self._latency, self._answer)

    def _answer(self) -> None:
        if not self._transport.is_closing():
            self._transport.write(_RESPONSE)


def _end_of_request(data: bytes) -> int:
    """Return where the first request ends, or somewhere beyond the bytes that are there."""
    head, blank, _ = data.partition(b"\r\n\r\n")
    if not blank:
        return len(data) + 1
    _, _, length = head.lower().partition(b"content-length:")
    return len(head) + len(blank) + int(length.split(b"\r\n", 1)[0] or 0)


def _tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


async def _serve(latency: float, tls: ssl.SSLContext | None) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: _Connection(latency, loop.call_later), "127.0.0.1", 0, backlog=BACKLOG, ssl=tls
    )
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201 - whoever started it reads the port
    await server.serve_forever()


if __name__ == "__main__":
    raise_file_limit()
    asyncio.run(_serve(float(sys.argv[1]), _tls() if "--tls" in sys.argv else None))
