"""Connection slots: the connections that carry requests.

A slot is one connection and nothing else. A request takes an idle slot or makes one; the slot is returned after a clean
response and discarded after an error or a cancellation. So the cost of a call does not grow with the number of
calls (httpcore scans its whole pool for each), a cancelled call cannot leak a place in a pool, and a stale response
cannot reach the next call. One that was idle for too long is closed by a timer.

Connections belong to one process and one event loop: after `fork()`, or in another loop, a request connects anew.
"""

from typing import TYPE_CHECKING

from aurashot import _late
from aurashot._engine._proxies import DownloadProxy, Proxy, download_proxy, environment_proxy

if TYPE_CHECKING:
    from aurashot._engine._async import AsyncEngine, AsyncResponseStream
    from aurashot._engine._environment import check_context, ssl_context
    from aurashot._engine._lasting import keep_readable
    from aurashot._engine._log import SECRET_HEADERS, redact_details
    from aurashot._engine._network import CONNECT_TIMEOUT, Outgoing
    from aurashot._engine._public import (
        AsyncCheckedNetwork,
        AsyncPublicNetwork,
        CheckedNetwork,
        DistantAddressError,
        PublicNetwork,
        Reach,
        RefusedAddressError,
        http_reach,
        resolved_async,
    )
    from aurashot._engine._slots import Route, headers_of
    from aurashot._engine._sync import Engine, ResponseStream

__all__ = [
    "CONNECT_TIMEOUT",
    "SECRET_HEADERS",
    "AsyncCheckedNetwork",
    "AsyncEngine",
    "AsyncPublicNetwork",
    "AsyncResponseStream",
    "CheckedNetwork",
    "DistantAddressError",
    "DownloadProxy",
    "Engine",
    "Outgoing",
    "Proxy",
    "PublicNetwork",
    "Reach",
    "RefusedAddressError",
    "ResponseStream",
    "Route",
    "check_context",
    "download_proxy",
    "environment_proxy",
    "headers_of",
    "http_reach",
    "keep_readable",
    "redact_details",
    "resolved_async",
    "ssl_context",
]

_HOMES = {
    "CONNECT_TIMEOUT": "aurashot._engine._network",
    "SECRET_HEADERS": "aurashot._engine._log",
    "AsyncCheckedNetwork": "aurashot._engine._public",
    "AsyncEngine": "aurashot._engine._async",
    "AsyncPublicNetwork": "aurashot._engine._public",
    "AsyncResponseStream": "aurashot._engine._async",
    "CheckedNetwork": "aurashot._engine._public",
    "DistantAddressError": "aurashot._engine._public",
    "Engine": "aurashot._engine._sync",
    "Outgoing": "aurashot._engine._network",
    "PublicNetwork": "aurashot._engine._public",
    "Reach": "aurashot._engine._public",
    "RefusedAddressError": "aurashot._engine._public",
    "ResponseStream": "aurashot._engine._sync",
    "Route": "aurashot._engine._slots",
    "check_context": "aurashot._engine._environment",
    "headers_of": "aurashot._engine._slots",
    "http_reach": "aurashot._engine._public",
    "keep_readable": "aurashot._engine._lasting",
    "redact_details": "aurashot._engine._log",
    "resolved_async": "aurashot._engine._public",
    "ssl_context": "aurashot._engine._environment",
}


if not TYPE_CHECKING:  # for type checkers, only real names exist

    def __getattr__(name: str) -> object:
        return _late.named(__name__, name, _HOMES)


def __dir__() -> list[str]:
    return _late.listed(__name__, _HOMES)
