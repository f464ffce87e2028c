"""The service: the faults of the chaos suite, after a pause, and a picture of its own for each bill.

Two pictures of one key can be told apart, so that it shows if two processes were given different ones.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING, Final

from tests.servers.replies import Action, body

from reliability.chaos.faults import TABLES, THOUSAND, Chooser, drawn
from reliability.chaos.server import HOST, Connection, Service, header
from reliability.chaos.truth import Fate, Truth

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

SLOWEST: Final = 0.2
"""Seconds after which the slowest answer begins: long enough to be killed in."""
TABLE: Final = "mixed"
NOWHERE: Final = f"http://{HOST}:9"
"""Where redirects point to; nobody follows them."""
BILLS: Final = frozenset(fault.name for fault in TABLES[TABLE] if fault.bills)


class Books(Service):
    """The truth: what was asked for under each key, what was done about it, and what is on the bill."""

    def __init__(self, seed: int) -> None:
        super().__init__(Chooser(TABLE, seed), honours_keys=False, evil=NOWHERE)
        self._seed = seed

    def script(self, head: bytes, content: bytes) -> Iterator[Action]:
        """Show the books, or bill a request and answer it after a pause."""
        if head.startswith(b"GET"):
            return iter((body(self.truth.dump().encode()),))
        key = header(head, b"idempotency-key")
        answer = super().script(head, content)
        number = len(self.truth.fate(key).faults)
        return chain((drawn(self._seed, key, f"pause {number}") / THOUSAND * SLOWEST,), answer)

    def identity(self, key: str, fate: Fate) -> str:
        """Return what the picture of a request is known by: each request's is another one."""
        return picture(key, fate.posts)


def picture(key: str, number: int) -> str:
    """Return what the picture of a key's first, second, … request is known by."""
    return f"{key}.{number}"


def pictures(truth: Truth, key: str) -> list[str]:
    """Return the pictures of a key that are on the bill."""
    faults = truth.fate(key).faults
    return [picture(key, number) for number, fault in enumerate(faults, start=1) if fault in BILLS]


async def serve(seed: int) -> None:
    """Say the port on standard output, and serve until standard input ends."""
    books, loop = Books(seed), asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(books, books.script), HOST, 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201  # the other process waits for it
    await asyncio.to_thread(sys.stdin.read)


@contextmanager
def running(seed: int) -> Generator[str]:
    """Run the service in a process of its own and give its address."""
    command = [sys.executable, "-m", "reliability.keys.server", str(seed)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603  # ourselves
        assert process.stdout is not None  # noqa: S101  # a pipe was asked for
        try:
            yield f"http://{HOST}:{process.stdout.readline().strip()}"
        finally:
            process.kill()


def truth(url: str) -> Truth:
    """Ask a running service for its books."""
    with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310  # our own loopback address
        return Truth.load(answer.read())


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
