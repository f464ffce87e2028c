"""Run the sandbox over real HTTP: in a thread of the caller's process, or in the foreground."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import uvicorn

from aurashot._reasons import reason_of
from aurashot._url_policy import is_loopback_address
from aurashot.errors import ConfigurationError
from aurashot.sandbox._accounts import DEMO_KEY
from aurashot.sandbox._app import create_app
from aurashot.sandbox._control import read_specification
from aurashot.sandbox._faults import FaultRule, operations_of
from aurashot.sandbox._faulty import FaultyProtocol
from aurashot.sandbox._scenarios import DRIFT, TABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Coroutine, Generator

    from fastapi import FastAPI

    from aurashot.sandbox._accounts import Bill
    from aurashot.sandbox._emulator import Emulator

_ANY_ADDRESS = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - looked up here, not bound
_BACKLOG = 2048
_ENDLESS = {"hold", "refuse"}

logger = logging.getLogger("aurashot")


class SandboxServer:
    """A running sandbox; `serve` returns it.

    Attributes:
        url: The base URL, as `http://127.0.0.1:53211`.
        api_key: A key that it accepts; any other key that starts with `sk_` has a separate account.
    """

    def __init__(self, url: str, server: _Server) -> None:
        self.url = url
        self.api_key = DEMO_KEY
        self._server = server

    @property
    def latency(self) -> float:
        """Seconds to wait for each image, in addition to the time that drawing it takes; it can be set.

        Raises:
            InputError: It is set to something else than a number of at least 0.
        """
        return self._server.emulator.latency

    @latency.setter
    def latency(self, seconds: float) -> None:
        self._server.emulator.latency = seconds

    def bill(self) -> Bill:
        """Return the bill so far."""
        return self._server.emulator.accounts.bill()

    def fault(
        self,
        name: str,
        *,
        share: float = 1.0,
        times: int | None = None,
        operations: Collection[str] = (),
        seed: int | None = None,
    ) -> None:
        """Make later requests fail; `refuse` on its own closes the listener at once.

        Args:
            name: A name from the table of faults, with optional parameters, such as `rate-limit;retry-after=2`. Several
                names are separated by commas; each affected request picks one at random.
            share: The share of requests that are affected, above 0 and at most 1.
            times: The maximum number of requests that are affected; None for no limit.
            operations: `upload`, `id-photo` (or `id_photo`), `generate`, `edit`, `workflow` (the older ones), `query`,
                `file` (downloads); empty for all.
            seed: The same seed affects the same requests of the same sequence; None uses the sandbox's seed.

        Raises:
            ValueError: There is no such fault or operation, or a parameter or another argument is invalid.
        """
        chosen = read_specification(name)
        rule = FaultRule(chosen, share, times, operations_of(operations))
        if [one.fault.end for one in chosen] == ["refuse"]:
            self._run(partial(self._server.refuse, float(chosen[0].parameters["for"])))
            return
        emulator = self._server.emulator
        emulator.rules.add(rule, seed=emulator.settings.seed if seed is None else seed)

    def faults(self, *, share: float, times: int | None = None, seed: int | None = None) -> None:
        """Make a share of later requests fail, with all faults that neither hang, nor refuse connections, nor drift."""
        names = [fault.name for fault in TABLE.values() if fault.end not in _ENDLESS and fault is not DRIFT]
        self.fault(",".join(names), share=share, times=times, seed=seed)

    def clear_faults(self) -> None:
        """Remove all faults; after `refuse`, connections are accepted again at once."""
        self._server.emulator.rules.clear()
        self._run(self._server.accept_again)

    def reset(self) -> None:
        """Clear the bill, the quotas and the faults, and set the latency to what it was in the beginning.

        Requests in progress are cut off, so that they are not on the next bill. Files stay.
        """
        self._run(self._server.cut_off)
        self.clear_faults()
        emulator = self._server.emulator
        emulator.accounts.clear()
        emulator.latency = emulator.settings.latency

    def _run(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do work in the server's thread; a server that has stopped has nothing to do."""
        if not self._server.should_exit:
            asyncio.run_coroutine_threadsafe(work(), self._server.loop).result()


@contextmanager
def serve(
    port: int = 0,
    host: str = "127.0.0.1",
    *,
    quota: int | None = None,
    latency: float = 0.0,
    polls: int = 1,
    fetch: bool = False,
    seed: int = 0,
    drift: float = 0.0,
    allowed_hosts: Collection[str] = (),
) -> Generator[SandboxServer]:
    """Run a sandbox in a thread until the end of the block; the options are those of `create_app`.

    It is ready when the block begins. At the end of the block, its connections are closed and its thread, port and
    files are released.

    Args:
        port: The TCP port; 0 uses a free one.
        host: The address to listen on.
        quota: Images per key before requests fail with 402; None for no limit.
        latency: Seconds to wait for each image, in addition to the time that drawing it takes.
        polls: How many polls of a legacy job return `processing`.
        fetch: Download public references; otherwise each is replaced by a drawn portrait.
        seed: Determines which portrait replaces a URL and which requests a partial fault applies to.
        drift: The share of images, 0 to 1, that show another person, as those of generators do.
        allowed_hosts: Names with a dot by which clients reach it, besides `localhost`.

    Raises:
        ConfigurationError: The port is in use, or the address does not belong to this machine.
        InputError: `latency` or `drift` is out of range.
    """
    app = create_app(
        quota=quota, latency=latency, polls=polls, fetch=fetch, seed=seed, drift=drift, allowed_hosts=allowed_hosts
    )
    listener = _listen(host, port)
    up = threading.Event()
    server = _Server(app, listener, up.set)
    thread = threading.Thread(target=server.run, args=([listener],), name="aurashot-sandbox", daemon=True)
    thread.start()
    up.wait()
    try:
        yield SandboxServer(_url(listener), server)
    finally:
        server.should_exit = True
        thread.join()


