"""The targets of calls: servers with one fault, or addresses without a server."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from lab.faults.scripts import Context, Fault
from lab.server import Action, ScriptedServer, closed_port, server_tls

if TYPE_CHECKING:
    from collections.abc import Generator

    from lab.server import Request, Response


@dataclass(frozen=True, slots=True)
class Target:
    """The target of a call.

    Attributes:
        url: The base URL.
        server: What responses there, if anything does.
        options: Options of the client.
        environment: Environment variables while the client is created.
    """

    url: str
    server: ScriptedServer | None = None
    options: dict[str, Any] = field(default_factory=dict[str, Any])
    environment: dict[str, str] = field(default_factory=dict[str, str])


Setting: TypeAlias = Callable[[], AbstractContextManager[Target]]
OTHER_ORIGIN: Final = "https://other.example"
MULTIPLE: Final = "multiple.invalid"
SLOW: Final = "slow.invalid"
LOOKUP_TIME: Final = 2.0
"""Seconds that the lookup of the slow host name takes."""


def responding(fault: Fault) -> Setting:
    """Respond to the first request with a fault, and correctly to all others."""
    return lambda: _responding(fault)


@contextmanager
def _responding(fault: Fault) -> Generator[Target]:
    with ScriptedServer.running() as server:
        server.respond = _First(fault)
        yield Target(server.url, server)


class _First:
    """Returns the fault for the first request and the correct response for all others."""

    def __init__(self, fault: Fault) -> None:
        self._fault: Fault | None = fault

    def __call__(self, request: Request) -> Response | None:
        context = Context(request.header("idempotency-key") or "", OTHER_ORIGIN)
        fault, self._fault = self._fault, None
        return (context.response,) if fault is None else tuple(fault.script(context))


def greeting(*actions: Action, tls: bool = False) -> Setting:
    """Execute actions on each connection before reading from it; with `tls`, the client starts a handshake."""

    @contextmanager
    def setting() -> Generator[Target]:
        with ScriptedServer.running() as server:
            server.greeting = actions
            yield Target(server.url.replace("http://127.0.0.1", "https://localhost") if tls else server.url, server)

    return setting


@contextmanager
def refused() -> Generator[Target]:
    """Yield a port that nothing listens on."""
    yield Target(f"http://127.0.0.1:{closed_port()}")


@contextmanager
def dropped() -> Generator[Target]:
    """Yield a port whose backlog is full, so that SYN packets are dropped."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        connections = [socket.socket() for _ in range(4)]
        for connection in connections:
            connection.setblocking(False)  # its only argument
            connection.connect_ex(listener.getsockname())
        try:
            yield Target(f"http://127.0.0.1:{listener.getsockname()[1]}")
        finally:
            for connection in connections:
                connection.close()


@contextmanager
def unreachable() -> Generator[Target]:
    """Yield a host name with four unreachable IP addresses."""
    with dropped() as target:
        yield Target(target.url.replace("http://127.0.0.1", f"https://{MULTIPLE}"))


@contextmanager
def slow_lookup() -> Generator[Target]:
    """Yield a host name whose lookup takes longer than any deadline."""
    yield Target(f"https://{SLOW}")


@contextmanager
def unknown_host() -> Generator[Target]:
    """Yield an unknown host name."""
    yield Target("https://unknown.invalid")


@contextmanager
def uncertified() -> Generator[Target]:
    """Yield a server with a self-signed certificate."""
    with ScriptedServer.running(server_tls()) as server:
        yield Target(server.url, server)


@contextmanager
def proxied() -> Generator[Target]:
    """Yield a host behind a proxy that refuses connections."""
    yield Target("https://service.invalid", environment={"https_proxy": f"http://127.0.0.1:{closed_port()}"})


_environment = threading.Lock()


@contextmanager
def environment_of(target: Target) -> Generator[None]:
    """Set the environment variables of a target until the block ends."""
    with _environment:
        before = {name: os.environ.get(name) for name in target.environment}
        os.environ.update(target.environment)
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value


def stub_resolver() -> None:
    """Replace the lookup of names under `.invalid`: one is slow, one has four addresses, all others are unknown."""
    lookup = socket.getaddrinfo

    def getaddrinfo(host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0) -> Any:  # noqa: A002, PLR0917  # the signature of socket
        name = str(host.decode() if isinstance(host, bytes) else host)
        if name == MULTIPLE:
            return lookup("127.0.0.1", port, family, type, proto, flags) * 4
        if name == SLOW and not flags & socket.AI_NUMERICHOST:
            time.sleep(LOOKUP_TIME)  # a slow resolver
        if name.endswith(".invalid"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return lookup(host, port, family, type, proto, flags)

    socket.getaddrinfo = getaddrinfo
