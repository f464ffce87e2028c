"""Download a reference for `fetch=True`: https, public addresses, an image of limited size, no redirects."""

from __future__ import annotations

import asyncio
import socket
from http import HTTPStatus
from typing import TYPE_CHECKING

import httpx

from aurashot._url_policy import is_public_address

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

LIMIT = 20 * 1024 * 1024
"""The maximum size in bytes, as received."""

_TIMEOUT = 20.0  # seconds for each step
TOTAL = 30.0
"""Seconds for all of them."""


async def resolve(host: str) -> list[str]:
    """Return the IP addresses of a host name."""
    found = await asyncio.get_running_loop().getaddrinfo(host, 443, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


class Fetcher:
    """Download an image; tests pass `transport` and `lookup`."""

    def __init__(
        self,
        *,
        lookup: Callable[[str], Awaitable[list[str]]] = resolve,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._lookup = lookup
        self._transport = transport

    async def __call__(self, url: str) -> bytes:
        """Return the content of an https URL that the rules for references allow.

        Raises:
            ValueError: It resolves to a private address, is too large, or cannot be downloaded.
        """
        try:
            async with asyncio.timeout(TOTAL):
                return await self._get(httpx.URL(url))
        except TimeoutError:
            raise ValueError(f"could not be fetched in {TOTAL:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise ValueError(f"could not be fetched ({type(error).__name__})") from error

    async def _get(self, url: httpx.URL) -> bytes:
        addresses = await self._lookup(url.host)
        if not addresses or not all(map(is_public_address, addresses)):
            raise ValueError("must resolve to a public address")
        # Connect to the address that was checked: the name may resolve to another one the next time.
        pinned = url.copy_with(host=addresses[0])
        headers = {"Host": url.netloc.decode("ascii"), "Accept-Encoding": "identity"}
        async with (
            httpx.AsyncClient(transport=self._transport, trust_env=False, timeout=_TIMEOUT) as client,
            client.stream(
                "GET", pinned, headers=headers, extensions={"sni_hostname": url.raw_host.decode()}
            ) as response,
        ):
            if response.status_code != HTTPStatus.OK:
                raise ValueError(f"could not be fetched (HTTP {response.status_code})")
            return await _read(response)


async def _read(response: httpx.Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > LIMIT:
            raise ValueError(f"is larger than {LIMIT // 1024**2} MiB")
    return bytes(body)
