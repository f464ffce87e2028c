"""Responses of the scripted server.

A response is a sequence of actions: bytes to send, seconds to wait, and how to end the connection. Without an action
that ends it, the connection is kept alive.
"""

from __future__ import annotations

import json
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping


class _Action(Enum):
    CLOSE = "close the connection with FIN"
    RESET = "close the connection with RST"
    HOLD = "send nothing until the client closes the connection"
    START_TLS = "start TLS, as after CONNECT to a proxy"


CLOSE: Final = _Action.CLOSE
RESET: Final = _Action.RESET
HOLD: Final = _Action.HOLD
START_TLS: Final = _Action.START_TLS

Action: TypeAlias = bytes | float | _Action
Response: TypeAlias = tuple[Action, ...]

GENERATION: Final[Mapping[str, Any]] = {
    "requestId": "6f1c0d0e-0000-4000-8000-000000000001",
    "jobId": "6f1c0d0e-0000-4000-8000-000000000002",
    "taskType": "generate",
    "status": "success",
    "outputs": [{"url": "https://cdn.aurashot.art/o/1.png", "type": "image"}],
    "pipeline": {"provider": "qwen-image-edit", "status": "success"},
    "tokenUsage": {"inputTokens": 0, "outputTokens": 1234},
    "createdAt": "2026-03-16T09:00:00Z",
}
JOB: Final[Mapping[str, Any]] = {
    "workflow": "virtual_try_on",
    "taskId": "task-1",
    "executionId": "run-1",
    "status": "success",
    "completed": True,
    "images": ["https://cdn.aurashot.art/o/2.png"],
    "results": [{"status": "Success", "image": "https://cdn.aurashot.art/o/2.png", "progress": None, "error": None}],
}
UPLOAD: Final[Mapping[str, Any]] = {"url": "https://cdn.aurashot.art/u/1.jpg"}


def headers_only(code: int = 200, /, **headers: object) -> bytes:
    """Return a status line and headers; underscores in names become hyphens."""
    lines = (f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {code} Scripted\r\n{''.join(lines)}\r\n".encode()


def body(content: bytes, media_type: str = "application/json", code: int = 200, /, **headers: object) -> bytes:
    """Return a response with Content-Length."""
    return headers_only(code, content_type=media_type, content_length=len(content), **headers) + content


def chunked(content: bytes, media_type: str = "application/json") -> bytes:
    """Return a chunked response with one chunk."""
    head = headers_only(content_type=media_type, transfer_encoding="chunked")
    return head + b"%x\r\n%s\r\n0\r\n\r\n" % (len(content), content)


def unbounded(content: bytes, media_type: str = "application/json") -> bytes:
    """Return a response without Content-Length, which ends when the connection is closed."""
    return headers_only(content_type=media_type, connection="close") + content


def json_response(value: object, code: int = 200, /, **headers: object) -> Response:
    """Return a JSON response that keeps the connection alive."""
    return (body(json.dumps(value).encode(), "application/json", code, **headers),)


def status(code: int, /, details: str = "", **headers: object) -> Response:
    """Return an error response with an error code in its body."""
    return json_response({"error": {"code": details, "message": f"scripted {code}"}}, code, **headers)


def redirect(to: str, code: int = 307) -> Response:
    """Return a redirect."""
    return (body(b"", "text/plain", code, location=to),)


def contract(path: str) -> Response:
    """Return the documented response of an endpoint."""
    if path.endswith("/v1/uploads"):
        return json_response(UPLOAD)
    return json_response(JOB if "/api/aesthetic/" in path else GENERATION)
