"""Blocking connections by name, in a bounded time.

The system's resolver has no time limit, and `socket.create_connection` gives each address of a name the whole time
anew. So a slow resolver, or a name with several dead addresses, would hold a call for many times its deadline.
"""

from __future__ import annotations

import os
import socket
import time
from threading import Thread
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import httpcore

from aurashot._reasons import reason_of
from aurashot._url_policy import ip_literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from concurrent.futures import Future

SocketOptions: TypeAlias = "Iterable[httpcore.SOCKET_OPTION] | None"
Found: TypeAlias = "list[tuple[Any, ...]] | OSError"

DEFAULT_TIMEOUT: Final = 60.0
"""Seconds for whoever sets no limit."""

asked: Final[dict[tuple[int, str, int], Future[Found]]] = {}
"""What the resolver is being asked, by process, host and port: one thread waits for it, however many want to know."""


class NamedNetwork(httpcore.NetworkBackend):
    """Connections to whatever addresses a name has, all tries within one time."""

    def __init__(self) -> None:
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: SocketOptions = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first of the host's addresses that responds; each gets its share of the time that is left.

        Raises:
            httpcore.ConnectError: The name is unknown, or the last address refused.
            httpcore.ConnectTimeout: The resolver, or the last address, did not respond.
        """
        seconds = DEFAULT_TIMEOUT if timeout is None else timeout
        end = time.monotonic() + seconds
        failure: Exception = httpcore.ConnectError(f"{host} has no IP address")
        for address, share in in_turn(self._addresses(host, port, seconds), end):
            try:
                return self._inner.connect_tcp(address, port, share, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as problem:
                failure = problem
        raise failure

    def _addresses(self, host: str, port: int, timeout: float) -> list[str]:
        return distinct(resolved(host, port, timeout)) if ip_literal(host) is None else [host]


def in_turn(addresses: list[str], end: float) -> Iterator[tuple[str, float]]:
    """Yield each address with its share, in seconds, of what is then left until `end` of the monotonic clock."""
    for index, address in enumerate(addresses):
        yield address, max(0.001, end - time.monotonic()) / (len(addresses) - index)


def resolved(host: str, port: int, timeout: float) -> list[tuple[Any, ...]]:
    """Ask the system's resolver.

    Raises:
        httpcore.ConnectError: The name is unknown.
        httpcore.ConnectTimeout: It does not respond in time.
    """
    from concurrent.futures import Future

    question = (os.getpid(), host, port)
    fresh: Future[Found] = Future()
    response = asked.setdefault(question, fresh)
    if response is fresh:
        _start(question)
    try:
        found = response.result(timeout)
    except TimeoutError:
        raise httpcore.ConnectTimeout(f"{host} was not resolved in time") from None
    if isinstance(found, OSError):
        raise httpcore.ConnectError(reason_of(found)) from found
    return found


def _start(question: tuple[int, str, int]) -> None:
    try:
        Thread(target=_ask, args=question, name="aurashot-resolver", daemon=True).start()
    except RuntimeError:  # no more threads: there are too many, or the interpreter is about to end
        _ask(*question)


def _ask(pid: int, host: str, port: int) -> None:
    try:
        found: Found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as problem:
        found = problem
    except UnicodeError as problem:  # a label that is too long, for the encoding of names
        found = socket.gaierror(socket.EAI_NONAME, f"{host} is not a valid host name: {problem}")
    except Exception as problem:  # noqa: BLE001  # a test may put a function of its own in the place of the resolver
        asked.pop((pid, host, port)).set_exception(problem)
        return
    asked.pop((pid, host, port)).set_result(found)


def distinct(found: Iterable[tuple[Any, ...]]) -> list[str]:
    """Return the addresses of a resolved name, in order and once each."""
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))
