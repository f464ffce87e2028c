"""A proxy that opens tunnels, and leads every host name to one port of this machine."""

from __future__ import annotations

import socket
import socketserver
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Self, cast

if TYPE_CHECKING:
    from collections.abc import Generator

USER: str = "user:s3cret-of-the-proxy"


class ConnectProxy(socketserver.ThreadingTCPServer):
    """A proxy for CONNECT, on a free port.

    Args:
        target: The port of this machine that each tunnel leads to.
        refusal: A status line to respond with instead of opening a tunnel.

    Attributes:
        heads: What was asked for, with headers.
    """

    daemon_threads = True

    def __init__(self, target: int, refusal: str = "") -> None:
        super().__init__(("127.0.0.1", 0), _Tunnel)
        self.target = target
        self.refusal = refusal
        self.heads: list[str] = []

    @property
    def url(self) -> str:
        """The URL, with a user name and a password."""
        return f"http://{USER}@127.0.0.1:{self.server_address[1]}"

    @property
    def hosts(self) -> list[str]:
        """The hosts and ports that were asked for."""
        return [head.split()[1] for head in self.heads]

    @classmethod
    @contextmanager
    def running(cls, target: int, refusal: str = "") -> Generator[Self]:
        """Serve in a thread until the block ends."""
        with cls(target, refusal) as proxy:
            thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            try:
                yield proxy
            finally:
                proxy.stop()
                thread.join()

    def stop(self) -> None:
        """Accept no more connections."""
        self.shutdown()
        self.server_close()


class _Tunnel(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        """Read the head of a request, and open the tunnel."""
        proxy = cast("ConnectProxy", self.server)
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            piece = self.request.recv(1)
            if not piece:
                return
            head += piece
        proxy.heads.append(head.decode())
        if proxy.refusal:
            self.request.sendall(f"HTTP/1.1 {proxy.refusal}\r\nContent-Length: 0\r\n\r\n".encode())
            return
        with socket.create_connection(("127.0.0.1", proxy.target)) as there:
            self.request.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=_pump, args=(there, self.request))
            back.start()
            _pump(self.request, there)
            back.join()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(65_536):
            sink.sendall(piece)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
