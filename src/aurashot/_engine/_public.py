"""Connections to checked addresses: public ones for downloads, those of this machine for plain http.

A name that is checked and then resolved again can point elsewhere the second time (DNS rebinding). So the name is
resolved here, each of its addresses is checked, and the connection goes to a checked address. The name stays the name
for TLS: httpcore verifies the certificate against the request's host.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable  # noqa: TC003  # a named tuple evaluates its annotations
from typing import Final, NamedTuple, TypeAlias, cast
from urllib.parse import urlsplit

import anyio
import httpcore

from aurashot._engine._addresses import DEFAULT_TIMEOUT, NamedNetwork, SocketOptions, distinct, in_turn
from aurashot._reasons import reason_of
from aurashot._url_policy import (
    ip_literal,
    is_loopback,
    is_loopback_address,
    is_own_network_address,
    is_public_address,
)

HostPort: TypeAlias = tuple[str, int]


class RefusedAddressError(Exception):
    """A name resolves to an address that must not be connected to; none of its addresses was."""

    def __init__(self, host: str, address: str, wanted: str) -> None:
        super().__init__(f"{host} resolves to {address}, which is not {wanted}")


class PrivateAddressError(RefusedAddressError):
    """The host of an image resolves to an address that is not public."""


class DistantAddressError(RefusedAddressError):
    """The host of a plain http URL resolves to an address of another network."""


class Reach(NamedTuple):
    """Which addresses a name may lead to.

    Attributes:
        contains: Whether an address is one of them.
        wanted: What they are, for messages.
        refusal: The class of the error about any other.
    """

    contains: Callable[[str], bool]
    wanted: str
    refusal: type[RefusedAddressError]


PUBLIC: Final = Reach(is_public_address, "a public address", PrivateAddressError)
_LOOPBACK: Final = Reach(is_loopback_address, "a loopback address", DistantAddressError)
_OWN_NETWORK: Final = Reach(
    is_own_network_address, "an address of this machine or of a private network", DistantAddressError
)


def http_reach(base_url: str) -> Reach | None:
    """Return which addresses the host of a base URL may have, or None for https, where the certificate decides.

    Plain http goes to this machine only, and to the one host that was allowed by name, which is in the own network.
    """
    parts = urlsplit(base_url)
    if parts.scheme == "https":
        return None
    return _LOOPBACK if is_loopback(parts.hostname or "") else _OWN_NETWORK


class CheckedNetwork(NamedNetwork):
    """Sync connections to checked addresses.

    Args:
        reach: Which addresses are connected to.
    """

    def __init__(self, reach: Reach) -> None:
        super().__init__()
        self._reach = reach

    def _reach_of(self, host: str, port: int) -> Reach | None:
        del host, port
        return self._reach

    def _addresses(self, host: str, port: int, timeout: float) -> list[str]:
        addresses = super()._addresses(host, port, timeout)
        reach = self._reach_of(host, port)
        return addresses if reach is None else checked(host, addresses, reach)


class PublicNetwork(CheckedNetwork):
    """Sync connections to public addresses, and to one trusted origin.

    Args:
        trusted: Its host and port.
        own: Which addresses that one may have; None for any.
    """

    def __init__(self, trusted: HostPort, own: Reach | None = None) -> None:
        super().__init__(PUBLIC)
        self._trusted = trusted
        self._own = own

    def _reach_of(self, host: str, port: int) -> Reach | None:
        return self._own if (host, port) == self._trusted else self._reach


class AsyncCheckedNetwork(httpcore.AsyncNetworkBackend):
    """Async connections to checked addresses.

    Args:
        reach: Which addresses are connected to.
    """

    def __init__(self, reach: Reach) -> None:
        self._inner = cast("httpcore.AsyncNetworkBackend", httpcore.AnyIOBackend())
        self._reach = reach

    def _reach_of(self, host: str, port: int) -> Reach | None:
        del host, port
        return self._reach

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: SocketOptions = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first of the host's addresses that responds.

        Raises:
            RefusedAddressError: One of the addresses must not be connected to; none was.
        """
        seconds = DEFAULT_TIMEOUT if timeout is None else timeout
        end = time.monotonic() + seconds
        failure: Exception = httpcore.ConnectError(f"{host} has no IP address")
        for address, share in in_turn(await self._addresses(host, port, seconds), end):
            try:
                return await self._inner.connect_tcp(address, port, share, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as problem:
                failure = problem
        raise failure

    async def _addresses(self, host: str, port: int, timeout: float) -> list[str]:
        reach = self._reach_of(host, port)
        if reach is None:
            return [host]
        return checked(host, await resolved_async(host, port, timeout), reach)


class AsyncPublicNetwork(AsyncCheckedNetwork):
    """Async connections to public addresses, and to one trusted origin.

    Args:
        trusted: Its host and port.
        own: Which addresses that one may have; None for any.
    """

    def __init__(self, trusted: HostPort, own: Reach | None = None) -> None:
        super().__init__(PUBLIC)
        self._trusted = trusted
        self._own = own

    def _reach_of(self, host: str, port: int) -> Reach | None:
        return self._own if (host, port) == self._trusted else self._reach


async def resolved_async(host: str, port: int, timeout: float) -> list[str]:
    """Ask the system's resolver for the addresses of a host, in order and once each.

    Raises:
        httpcore.ConnectError: The name is unknown.
        httpcore.ConnectTimeout: It does not respond in time.
    """
    if ip_literal(host) is not None:
        return [host]
    try:
        with anyio.move_on_after(timeout):
            return distinct(await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    except OSError as problem:
        raise httpcore.ConnectError(reason_of(problem)) from problem
    raise httpcore.ConnectTimeout(f"{host} was not resolved in time")


def checked(host: str, addresses: list[str], reach: Reach) -> list[str]:
    """Return the addresses of a name.

    Raises:
        RefusedAddressError: One of them is out of reach.
    """
    distant = next((address for address in addresses if not reach.contains(address)), None)
    if distant is not None:
        raise reach.refusal(host, distant, reach.wanted)
    return addresses
