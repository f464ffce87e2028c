"""Size limits of requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import HTTPException

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

MIB = 1024 * 1024
UPLOAD_LIMIT = 100 * MIB
JSON_LIMIT = MIB


class BodyLimit:
    """ASGI middleware that responds with 413 to a body over the limit, with or without a Content-Length."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count the bytes of a body while the application reads it."""
        limit = UPLOAD_LIMIT if scope.get("path", "").endswith("/v1/uploads") else JSON_LIMIT
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                await discard_body(receive, message)
                raise HTTPException(413, f"The body is larger than {limit / MIB:g} MiB")
            return message

        await self._app(scope, counted, send)


async def discard_body(receive: Receive, message: Message) -> None:
    """Read the rest of a body: closing a socket with unread bytes resets it, and the response would be lost."""
    while message.get("more_body", False):
        message = await receive()
