"""A server that keeps nothing of what it reads, so that all memory that is measured is the client's."""

from __future__ import annotations

import socketserver
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, Self

from tests.servers import contract, headers_only

if TYPE_CHECKING:
    from collections.abc import Generator

_PIECE: Final = 64 * 1024


class ObliviousServer(socketserver.ThreadingTCPServer):
    """Answer every POST as the contract says, and every GET with one picture.

    Attributes:
        picture: The bytes of the picture.
        received: Bytes of request bodies so far.
    """

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False  # each thread ends when the client closes its connection

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.picture = b""
        self.received = 0

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    @classmethod
    @contextmanager
    def running(cls) -> Generator[Self]:
        """Serve for as long as the block lasts."""
        with cls() as server:
            thread = threading.Thread(target=server.serve_forever, args=(0.005,), name="oblivious-server")
            thread.start()
            try:
                yield server
            finally:
                server.shutdown()
                thread.join()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: the client went away."""


class _Connection(socketserver.StreamRequestHandler):
    server: ObliviousServer  # pyright: ignore[reportIncompatibleVariableOverride]  # the base names its base
    disable_nagle_algorithm = True

    def handle(self) -> None:
        """Read and answer until the client closes the connection."""
        with suppress(ConnectionError):
            while line := self.rfile.readline():
                method, path, _ = line.decode().split()
                self._drain(self._length())
                for part in self._answer(method, path):
                    self.wfile.write(part)

    def _answer(self, method: str, path: str) -> tuple[bytes, ...]:
        if method == "GET":
            head = headers_only(content_type="image/png", content_length=len(self.server.picture))
            return head, self.server.picture
        return tuple(part for part in contract(path) if isinstance(part, bytes))

    def _length(self) -> int:
        length = 0
        while header := self.rfile.readline().strip():
            name, _, value = header.lower().partition(b":")
            if name == b"content-length":
                length = int(value)
        return length

    def _drain(self, length: int) -> None:
        while length > 0 and (piece := self.rfile.read1(min(length, _PIECE))):
            length -= len(piece)
            self.server.received += len(piece)
