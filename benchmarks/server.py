"""The local server: one process, no framework, so that what is measured is the client.

It answers each request as soon as its body is in, or a latency later, keeps connections open, and discards what is
uploaded.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import sys
from pathlib import Path
from typing import Final, cast

from benchmarks.answers import answers

PICTURE: Final = b"/picture.png"
UNKNOWN: Final = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"


class Service:
    """What all connections share.

    Args:
        picture: The file behind `/picture.png`.
        latency: Seconds between a request and its answer.
    """

    def __init__(self, picture: Path, latency: float) -> None:
        self.picture = picture
        self.latency = latency
        self.answers: dict[bytes, bytes] = {}
        self.tasks: set[asyncio.Task[None]] = set()


class Connection(asyncio.Protocol):
    """One connection, and the request that is coming in on it."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._held = bytearray()
        self._path = b""
        self._missing = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete now."""
        if self._missing > len(data):  # an upload: its bytes are not kept
            self._missing -= len(data)
            return
        self._held += data
        while self._is_complete():
            self._answer()

    def _is_complete(self) -> bool:
        if not self._path:
            end = self._held.find(b"\r\n\r\n")
            if end < 0:
                return False
            head = bytes(self._held[:end])
            del self._held[: end + 4]
            self._path = head.split(b" ", 2)[1]
            self._missing = _length(head)
        taken = min(self._missing, len(self._held))
        del self._held[:taken]
        self._missing -= taken
        return not self._missing

    def _answer(self) -> None:
        path, self._path = self._path, b""
        if path == PICTURE:
            task = asyncio.get_running_loop().create_task(self._send_picture())
            self._service.tasks.add(task)
            task.add_done_callback(self._service.tasks.discard)
            return
        answer = self._service.answers.get(path, UNKNOWN)
        if self._service.latency:
            asyncio.get_running_loop().call_later(self._service.latency, self._transport.write, answer)
        else:
            self._transport.write(answer)

    async def _send_picture(self) -> None:
        with self._service.picture.open("rb") as file:
            size = self._service.picture.stat().st_size
            head = b"HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ncontent-length: %d\r\n\r\n" % size
            self._transport.write(head)
            await asyncio.get_running_loop().sendfile(self._transport, file)


def _length(head: bytes) -> int:
    name = b"\r\ncontent-length:"
    start = head.lower().find(name)
    return int(head[start + len(name) :].split(b"\r\n", 1)[0]) if start >= 0 else 0


async def serve(service: Service) -> None:
    """Serve on a free port of loopback, and say which on the standard output."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(service), "127.0.0.1", 0, backlog=4096)
    port = server.sockets[0].getsockname()[1]
    service.answers = answers(f"http://127.0.0.1:{port}")
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    await server.serve_forever()


def main() -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--latency", type=float, default=0.0)
    given = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    asyncio.run(serve(Service(given.picture, given.latency)))


if __name__ == "__main__":
    main()