def run(
    port: int = 8787,
    host: str = "127.0.0.1",
    *,
    quota: int | None = None,
    latency: float = 0.0,
    polls: int = 1,
    fetch: bool = False,
    seed: int = 0,
    drift: float = 0.0,
    allowed_hosts: Collection[str] = (),
    ready: Callable[[str], object] | None = None,
) -> None:
    """Run a sandbox until Ctrl-C or SIGTERM; the options are those of `serve`.

    Args:
        port: The TCP port; 0 uses a free one.
        host: The address to listen on.
        quota: Images per key before requests fail with 402; None for no limit.
        latency: Seconds to wait for each image, in addition to the time that drawing it takes.
        polls: How many polls of a legacy job return `processing`.
        fetch: Download public references; otherwise each is replaced by a drawn portrait.
        seed: Determines which portrait replaces a URL and which requests a partial fault applies to.
        drift: The share of images, 0 to 1, that show another person, as those of generators do.
        allowed_hosts: Names with a dot by which clients reach it, besides `localhost`.
        ready: Called with the URL once the sandbox is ready.

    Raises:
        ConfigurationError: The port is in use, or the address does not belong to this machine.
        InputError: `latency` or `drift` is out of range.
    """
    app = create_app(
        quota=quota, latency=latency, polls=polls, fetch=fetch, seed=seed, drift=drift, allowed_hosts=allowed_hosts
    )
    listener = _listen(host, port)
    url = _url(listener)
    server = _Server(app, listener, lambda: ready(url) if ready else None)
    with suppress(KeyboardInterrupt):  # uvicorn stops cleanly on Ctrl-C, then raises it again
        server.run([listener])


class _Server(uvicorn.Server):
    """uvicorn's server, which can also refuse connections for a while, and shuts down despite open connections."""

    def __init__(self, app: FastAPI, listener: socket.socket, ready: Callable[[], object]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=FaultyProtocol,
                ws="none",
                loop="asyncio",
                lifespan="off",
                log_config=None,
                access_log=False,
                backlog=_BACKLOG,
            )
        )
        self.emulator: Emulator = app.state.emulator
        self.emulator.refuse = self.refuse
        self._address = _address(listener)
        self._ready = ready
        self._reopening: asyncio.Task[None] | None = None
        self._reopen_now = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the server and signal that it is ready."""
        await super().startup(sockets)
        self.loop: asyncio.AbstractEventLoop = asyncio.get_running_loop()
        self._ready()

    async def refuse(self, seconds: float) -> None:
        """Close the listener and every idle connection, and listen again after `seconds`."""
        await self._stop_listening()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        self._reopen_now.clear()
        self._reopening = asyncio.create_task(self._listen_again(seconds))

    async def accept_again(self) -> None:
        """Listen again at once if connections are refused."""
        self._reopen_now.set()
        if self._reopening is not None and not self._reopening.done():
            await self._reopening

    async def cut_off(self) -> None:
        """End every request in progress, and close its connection."""
        for connection in list(self.server_state.connections):
            cycle = getattr(connection, "cycle", None)  # None before the first request
            if cycle is not None and not cycle.response_complete:
                connection.transport.abort()
        await asyncio.sleep(0)  # the connections notice that they were aborted
        tasks = list(self.server_state.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close every connection, cancel every task, and remove the files."""
        await self._stop_listening()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)  # the connections notice that they were aborted
        for task in list(self.server_state.tasks):
            task.cancel()
        await super().shutdown(sockets)
        await asyncio.get_running_loop().shutdown_default_executor()  # a drawing may still be writing its file
        self.emulator.close()

    async def _stop_listening(self) -> None:
        # asyncio accepts a connection in one iteration, sets it up in the next and notifies uvicorn in the one after. A
        # server that closed earlier would leave the connection open; one more iteration, since the order within one
        # is not known. The Windows loop accepts in one iteration and has no readers.
        with suppress(NotImplementedError):
            for server in self.servers:
                for listener in server.sockets:
                    self.loop.remove_reader(listener)
        for _ in range(3):
            await asyncio.sleep(0)
        if self._reopening is not None:
            self._reopening.cancel()
        for server in self.servers:
            server.close()

    async def _listen_again(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._reopen_now.wait(), seconds)
        protocol = partial(FaultyProtocol, config=self.config, server_state=self.server_state, app_state={})
        listener = _listen(*self._address)
        self.servers: list[asyncio.Server] = [await self.loop.create_server(protocol, sock=listener, backlog=_BACKLOG)]


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        host.encode("idna")  # for a host that cannot be a name, `create_server` would leave a socket open
        listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except (OSError, UnicodeError) as error:
        raise ConfigurationError(f"The sandbox cannot listen on port {port} of {host}: {reason_of(error)}") from error
    # Connections inherit this option. asyncio sets it only on sockets made with IPPROTO_TCP, and without it every
    # response on a kept-alive connection waits 40 ms for the client's delayed acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    bound, _ = _address(listener)
    if not is_loopback_address(bound):
        logger.warning(
            "The sandbox listens on %s; whoever reaches it can use it and see its images and its bill", bound
        )
    return listener


def _address(listener: socket.socket) -> tuple[str, int]:
    host, port, *_ = listener.getsockname()
    return str(host), int(port)


def _url(listener: socket.socket) -> str:
    bound, port = _address(listener)
    host = _ANY_ADDRESS.get(bound, bound)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
