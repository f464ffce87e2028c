"""A service that bills each request when it has read it, answers a little later, and remembers whom it billed."""

from __future__ import annotations

import asyncio
import json
import random
import re
import subprocess
import sys
import urllib.request
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Generator

KEY: Final = re.compile(rb"idempotency-key: *(\S+)", re.IGNORECASE)
LENGTH: Final = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


class Service:
    """The truth: which keys were billed.

    Args:
        seed: What the delays are drawn from.
        slowest: The longest time that a picture takes, in seconds.
    """

    def __init__(self, seed: int, slowest: float) -> None:
        self.billed: list[str] = []
        self._draw = random.Random(seed)  # noqa: S311  # a repeatable run, not a secret
        self._slowest = slowest

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until the client closes it."""
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                writer.write(await self._answer(reader))
                await writer.drain()
        with suppress(ConnectionError):
            writer.close()
            await writer.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader) -> bytes:
        head = await reader.readuntil(b"\r\n\r\n")
        if head.startswith(b"GET"):
            return _json(self.billed)
        length = LENGTH.search(head)
        await reader.readexactly(int(length[1]) if length else 0)
        key = KEY.search(head)
        name = key[1].decode() if key else ""
        self.billed.append(name)
        await asyncio.sleep(self._draw.uniform(0, self._slowest))
        output = {"url": f"https://pictures.example/{name}.png"}
        return _json({"requestId": name, "taskType": "generate", "status": "success", "outputs": [output]})


def _json(value: object) -> bytes:
    body = json.dumps(value).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def serve(seed: int, slowest: float) -> None:
    """Say the port on standard output, and serve until standard input ends."""
    server = await asyncio.start_server(Service(seed, slowest).connection, "127.0.0.1", 0, backlog=2048)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201  # the other process waits for it
    async with server:
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


@contextmanager
def running(seed: int, slowest: float) -> Generator[str]:
    """Run the service in a process of its own and give its address."""
    command = [sys.executable, "-m", "reliability.service", str(seed), str(slowest)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603  # ourselves
        assert process.stdout is not None  # noqa: S101  # a pipe was asked for
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.kill()


def billed(url: str) -> list[str]:
    """Ask a running service for the truth: the key of each bill."""
    with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310  # our own loopback address
        keys: list[str] = json.load(answer)
    return keys


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2])))
