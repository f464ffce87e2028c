"""Connections for downloads: to public addresses only, checked after the name was resolved.

A name that is checked and then resolved again can point elsewhere the second time (DNS rebinding). So the name is
resolved here, each of its addresses is checked, and the connection goes to a checked address. The name stays the name
for TLS: httpcore verifies the certificate against the request's host.
"""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import anyio
import httpcore

from aurashot._engine._addresses import DEFAULT_TIMEOUT, NamedNetwork, SocketOptions, distinct, in_turn, resolved
from aurashot._reasons import reason_of
from aurashot._url_policy import is_public_address

if TYPE_CHECKING:
    from collections.abc import Iterable

HostPort: TypeAlias = tuple[str, int]


class PrivateAddressError(Exception):
    """A name resolves to an address that is not public; none of its addresses was connected to."""

    def __init__(self, host: str, address: str) -> None:
        super().__init__(f"{host} resolves to {address}, which is not a public address")


class PublicNetwork(NamedNetwork):
    """Sync connections to public addresses, and to one trusted origin."""

    def __init__(self, trusted: HostPort) -> None:
        super().__init__()
        self._trusted = trusted

    def _addresses(self, host: str, port: int, timeout: float) -> list[str]:
        if (host, port) == self._trusted:
            return super()._addresses(host, port, timeout)
        return checked(host, resolved(host, port, timeout))


class AsyncPublicNetwork(httpcore.AsyncNetworkBackend):
    """Async connections to public addresses, and to one trusted origin."""

    def __init__(self, trusted: HostPort) -> None:
        self._inner = cast("httpcore.AsyncNetworkBackend", httpcore.AnyIOBackend())
        self._trusted = trusted

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
            PrivateAddressError: One of the addresses is not public; none was connected to.
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
        if (host, port) == self._trusted:
            return [host]
        try:
            with anyio.move_on_after(timeout):
                return checked(host, await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except OSError as problem:
            raise httpcore.ConnectError(reason_of(problem)) from problem
        raise httpcore.ConnectTimeout(f"{host} was not resolved in time")


def checked(host: str, found: Iterable[tuple[Any, ...]]) -> list[str]:
    """Return the addresses of a resolved name, in order and once each.

    Raises:
        PrivateAddressError: One of them is not public.
    """
    addresses = distinct(found)
    private = next((address for address in addresses if not is_public_address(address)), None)
    if private is not None:
        raise PrivateAddressError(host, private)
    return addresses
