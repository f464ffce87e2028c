"""Raw sockets in threads: each connection reads requests, records them, and does what the script says."""

from __future__ import annotations

import json
import socket
import socketserver
import ssl
import struct
import threading
import time
from collections import defaultdict, deque
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from tests.servers.replies import CLOSE, HOLD, RESET, Reply, contract

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

CERTIFICATE: Final = Path(__file__).with_name("localhost.pem")
_ABORT: Final = struct.pack("ii", 1, 0)
"""SO_LINGER of no seconds: closing sends RST."""


def server_tls() -> ssl.SSLContext:
    """Return the TLS of a server whose certificate no authority signed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


def closed_port() -> int:
    """Return a port that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def wait_until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait for a condition; fail when it does not come true in time."""
    give_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up, f"it did not come true within {seconds:g} s"
        time.sleep(0.005)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as it came over the wire."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    """Names in lower case, in the order in which they came."""
    body: bytes
    connection: int
    """The number of the connection that it came on, from 1."""

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    def all(self, name: str) -> list[str]:
        """Return every value of a header."""
        return [value for known, value in self.headers if known == name]

    def header(self, name: str) -> str | None:
        """Return a header that comes at most once."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} came {len(values)} times"
        return values[0] if values else None


class ScriptedServer(socketserver.ThreadingTCPServer):
    """A server on a loopback port, a free one by default.

    Attributes:
        requests: Every request that was read whole.
        connections: How many connections were accepted.
        greeting: What to do with a connection before anything is read from it.
        answer: Asked for a reply that depends on the request, when nothing is queued; None leaves it to `always`.
    """

    allow_reuse_address = True
    request_queue_size = 1024
    daemon_threads = False  # closing the server waits for every connection's thread

    def __init__(self, tls: ssl.SSLContext | None = None, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Connection)
        self.tls = tls
        self.requests: list[Request] = []
        self.connections = 0
        self.greeting: Reply = ()
        self.answer: Callable[[Request], Reply | None] | None = None
        self.over = threading.Event()
        self.lock = threading.Lock()
        self._queued: defaultdict[str | None, deque[Reply]] = defaultdict(deque)
        self._always: dict[str | None, Reply] = {}
        self._open: set[socket.socket] = set()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"{'https://localhost' if self.tls else 'http://127.0.0.1'}:{self.server_address[1]}"

    def queue(self, *replies: Reply, path: str | None = None) -> None:
        """Reply so to the next requests, or to the next ones for a path."""
        self._queued[path].extend(replies)

    def always(self, reply: Reply, *, path: str | None = None) -> None:
        """Reply so to every request, or to every one for a path, for which nothing is queued."""
        self._always[path] = reply

    def reply_to(self, request: Request) -> Reply:
        """Record a request and return what is to be done."""
        with self.lock:
            self.requests.append(request)
            for key in (request.path, None):
                if self._queued[key]:
                    return self._queued[key].popleft()
            if self.answer is not None and (reply := self.answer(request)) is not None:
                return reply
            for key in (request.path, None):
                if key in self._always:
                    return self._always[key]
        return contract(request.path)

    def posts(self, path: str | None = None) -> list[Request]:
        """Return the POST requests, all or those for a path."""
        return [one for one in self.requests if one.method == "POST" and path in {None, one.path}]

    def opened(self, connection: socket.socket) -> int:
        """Note a new connection and return its number."""
        self.tracked(connection)
        with self.lock:
            self.connections += 1
            return self.connections

    def tracked(self, connection: socket.socket) -> None:
        """Note the socket that has to be cut at the end."""
        with self.lock:
            self._open.add(connection)

    def closed(self, connection: socket.socket) -> None:
        """Note the end of a connection."""
        with self.lock:
            self._open.discard(connection)

    @property
    def open_connections(self) -> int:
        """How many connections are open now."""
        return len(self._open)

    @classmethod
    @contextmanager
    def running(cls, tls: ssl.SSLContext | None = None, port: int = 0) -> Generator[Self]:
        """Serve for as long as the block lasts."""
        with cls(tls, port) as server:
            thread = threading.Thread(target=server.serve_forever, args=(0.005,), name="scripted-server")
            thread.start()
            try:
                yield server
            finally:
                server.stop()
                thread.join()

    def stop(self) -> None:
        """Cut every connection and accept no more."""
        self.over.set()
        self.shutdown()
        with self.lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def shutdown_request(self, request: Any) -> None:
        """Leave the end of a connection to its script."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that goes away is what is being tested."""


class _Connection(socketserver.BaseRequestHandler):
    server: ScriptedServer  # pyright: ignore[reportIncompatibleVariableOverride]  # the base names its base
    request: socket.socket

    def setup(self) -> None:
        """Take the connection as it is."""
        self.number = self.server.opened(self.request)
        self.stream = self.request.makefile("rb")

    def handle(self) -> None:
        """Read and reply until the connection ends."""
        if not self._do(self.server.greeting):
            return
        if self.server.tls:
            self._start_tls(self.server.tls)
        while (request := self._read()) is not None:
            if not self._do(self.server.reply_to(request)):
                return

    def finish(self) -> None:
        """End the connection: with FIN, or with RST if that was asked for."""
        self.stream.close()
        self.request.close()
        self.server.closed(self.request)  # not before: tests wait for this, and go on as if the connection were gone

    def _read(self) -> Request | None:
        line = self.stream.readline().split()
        if len(line) != 3:
            return None
        headers = tuple(iter(self._header, ("", "")))
        method, path, _ = (part.decode() for part in line)
        return Request(
            method=method, path=path, headers=headers, body=self._body(dict(headers)), connection=self.number
        )

    def _header(self) -> tuple[str, str]:
        name, _, value = self.stream.readline().decode("latin-1").partition(":")
        return name.strip().lower(), value.strip()

    def _body(self, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding") != "chunked":
            return self.stream.read(int(headers.get("content-length", 0)))
        chunks: list[bytes] = []
        while size := int(self.stream.readline(), 16):
            chunks.append(self.stream.read(size))
            self.stream.readline()
        self.stream.readline()
        return b"".join(chunks)

    def _do(self, reply: Reply) -> bool:
        """Do a reply, and say whether the connection is kept."""
        for action in reply:
            match action:
                case bytes():
                    self.request.sendall(action)
                case float() | int():
                    self.server.over.wait(action)
                case _ if action is CLOSE:
                    return False
                case _ if action is RESET:
                    self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
                    return False
                case _ if action is HOLD:
                    self.request.recv(1)
                    return False
                case _:
                    self._start_tls(server_tls())
        return True

    def _start_tls(self, context: ssl.SSLContext) -> None:
        self.stream.close()
        self.server.closed(self.request)
        self.request = context.wrap_socket(self.request, server_side=True, do_handshake_on_connect=False)
        self.server.tracked(self.request)
        self.request.do_handshake()
        self.stream = self.request.makefile("rb")
