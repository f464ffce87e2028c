"""A scripted HTTP server for tests, and ports on which nothing listens."""

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
from lab.server.server import CERTIFICATE, HOST, ScriptedServer, Server, server_tls

__all__ = [
    "CERTIFICATE",
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
    "chunked",
    "closed_port",
    "contract",
    "headers_only",
    "json_response",
    "redirect",
    "server_tls",
    "status",
    "unbounded",
    "wait_until",
]
