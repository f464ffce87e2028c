"""The server over standard input and output, as local clients start it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import anyio
from mcp.server.stdio import stdio_server

from aurashot.mcp._server import create_server

if TYPE_CHECKING:
    from aurashot.mcp._settings import ServerSettings


def run_stdio(settings: ServerSettings | None = None) -> None:
    """Serve one client over standard input and output, until its end.

    Calls that are under way then are awaited for `settings.grace` seconds. What is left is `unknown` in the ledger, and
    can be asked for with its key after the next start.

    Args:
        settings: The folders, the cap and the rest; the defaults otherwise.

    Raises:
        ConfigurationError: A folder or a value cannot be used.
        LedgerError: The ledger cannot be used.
    """
    server = create_server(settings)

    async def serve() -> None:
        async with stdio_server() as (received, sent):
            await server.run(received, sent, server.create_initialization_options())

    anyio.run(serve)
    sys.stdout.flush()
