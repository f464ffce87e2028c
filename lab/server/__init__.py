"""A scripted HTTP server for tests, and ports on which nothing listens."""

from lab.server.certificates import ca_file, server_file, server_tls
from lab.server.connection import Connection, Request
from lab.server.ports import closed_port, wait_until
from lab.server.responses import (
    CLOSE,
    GENERATION,
    HOLD,
    RESET,
    START_TLS,
    Action,
    Response,
    body,
    chunked,
    contract,
    headers_only,
    json_response,
    redirect,
    status,
    unbounded,
)
from lab.server.server import HOST, ScriptedServer, Server

__all__ = [
    "CLOSE",
    "GENERATION",
    "HOLD",
    "HOST",
    "RESET",
    "START_TLS",
    "Action",
    "Connection",
    "Request",
    "Response",
    "ScriptedServer",
    "Server",
    "body",
    "ca_file",
    "chunked",
    "closed_port",
    "contract",
    "headers_only",
    "json_response",
    "redirect",
    "server_file",
    "server_tls",
    "status",
    "unbounded",
    "wait_until",
]
