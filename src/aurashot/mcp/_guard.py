"""Who may use the server over HTTP: programs with the token, and no page that a browser shows."""

from __future__ import annotations

import hmac
import ipaddress
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse

if TYPE_CHECKING:
    from collections.abc import Collection

    from starlette.types import ASGIApp, Receive, Scope, Send

_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_SCHEME: Final = "bearer "


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def names_of(allowed: Collection[str]) -> frozenset[str]:
    """Return the hosts that a `Host` header may name, in lower case."""
    return _LOOPBACK | {host.lower().strip("[]").rstrip(".") for host in allowed}


class Guard:
    """ASGI middleware that refuses requests with a foreign `Host` or `Origin`, or without the token.

    A page from anywhere can make a browser send requests to loopback, under a name of its own (DNS rebinding); both
    headers then say so.

    Args:
        app: What is guarded.
        token: The bearer token; None for none.
        hosts: The hosts that the headers may name.
    """

    def __init__(self, app: ASGIApp, token: str | None, hosts: frozenset[str]) -> None:
        self._app = app
        self._token = None if token is None else token.encode()
        self._hosts = hosts

    def __repr__(self) -> str:
        return f"{type(self).__name__}(hosts={sorted(self._hosts)})"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a request, or pass it on."""
        fault = self._fault(Headers(scope=scope)) if scope["type"] == "http" else None
        if fault is None:
            await self._app(scope, receive, send)
            return
        status, message = fault
        headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
        await JSONResponse({"error": message}, status, headers)(scope, receive, send)

    def _fault(self, headers: Headers) -> tuple[int, str] | None:
        if not self._is_ours(f"//{headers.get('host', '')}"):
            return 421, "The Host header names another server; start this one with --allow-host NAME"
        origin = headers.get("origin")
        if origin is not None and not self._is_ours(origin):
            return 403, "Pages of other origins cannot use this server; call it from a program"
        if not self._is_authorized(headers.getlist("authorization")):
            return 401, "The bearer token is missing or wrong; send Authorization: Bearer with the server's token"
        return None

    def _is_ours(self, url: str) -> bool:
        try:
            name = urlsplit(url).hostname
        except ValueError:
            return False
        return name is not None and name.rstrip(".") in self._hosts

    def _is_authorized(self, sent: list[str]) -> bool:
        if self._token is None:
            return True
        if len(sent) != 1 or not sent[0].lower().startswith(_SCHEME):
            return False
        return hmac.compare_digest(sent[0][len(_SCHEME) :].strip().encode(), self._token)
