"""Plain http over a given httpx client: what can be seen of where it goes.

The SDK's own engine connects to checked addresses. A given client resolves names by itself, so here its proxies, and
the connections of httpx's own transports, are looked at before a request is sent. A name that aiohttp resolves is
resolved and checked beforehand.
"""

from __future__ import annotations

import urllib.request
from typing import TYPE_CHECKING, Any, Final

import httpcore

from aurashot._engine import resolved_async
from aurashot._url_policy import ip_literal
from aurashot.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from aurashot._engine import Reach

_PROXIES: Final = (
    httpcore.HTTPProxy,
    httpcore.AsyncHTTPProxy,
    httpcore.SOCKSProxy,
    httpcore.AsyncSOCKSProxy,
)


def transport_of(client: Any, url: httpx.URL) -> object:
    """Return the transport for a URL: a proxy's, or the default one; httpx keeps it private."""
    find: Any = getattr(client, "_transport_for_url", None)
    return None if find is None else find(url)


def check_no_proxy(transport: object, url: httpx.URL) -> None:
    """Check that a transport sends directly to a URL that has plain http.

    Raises:
        ConfigurationError: It sends through a proxy, which would see the key.
    """
    if url.scheme == "http" and _uses_proxy(transport, url):
        raise ConfigurationError(
            "http_client= would send plain http through a proxy, which could read the key; make the httpx client with "
            "trust_env=False or without proxy="
        )


def _uses_proxy(transport: Any, url: httpx.URL) -> bool:
    pool = getattr(transport, "_pool", None)
    if isinstance(pool, _PROXIES) or getattr(pool, "_proxy", None) is not None:
        return True
    session = getattr(transport, "client", None)  # of aiohttp
    if getattr(transport, "proxy", None) is not None or getattr(session, "_default_proxy", None) is not None:
        return True
    return getattr(session, "trust_env", False) is True and _is_proxied_by_environment(url)


def _is_proxied_by_environment(url: httpx.URL) -> bool:
    return "http" in urllib.request.getproxies() and not urllib.request.proxy_bypass(url.host)


def check_connections(transport: Any, url: httpx.URL, reach: Reach) -> None:
    """Check the connections of httpx's own transport to a host, one of which a request is about to be sent on.

    Raises:
        RefusedAddressError: One leads to an address that plain http must not be sent to.
    """
    for address in _peers(getattr(transport, "_pool", None), url):
        if not reach.contains(address):
            raise reach.refusal(url.host, address, reach.wanted)


def _peers(pool: Any, url: httpx.URL) -> Iterator[str]:
    origin = httpcore.Origin(url.raw_scheme, url.raw_host, url.port or 80)
    for connection in getattr(pool, "connections", ()):
        stream = getattr(getattr(connection, "_connection", None), "_network_stream", None)
        if stream is not None and connection.can_handle_request(origin):
            peer = stream.get_extra_info("server_addr")
            if isinstance(peer, tuple):  # that of a Unix socket is text
                yield str(peer[0])  # pyright: ignore[reportUnknownArgumentType] - of the operating system


async def check_name(transport: object, url: httpx.URL, reach: Reach, timeout: float) -> None:
    """Check the addresses of a name that aiohttp is about to resolve once more.

    Raises:
        RefusedAddressError: One is an address that plain http must not be sent to.
    """
    if type(transport).__module__.partition(".")[0] != "httpx_aiohttp" or getattr(transport, "uds", None):
        return
    host = url.host
    for address in [host] if ip_literal(host) else await resolved_async(host, url.port or 80, timeout):
        if not reach.contains(address):
            raise reach.refusal(url.host, address, reach.wanted)
