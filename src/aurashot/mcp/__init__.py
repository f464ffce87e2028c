"""An MCP server: the SDK's operations as tools of an agent, with a spend cap that the agent cannot change.

    from aurashot.mcp import ServerSettings, run_stdio

    run_stdio(ServerSettings(max_images=20, per="day"))

`aurashot mcp` does this. Every paid call is recorded in a ledger before it is sent, so that a repeated call never pays
twice. It needs the extra `mcp`.
"""

from typing import TYPE_CHECKING

from aurashot import _late

if TYPE_CHECKING:
    from aurashot.mcp._http import http_app, run_http
    from aurashot.mcp._server import create_server
    from aurashot.mcp._settings import ServerSettings
    from aurashot.mcp._stdio import run_stdio

__all__ = ["ServerSettings", "create_server", "http_app", "run_http", "run_stdio"]

_HOMES = {
    "ServerSettings": "aurashot.mcp._settings",
    "create_server": "aurashot.mcp._server",
    "http_app": "aurashot.mcp._http",
    "run_http": "aurashot.mcp._http",
    "run_stdio": "aurashot.mcp._stdio",
}


if not TYPE_CHECKING:  # for type checkers, only real names exist

    def __getattr__(name: str) -> object:
        return _late.named(__name__, name, _HOMES)


def __dir__() -> list[str]:
    return _late.listed(__name__, _HOMES)
