"""Who may call the sandbox: programs, and pages of its own origin; no other page that a browser on this machine shows.

A page from anywhere can send requests to a port of loopback. Two checks keep it out. The Host header has to be an IP
address, a name that no public DNS can give (DNS rebinding gives a page's own name the address of loopback), or a name
that was allowed. And a request that a browser marks as coming from another origin may read images, and nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from fastapi.responses import JSONResponse
from starlette.datastructures import Headers

from aurashot._url_policy import ip_literal
from aurashot.sandbox._errors import REQUEST_ID_HEADER, error_body, request_id

if TYPE_CHECKING:
    from collections.abc import Collection

    from starlette.types import ASGIApp, Receive, Scope, Send

_LOCAL_SUFFIXES: Final = (".localhost", ".internal", ".test")
"""Names that are reserved, so that no public DNS answers for them: RFC 6761, and ICANN for `.internal`."""
_SAFE_METHODS: Final = {"GET", "HEAD"}
_OWN_SITES: Final = {"none", "same-origin"}


class Guard:
    """ASGI middleware that responds with 403 to what comes from a page of another origin.

    Args:
        allowed_hosts: Further names of this sandbox.
    """

    def __init__(self, app: ASGIApp, allowed_hosts: Collection[str]) -> None:
        self._app = app
        self._allowed = {host.lower().rstrip(".") for host in allowed_hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a request, or pass it on."""
        fault = self._fault(scope, Headers(scope=scope)) if scope["type"] == "http" else None
        if fault is None:
            await self._app(scope, receive, send)
            return
        identifier = request_id(scope)
        body = error_body("forbidden", fault, identifier)
        await JSONResponse(body, 403, {REQUEST_ID_HEADER: identifier})(scope, receive, send)

    def _fault(self, scope: Scope, headers: Headers) -> str | None:
        host = headers.get("host", "")
        if not self._is_own(host):
            return f"The host {host!r} is not one of this sandbox; start it with --allow-host, or use its IP address."
        is_image = scope["method"] in _SAFE_METHODS and "/_sandbox/" not in scope["path"]
        if is_image or not _is_cross_origin(headers, host):
            return None
        return "A page of another origin cannot use this sandbox; call it from a program."

    def _is_own(self, host: str) -> bool:
        try:
            name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
        except ValueError:
            return False
        is_local = "." not in name or name.endswith(_LOCAL_SUFFIXES)
        return ip_literal(name) is not None or is_local or name in self._allowed


def _is_cross_origin(headers: Headers, host: str) -> bool:
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    is_other = origin is not None and urlsplit(origin).netloc.lower() != host.lower()
    return is_other or (site is not None and site not in _OWN_SITES)
