"""A server that does to a request whatever its script says."""

from tests.servers.replies import (
    CLOSE,
    GENERATION,
    HOLD,
    RESET,
    START_TLS,
    Action,
    Reply,
    body,
    chunked,
    contract,
    headers_only,
    json_reply,
    redirect,
    status,
    unbounded,
)
from tests.servers.scripted import CERTIFICATE, Request, ScriptedServer, closed_port, server_tls, wait_until

__all__ = [
    "CERTIFICATE",
    "CLOSE",
    "GENERATION",
    "HOLD",
    "RESET",
    "START_TLS",
    "Action",
    "Reply",
    "Request",
    "ScriptedServer",
    "body",
    "chunked",
    "closed_port",
    "contract",
    "headers_only",
    "json_reply",
    "redirect",
    "server_tls",
    "status",
    "unbounded",
    "wait_until",
]
