"""Keep a test from reaching the network."""

from __future__ import annotations

import os
import socket
from contextlib import ExitStack, contextmanager
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final, cast
from unittest import mock

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

_PROXY_VARIABLES: Final = ("http_proxy", "https_proxy", "all_proxy", "aurashot_download_proxy")


class NetworkGuard:
    """What tried to reach the network.

    Attributes:
        attempts: The names and addresses that were refused, such as `www.aurashot.art:443`, in order.
    """

    def __init__(self) -> None:
        self.attempts: tuple[str, ...] = ()

    def refuse(self, host: object, port: object = None) -> None:
        """Raise if a host is not this machine.

        Raises:
            AssertionError: It is not.
        """
        name = host.decode(errors="replace") if isinstance(host, bytes | bytearray) else str(host)
        if is_local(name):
            return
        target = name if port is None else f"{name}:{port}"
        self.attempts = (*self.attempts, target)
        raise AssertionError(self.message(target))

    def message(self, target: str) -> str:
        """Return what to do about an attempt."""
        return (
            f"The test tried to reach {target}, and the network is off; use aurashot_mock, aurashot_sandbox or a "
            "recording, or a URL on this machine"
        )


def is_local(host: str) -> bool:
    """Return whether a name or address is this machine."""
    if host in {"", "None", "localhost"} or host.endswith(".localhost"):
        return True
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


@contextmanager
def no_network() -> Generator[NetworkGuard]:
    """Refuse every connection that leaves this machine, and every look-up of a name, until the end of the block.

    Loopback addresses and Unix sockets work, so that a sandbox does. Proxies of the environment are not used meanwhile.

    Raises:
        AssertionError: Something tried to reach the network. It is raised where that happens, and at the end of the
            block, in case the first one was caught.
    """
    guard = NetworkGuard()
    with guarded(guard):
        yield guard
    if guard.attempts:
        raise AssertionError(guard.message(", ".join(guard.attempts)))


@contextmanager
def guarded(guard: NetworkGuard) -> Generator[None]:
    """Let a guard refuse what leaves this machine, until the end of the block."""

    def by_address(original: Callable[..., Any]) -> Callable[..., Any]:
        def checked(sock: socket.socket, *arguments: Any) -> Any:
            address = arguments[-1] if arguments else None
            if sock.family in {socket.AF_INET, socket.AF_INET6} and isinstance(address, tuple):
                guard.refuse(*cast("tuple[object, ...]", address)[:2])
            return original(sock, *arguments)

        return checked

    def by_name(original: Callable[..., Any]) -> Callable[..., Any]:
        def checked(host: Any, *arguments: Any, **options: Any) -> Any:
            guard.refuse(host, arguments[0] if arguments else options.get("port"))
            return original(host, *arguments, **options)

        return checked

    kept = {name: value for name, value in os.environ.items() if name.lower() not in _PROXY_VARIABLES}
    with ExitStack() as patches:
        patches.enter_context(mock.patch.dict(os.environ, kept, clear=True))
        for name in ("connect", "connect_ex", "sendto"):
            patches.enter_context(mock.patch.object(socket.socket, name, by_address(getattr(socket.socket, name))))
        for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex"):
            patches.enter_context(mock.patch.object(socket, name, by_name(getattr(socket, name))))
        yield
