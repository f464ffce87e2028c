"""Where a call goes: a server that does one thing to it, or an address where there is none."""

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
    """Where a call goes.

    Attributes:
        url: The base URL.
        server: What responses there, if anything does.
        options: What the client is to be made with.
        environment: What is in the environment when the client is made.
    """

    url: str
    server: ScriptedServer | None = None
    options: dict[str, Any] = field(default_factory=dict[str, Any])
    environment: dict[str, str] = field(default_factory=dict[str, str])


Setting: TypeAlias = Callable[[], AbstractContextManager[Target]]
EVIL: Final = "https://evil.example"
CROWDED: Final = "crowded.invalid"
SLOW: Final = "slow.invalid"
RESOLVING: Final = 2.0
"""Seconds that the resolver takes for a slow name."""


def answering(fault: Fault) -> Setting:
    """Do this to the first request, and respond correctly to all others."""
    return lambda: _answering(fault)


@contextmanager
def _answering(fault: Fault) -> Generator[Target]:
    with ScriptedServer.running() as server:
        server.respond = _First(fault)
        yield Target(server.url, server)


class _First:
    """The fault for whoever comes first, the right response for everybody else."""

    def __init__(self, fault: Fault) -> None:
        self._fault: Fault | None = fault

    def __call__(self, request: Request) -> Response | None:
        context = Context(request.header("idempotency-key") or "", EVIL)
        fault, self._fault = self._fault, None
        return (context.right,) if fault is None else tuple(fault.script(context))


def greeting(*actions: Action, tls: bool = False) -> Setting:
    """Do this to each connection before a byte is read from it; with `tls`, the client expects a handshake."""

    @contextmanager
    def setting() -> Generator[Target]:
        with ScriptedServer.running() as server:
            server.greeting = actions
            yield Target(server.url.replace("http://127.0.0.1", "https://localhost") if tls else server.url, server)

    return setting


@contextmanager
def refused() -> Generator[Target]:
    """Give a port that nothing listens on."""
    yield Target(f"http://127.0.0.1:{closed_port()}")


@contextmanager
def dropped() -> Generator[Target]:
    """Give a port whose queue is full, so that the first packet of a connection is dropped."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        processes = [socket.socket() for _ in range(4)]
        for each in processes:
            each.setblocking(False)  # its only argument
            each.connect_ex(listener.getsockname())
        try:
            yield Target(f"http://127.0.0.1:{listener.getsockname()[1]}")
        finally:
            for each in processes:
                each.close()


@contextmanager
def crowded() -> Generator[Target]:
    """Give a name with four addresses, all of them dead."""
    with dropped() as target:
        yield Target(target.url.replace("http://127.0.0.1", f"https://{CROWDED}"))


@contextmanager
def slowly() -> Generator[Target]:
    """Give a name for which the resolver takes longer than any deadline."""
    yield Target(f"https://{SLOW}")


@contextmanager
def nowhere() -> Generator[Target]:
    """Give a name that nobody knows; the system's resolver is kept out of it."""
    yield Target("https://nowhere.invalid")


@contextmanager
def uncertified() -> Generator[Target]:
    """Give a server whose certificate no authority signed."""
    with ScriptedServer.running(server_tls()) as server:
        yield Target(server.url, server)


@contextmanager
def proxied() -> Generator[Target]:
    """Give a service behind a proxy that is down."""
    yield Target("https://service.invalid", environment={"https_proxy": f"http://127.0.0.1:{closed_port()}"})


_environment = threading.Lock()


@contextmanager
def environment_of(target: Target) -> Generator[None]:
    """Set the environment while a client is made."""
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
    """Response for names under `.invalid`: none is known, one takes its time, and one has four addresses."""
    ask = socket.getaddrinfo

    def getaddrinfo(host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0) -> Any:  # noqa: A002, PLR0917  # as socket has it
        name = str(host.decode() if isinstance(host, bytes) else host)
        if name == CROWDED:
            return ask("127.0.0.1", port, family, type, proto, flags) * 4
        if name == SLOW and not flags & socket.AI_NUMERICHOST:
            time.sleep(RESOLVING)
        if name.endswith(".invalid"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return ask(host, port, family, type, proto, flags)

    socket.getaddrinfo = getaddrinfo
