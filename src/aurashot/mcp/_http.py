"""The server over streamable HTTP, for clients of other programs and machines."""

from __future__ import annotations

import socket
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import uvicorn
from mcp.server.transport_security import TransportSecuritySettings

from aurashot._reasons import reason_of
from aurashot.errors import ConfigurationError
from aurashot.mcp._guard import Guard, is_loopback, names_of
from aurashot.mcp._server import create_server

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from starlette.types import ASGIApp

    from aurashot.mcp._settings import ServerSettings

PATH: Final = "/mcp"
SHORTEST_TOKEN: Final = 16
"""Characters of a bearer token."""
_BACKLOG: Final = 128
_PATIENCE: Final = 1
"""Seconds that open connections have to end by themselves when the server stops."""

_WARNING: Final = "there is no token: every program of this machine can use the server and spend money"


def http_app(
    settings: ServerSettings | None = None, *, token: str | None = None, allowed_hosts: Collection[str] = ()
) -> ASGIApp:
    """Return the server as an ASGI application, with its endpoint at `/mcp`. Its lifespan has to be run.

    Requests need a `Host` header that names loopback or an allowed host, no `Origin` or one of these hosts, and, if
    there is a token, `Authorization: Bearer …` with it.

    Args:
        settings: The folders, the cap and the rest; the defaults otherwise.
        token: The bearer token; None for none, which lets in every program that reaches the server.
        allowed_hosts: Names, without a port, by which clients reach the server, beside those of loopback.

    Raises:
        ConfigurationError: A folder, a value or the token cannot be used.
        LedgerError: The ledger cannot be used.
    """
    _check_token(token)
    app = create_server(settings).streamable_http_app(
        streamable_http_path=PATH,
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),  # Guard does it
    )
    return Guard(app, token, names_of(allowed_hosts))


def run_http(
    settings: ServerSettings | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = 8788,
    token: str | None = None,
    allowed_hosts: Collection[str] = (),
    ready: Callable[[str], object] | None = None,
) -> None:
    """Serve over streamable HTTP until Ctrl-C or SIGTERM.

    Args:
        settings: The folders, the cap and the rest; the defaults otherwise.
        host: The address to listen on.
        port: The TCP port; 0 uses a free one.
        token: The bearer token that clients have to send; required unless the address is loopback.
        allowed_hosts: Names, without a port, by which clients reach the server, beside `host` and those of loopback.
        ready: Called with the URL of the endpoint once the server is ready.

    Raises:
        ConfigurationError: The port is in use, a token is required, or a folder or a value cannot be used.
        LedgerError: The ledger cannot be used.
    """
    if token is None and not is_loopback(host):
        raise ConfigurationError(
            f"A server on {host} can be reached by others, who would spend your money; set AURASHOT_MCP_TOKEN to a "
            "long random token, or listen on 127.0.0.1"
        )
    app = http_app(settings, token=token, allowed_hosts=[host, *allowed_hosts])
    with _listen(host, port) as listener:
        if token is None:
            sys.stderr.write(f"warning: {_WARNING}\n")  # the log is silent unless it is asked for
        config = uvicorn.Config(
            app,
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=_PATIENCE,
        )
        with suppress(KeyboardInterrupt):  # uvicorn stops cleanly on Ctrl-C, then raises it again
            _Server(config, lambda: ready(_url(listener)) if ready else None).run([listener])


class _Server(uvicorn.Server):
    """uvicorn's server, which says when it is ready."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], object]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the server and signal that it is ready."""
        await super().startup(sockets)
        if self.started:
            self._ready()


def _check_token(token: str | None) -> None:
    if token is None:
        return
    if len(token) < SHORTEST_TOKEN or not token.isascii() or not token.isprintable() or " " in token:
        raise ConfigurationError(
            f"The token must have at least {SHORTEST_TOKEN} printable ASCII characters without spaces; make one with: "
            'python -c "import secrets; print(secrets.token_urlsafe(32))"'
        )


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        host.encode("idna")  # for a host that cannot be a name, `create_server` would leave a socket open
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except (OSError, UnicodeError) as error:
        raise ConfigurationError(
            f"The server cannot listen on port {port} of {host} ({reason_of(error)}); choose another with --port"
        ) from error


def _url(listener: socket.socket) -> str:
    host, port, *_ = listener.getsockname()
    return f"http://[{host}]:{port}{PATH}" if ":" in host else f"http://{host}:{port}{PATH}"
