"""The scripted server: a function returns the actions for each request."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections import defaultdict, deque
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, Self

from lab.server.certificates import server_tls
from lab.server.connection import Connection, Request
from lab.server.responses import START_TLS, contract

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Coroutine, Generator, Iterable

    from lab.server.responses import Action, Response

HOST: Final = "127.0.0.1"


class Server:
    """A server on the running event loop.

    Args:
        handle: Returns the actions for a request.
        tls: TLS context for all connections; without it, START_TLS starts TLS.
        discards_bodies: Whether to discard request bodies, so that large uploads take no memory.

    Attributes:
        greeting: Actions before the first request of a connection.
        early: Actions as soon as the headers of a request have arrived; its body gets no further response.
        connections: Number of accepted connections.
        open: The open connections.
        url: The base URL.
    """

    def __init__(
        self,
        handle: Callable[[Request], Iterable[Action]],
        tls: ssl.SSLContext | None = None,
        *,
        discards_bodies: bool = False,
    ) -> None:
        self.handle = handle
        self.discards_bodies = discards_bodies
        self.early: Response = ()
        self.connections = 0
        self.open: set[Connection] = set()
        self.url = ""
        self._scheme = "http://127.0.0.1" if tls is None else "https://localhost"
        self._tls = tls
        self._greeting: Response = ()
        self._tasks: set[asyncio.Task[None]] = set()
        self._arriving: set[asyncio.Task[Any]] = set()
        self._listener: socket.socket | None = None

    @property
    def greeting(self) -> Response:
        """Actions before the first request of a connection."""
        return self._greeting if self._tls is None else (*self._greeting, START_TLS)

    @greeting.setter
    def greeting(self, actions: Response) -> None:
        self._greeting = actions

    @property
    def tls(self) -> ssl.SSLContext:
        """The TLS context that START_TLS uses."""
        return self._tls or server_tls()

    async def listen(self, port: int = 0) -> str:
        """Accept connections on a port, a free one by default, and return the base URL."""
        self._listener = socket.create_server((HOST, port), backlog=16_384)
        self._listener.setblocking(False)
        asyncio.get_running_loop().add_reader(self._listener, self._accept, self._listener)
        self.url = f"{self._scheme}:{self._listener.getsockname()[1]}"
        return self.url

    def _accept(self, listener: socket.socket) -> None:
        # asyncio.Server leaves a connection open for ever that it accepts in the turn of the loop that closes it.
        loop = asyncio.get_running_loop()
        with suppress(BlockingIOError, ConnectionAbortedError):
            while True:
                accepted, _ = listener.accept()
                accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # RST discards what waits for an ACK
                task = loop.create_task(loop.connect_accepted_socket(lambda: Connection(self), accepted))
                self._arriving.add(task)
                task.add_done_callback(self._arriving.discard)

    def refuse(self) -> None:
        """Accept no more connections."""
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
            self._listener = None

    def stop(self) -> None:
        """Abort all connections and accept no more."""
        self.refuse()
        for task in self._tasks:
            task.cancel()
        for connection in list(self.open):
            connection.transport.abort()

    def opened(self, connection: Connection) -> int:
        """Register a new connection and return its number."""
        self.open.add(connection)
        self.connections += 1
        return self.connections

    def closed(self, connection: Connection) -> None:
        """Remove a closed connection."""
        self.open.discard(connection)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run an action that waits, as a task."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @classmethod
    @contextmanager
    def running(cls, *args: Any, port: int = 0, **options: Any) -> Generator[Self]:
        """Serve in a thread until the block ends; the arguments are those of the class."""
        server = cls(*args, **options)
        started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        thread = threading.Thread(target=asyncio.run, args=(server._serve(port, started),), name="raw-server")
        thread.start()
        loop, over = started.result()
        try:
            yield server
        finally:
            loop.call_soon_threadsafe(over.set)
            thread.join()

    async def _serve(self, port: int, started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]]) -> None:
        over = asyncio.Event()
        try:
            await self.listen(port)
        except OSError as error:
            started.set_exception(error)
            return
        started.set_result((asyncio.get_running_loop(), over))
        await over.wait()
        self.stop()
        while self.open or self._tasks or self._arriving:
            await asyncio.sleep(0)
            self.stop()


class ScriptedServer(Server):
    """A server that records requests and sends queued responses.

    Attributes:
        requests: All complete requests.
        respond: Returns the response to a request if none is queued; None means that of `always`.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(self.response_to, tls)
        self.requests: list[Request] = []
        self.respond: Callable[[Request], Response | None] | None = None
        self._queued: defaultdict[str | None, deque[Response]] = defaultdict(deque)
        self._always: dict[str | None, Response] = {}

    def queue(self, *responses: Response, path: str | None = None) -> None:
        """Queue responses to the next requests, or to the next requests for a path."""
        self._queued[path].extend(responses)

    def always(self, response: Response, *, path: str | None = None) -> None:
        """Set the response to all requests, or to all requests for a path, if none is queued."""
        self._always[path] = response

    def response_to(self, request: Request) -> Response:
        """Record a request and return its response."""
        self.requests.append(request)
        for key in (request.path, None):
            if self._queued[key]:
                return self._queued[key].popleft()
        if self.respond is not None and (response := self.respond(request)) is not None:
            return response
        for key in (request.path, None):
            if key in self._always:
                return self._always[key]
        return contract(request.path)

    def posts(self, path: str | None = None) -> list[Request]:
        """Return all POST requests, or those for a path."""
        return [one for one in self.requests if one.method == "POST" and path in {None, one.path}]

    @property
    def open_connections(self) -> int:
        """Number of open connections."""
        return len(self.open)
