"""The middleware that applies faults, and the protocol class that gives it access to connections."""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from uvicorn.protocols.http.h11_impl import H11Protocol

from aurashot.sandbox._errors import REQUEST_ID_HEADER, ApiError, error_body, request_id
from aurashot.sandbox._faults import FAULT_HEADER, Response, parse
from aurashot.sandbox._limits import discard_body
from aurashot.sandbox._scenarios import DRIFT, TABLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from aurashot.sandbox._emulator import Emulator
    from aurashot.sandbox._faults import ChosenFault, End, OperationName

CONTROL_PREFIX = "/_sandbox/"
_TRANSPORT = "aurashot.sandbox.transport"
# l_onoff=1, l_linger=0: closing sends RST; the fields are shorts on Windows
_LINGER = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)

OPERATIONS: Mapping[str, OperationName] = {
    "/v1/uploads": "upload",
    "/v1/character/id-photo": "id-photo",
    "/v1/character/generate": "generate",
    "/v1/character/edit": "edit",
    "/api/aesthetic/generate": "workflow",
    "/api/aesthetic/query": "query",
}
"""The operation of a path; every other path is `file`."""


class FaultyProtocol(H11Protocol):
    """uvicorn's HTTP/1.1 protocol, which gives the application access to the connection of a request."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        inner = cast("ASGIApp", self.app)

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            scope[_TRANSPORT] = self.transport
            # Only the server's shutdown cancels this, after it closed the connection: no client is left to respond to.
            with suppress(asyncio.CancelledError):
                await inner(scope, receive, send)

        self.app = cast("Any", app)


class FaultMiddleware:
    """Apply the fault in a request's header, or the one that a rule selects for the request."""

    def __init__(self, app: ASGIApp, emulator: Emulator) -> None:
        self._app = app
        self._emulator = emulator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or apply its fault; faults do not apply to the control endpoints."""
        path = scope.get("path", "").removeprefix(scope.get("root_path", ""))
        if scope["type"] != "http" or path.startswith(CONTROL_PREFIX):
            return await self._app(scope, receive, send)
        try:
            chosen = self._choose(scope, path)
        except ValueError as error:
            return await _refuse(ApiError(400, "unknown_fault", f"{error}."), scope, receive, send)
        if chosen is None:
            return await self._app(scope, receive, send)
        if chosen.fault.needs_connection and _TRANSPORT not in scope:
            message = f"The fault {chosen.fault.name!r} needs a connection: use sandbox.serve()."
            return await _refuse(ApiError(409, "no_connection", message), scope, receive, send)
        return await self._play(chosen, scope, receive, send)

    def _choose(self, scope: Scope, path: str) -> ChosenFault | None:
        named = Headers(scope=scope).get(FAULT_HEADER)
        if named is not None:
            return parse(named, TABLE)
        return self._emulator.choose_fault(OPERATIONS.get(path, "file"))

    async def _play(self, chosen: ChosenFault, scope: Scope, receive: Receive, send: Send) -> None:
        fault, parameters = chosen.fault, chosen.parameters
        if fault is DRIFT:
            scope.setdefault("state", {})["drifts"] = True
        if fault.worked:
            response = await _work(self._app, scope, receive)
        else:
            response = Response(HTTPStatus.OK, ((REQUEST_ID_HEADER.encode(), request_id(scope).encode()),))
            if fault.end != "reset":
                await discard_body(receive, await receive())
        if fault.response is not None:
            await _send(await asyncio.to_thread(fault.response, response, parameters), send)
        if not fault.needs_connection:
            return
        transport: asyncio.Transport = scope[_TRANSPORT]
        await _write(fault.wire(response, parameters), transport)
        if fault.end == "refuse":
            await self._emulator.refuse(float(parameters["for"]))
        await _end(fault.end, transport, receive)


async def _work(app: ASGIApp, scope: Scope, receive: Receive) -> Response:
    """Run the application and return its response without sending it."""
    messages: list[Message] = []

    async def keep(message: Message) -> None:
        messages.append(message)

    await app(scope, receive, keep)
    start, *pieces = messages
    return Response(start["status"], tuple(start["headers"]), b"".join(piece.get("body", b"") for piece in pieces))


async def _send(response: Response, send: Send) -> None:
    await send({"type": "http.response.start", "status": response.status, "headers": list(response.headers)})
    await send({"type": "http.response.body", "body": response.body})


async def _write(pieces: Iterator[bytes | float], transport: asyncio.Transport) -> None:
    for piece in pieces:
        if transport.is_closing():
            return
        if isinstance(piece, bytes):
            transport.write(piece)
        else:
            await asyncio.sleep(piece)


async def _end(end: End, transport: asyncio.Transport, receive: Receive) -> None:
    if end == "open":
        return
    if end == "reset":
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
        transport.abort()
    elif end != "hold":
        transport.close()
    # uvicorn treats a return without a response as an error until it has noticed that the connection is closed.
    while (await receive())["type"] != "http.disconnect":
        pass


async def _refuse(error: ApiError, scope: Scope, receive: Receive, send: Send) -> None:
    await discard_body(receive, await receive())
    identifier = request_id(scope)
    body = error_body(error.code, error.message, identifier)
    await JSONResponse(body, error.status, {REQUEST_ID_HEADER: identifier})(scope, receive, send)
