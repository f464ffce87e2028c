"""The fault server: one process, raw bytes, and the books.

It listens on three ports: the API, a second origin that redirects point to, and a port that refuses connections half
of the time. It says their numbers on the standard output; when its standard input ends it waits until every client is
gone, writes the books to the standard output, and ends.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import socket
import struct
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, cast

from tests.servers.replies import CLOSE, HOLD, RESET, Action

from reliability.chaos.faults import TABLES, Ask, Chooser
from reliability.chaos.job import CANARY, prompt
from reliability.chaos.truth import Fate, Truth

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HOST: Final = "127.0.0.1"
FLAP: Final = 0.1
"""Seconds for which the third port listens, and for which it does not."""
_ABORT: Final = struct.pack("ii", 1, 0)
"""SO_LINGER of no seconds: closing sends RST."""


@dataclass(slots=True)
class Service:
    """What all connections share."""

    chooser: Chooser
    honours_keys: bool
    evil: str = ""
    truth: Truth = field(default_factory=Truth)
    open: int = 0

    def script(self, head: bytes, content: bytes) -> Iterator[Action]:
        """Enter a request into the books, and return what is done to it."""
        key = header(head, b"idempotency-key")
        fate = self.truth.fates.setdefault(key, Fate())
        fault = self.chooser.fault(key, fate.posts + 1)
        fate.faults.append(fault.name)
        if fault.bills:
            fate.bills = 1 if self.honours_keys else fate.bills + 1
        if json.loads(content).get("prompt") != prompt(key):
            self.truth.crossed += 1
        return iter(fault.script(Ask(self.identity(key, fate), self.evil)))

    def identity(self, key: str, fate: Fate) -> str:
        """Return what the picture of a request is known by: its key."""
        del fate  # all requests of a key have the same picture
        return key

    def evil_script(self, head: bytes, content: bytes) -> Iterator[Action]:
        """Note who came to the other origin, and what they brought."""
        self.truth.evil_hits += 1
        self.truth.evil_keys += CANARY.encode() in head + content
        return iter((Ask("evil", "").right,))


class Connection(asyncio.Protocol):
    """One connection: requests one after the other, each answered as its script says."""

    def __init__(
        self, service: Service, script: Callable[[bytes, bytes], Iterator[Action]], *, one_only: bool = False
    ) -> None:
        self._service = service
        self._new_script = script
        self._one_only = one_only
        self._held = bytearray()
        self._script: Iterator[Action] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        self._transport = cast("asyncio.Transport", transport)
        self._service.open += 1

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        del exc
        self._service.open -= 1

    def data_received(self, data: bytes) -> None:
        """Begin to answer a request once it is whole."""
        self._held += data
        self._begin()

    def _begin(self) -> None:
        while self._script is None and (request := self._next_request()):
            self._script = self._new_script(*request)
            self._play()

    def _next_request(self) -> tuple[bytes, bytes] | None:
        end = self._held.find(b"\r\n\r\n") + 4
        if end < 4:
            return None
        head = bytes(self._held[:end])
        size = end + int(header(head, b"content-length") or 0)
        if len(self._held) < size:
            return None
        content = bytes(self._held[end:size])
        del self._held[:size]
        return head, content

    def _play(self) -> None:
        for action in self._script or ():
            if self._transport.is_closing():
                return
            if isinstance(action, bytes):
                self._transport.write(action)
            elif isinstance(action, float):
                asyncio.get_running_loop().call_later(action, self._resume)
                return
            else:
                self._end(action)
                return
        self._script = None
        if self._one_only:
            self._transport.close()

    def _resume(self) -> None:
        self._play()
        self._begin()

    def _end(self, how: Action) -> None:
        if how is CLOSE:
            self._transport.close()
        elif how is RESET:
            plain = cast("socket.socket", self._transport.get_extra_info("socket"))
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
            self._transport.abort()
        elif how is not HOLD:
            raise ValueError(f"the fault server does not know {how!r}")


def header(head: bytes, name: bytes) -> str:
    """Return a header of a request, empty when it is not there."""
    start = head.lower().find(b"\r\n" + name + b":")
    return head[start + len(name) + 3 :].split(b"\r\n", 1)[0].strip().decode("latin-1") if start >= 0 else ""


async def flap(service: Service, port: int) -> None:
    """Listen on a port for a while, refuse connections for a while, and so on."""
    loop = asyncio.get_running_loop()
    while True:
        listener = await loop.create_server(
            lambda: Connection(service, service.script, one_only=True), HOST, port, backlog=512
        )
        await asyncio.sleep(FLAP)
        listener.close()
        service.truth.refusing += 1
        await asyncio.sleep(FLAP)


async def serve(service: Service) -> None:
    """Serve until the standard input ends, then tell the truth."""
    loop = asyncio.get_running_loop()
    api = await loop.create_server(lambda: Connection(service, service.script), HOST, 0, backlog=4096)
    evil = await loop.create_server(lambda: Connection(service, service.evil_script), HOST, 0, backlog=512)
    ports = [api.sockets[0].getsockname()[1], evil.sockets[0].getsockname()[1], free_port()]
    service.evil = f"http://{HOST}:{ports[1]}"
    flapping = loop.create_task(flap(service, ports[2]))
    _say(json.dumps([f"http://{HOST}:{port}" for port in (ports[0], ports[2])]))
    await asyncio.to_thread(sys.stdin.read)
    flapping.cancel()
    give_up = time.monotonic() + 5
    while service.open and time.monotonic() < give_up:  # noqa: ASYNC110  # what was sent last is still to be read
        await asyncio.sleep(0.01)
    _say(service.truth.dump())


def free_port() -> int:
    """Return a port that nothing listens on, and that no outgoing connection is given meanwhile."""
    for port in range(20_000 + os.getpid() % 10_000, 32_768):
        try:
            socket.create_server((HOST, port)).close()
        except OSError:
            continue
        return port
    raise OSError("no port below 32768 is free")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Serve one run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", choices=TABLES, default="mixed")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--honours-keys", action="store_true", help="bill a key once, however often it comes")
    given = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    asyncio.run(serve(Service(Chooser(given.table, given.seed), given.honours_keys)))


if __name__ == "__main__":
    main()
