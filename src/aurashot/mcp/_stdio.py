"""The server over standard input and output, as local clients start it."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, Final

import anyio
from mcp.server.stdio import stdio_server

from aurashot.mcp._server import server_of
from aurashot.mcp._settings import ServerSettings
from aurashot.mcp._workspace import Workspace

if TYPE_CHECKING:
    from mcp.server import Server

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_OF_A_SIGNAL: Final = 128
"""What shells add to the number of a signal."""


def run_stdio(settings: ServerSettings | None = None) -> None:
    """Serve one client over standard input and output, until its end, Ctrl-C or SIGTERM.

    Calls that are under way then are awaited for `settings.grace` seconds. What is left is `unknown` in the ledger, and
    can be asked for with its key after the next start.

    Args:
        settings: The folders, the cap and the rest; the defaults otherwise.

    Raises:
        ConfigurationError: A folder or a value cannot be used.
        LedgerError: The ledger cannot be used.
    """
    workspace = Workspace(settings or ServerSettings())
    try:
        anyio.run(_serve, workspace, server_of(workspace))
    except* (BrokenPipeError, ConnectionResetError):  # the client is gone, as at the end of its input
        pass


async def _serve(workspace: Workspace, server: Server[Workspace]) -> None:
    async with anyio.create_task_group() as tasks:
        if sys.platform != "win32":
            tasks.start_soon(_end_on_a_signal, workspace)
        async with stdio_server() as (received, sent):
            await server.run(received, sent, server.create_initialization_options())
        tasks.cancel_scope.cancel()


async def _end_on_a_signal(workspace: Workspace) -> None:
    """End the process when a signal comes.

    A thread that reads standard input cannot be interrupted, and Python would wait for it. The ledger is on the disk.
    """
    with anyio.open_signal_receiver(*_SIGNALS) as signals:
        async for number in signals:
            await workspace.end()
            os._exit(_OF_A_SIGNAL + number)
