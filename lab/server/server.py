"""The raw server: what it does to each request is decided by a function, and nothing is checked."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections import defaultdict, deque
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from lab.server.connection import Connection, Request
from lab.server.responses import START_TLS, contract

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator, Iterable

    from lab.server.responses import Action, Response

HOST: Final = "127.0.0.1"
CERTIFICATE: Final = Path(__file__).with_name("localhost.pem")


def server_tls() -> ssl.SSLContext:
    """Return the TLS of a server whose certificate no authority signed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


class Server:
    """A server of the running event loop.

    Args:
        handle: Returns what to do with a request.
        tls: Speak TLS from the start; otherwise START_TLS begins it.
        discards_bodies: Read bodies without keeping them, so that large uploads take no memory.

    Attributes:
        greeting: What to do with a connection before anything is read from it.
        connections: How many connections were accepted.
        open: The connections that are open now.
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
        self.connections = 0
        self.open: set[Connection] = set()
        self.url = ""
        self._scheme = "http://127.0.0.1" if tls is None else "https://localhost"
        self._tls = tls
        self._greeting: Response = ()
        self._tasks: set[asyncio.Task[None]] = set()
        self._listener: asyncio.Server | None = None

    @property
    def greeting(self) -> Response:
        """What to do with a connection before anything is read from it."""
        return self._greeting if self._tls is None else (*self._greeting, START_TLS)

    @greeting.setter
    def greeting(self, actions: Response) -> None:
        self._greeting = actions

    @property
    def tls(self) -> ssl.SSLContext:
        """The TLS that START_TLS begins."""
        return self._tls or server_tls()

    async def listen(self, port: int = 0) -> str:
        """Accept connections on a port, a free one by default, and return the base URL."""
        loop = asyncio.get_running_loop()
        self._listener = await loop.create_server(lambda: Connection(self), HOST, port, backlog=16_384)
        self.url = f"{self._scheme}:{self._listener.sockets[0].getsockname()[1]}"
        return self.url

    def refuse(self) -> None:
        """Accept no more connections."""
        if self._listener is not None:
            self._listener.close()

    def stop(self) -> None:
        """Cut every connection and accept no more."""
        self.refuse()
        for task in self._tasks:
            task.cancel()
        for connection in list(self.open):
            connection.transport.abort()

    def opened(self, connection: Connection) -> int:
        """Note a new connection and return its number."""
        self.open.add(connection)
        self.connections += 1
        return self.connections

    def closed(self, connection: Connection) -> None:
        """Note the end of a connection."""
        self.open.discard(connection)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Do a part of a script that waits."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @classmethod
    @contextmanager
    def running(cls, *args: Any, port: int = 0, **options: Any) -> Generator[Self]:
        """Serve in a thread for as long as the block lasts; the arguments are those of the class."""
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
        while self.open or len(asyncio.all_tasks()) > 1:  # asyncio sets up each connection that it accepts in a task
            await asyncio.sleep(0)
            self.stop()


class ScriptedServer(Server):
    """A server in a thread that records requests, and does to them what a test has queued.

    Attributes:
        requests: Every request that was received whole.
        respond: Returns a reply that depends on the request, when nothing is queued; None leaves it to `always`.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(self.response_to, tls)
        self.requests: list[Request] = []
        self.respond: Callable[[Request], Response | None] | None = None
        self._queued: defaultdict[str | None, deque[Response]] = defaultdict(deque)
        self._always: dict[str | None, Response] = {}

    def queue(self, *responses: Response, path: str | None = None) -> None:
        """Reply so to the next requests, or to the next ones for a path."""
        self._queued[path].extend(responses)

    def always(self, response: Response, *, path: str | None = None) -> None:
        """Reply so to every request, or to every one for a path, for which nothing is queued."""
        self._always[path] = response

    def response_to(self, request: Request) -> Response:
        """Record a request and return what is to be done."""
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
        """Return the POST requests, all or those for a path."""
        return [one for one in self.requests if one.method == "POST" and path in {None, one.path}]

    @property
    def open_connections(self) -> int:
        """How many connections are open now."""
        return len(self.open)
