"""The ASGI application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import FastAPI

from aurashot import __version__
from aurashot.sandbox import _control, _errors, _legacy, _routes
from aurashot.sandbox._emulator import Emulator, Settings
from aurashot.sandbox._faulty import FaultMiddleware
from aurashot.sandbox._limits import BodyLimit

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_DESCRIPTION = """\
A local emulator of the AuraShot service: its HTTP API, its bill and its faults. No model is behind it; its images are
drawn and marked SANDBOX. Any request to the API can be made to fail with the header `X-Sandbox-Fault: NAME`;
`GET /_sandbox/faults` lists the names.
"""


class RequestIds:
    """ASGI middleware that puts the identifier of a request into a header of its response."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add `x-request-id` where the response has none yet."""
        header = (_errors.REQUEST_ID_HEADER.encode(), _errors.request_id(scope).encode())

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start" and header not in message["headers"]:
                message["headers"] = [*message["headers"], header]
            await send(message)

        await self._app(scope, receive, named)


def create_app(
    *,
    quota: int | None = None,
    latency: float = 0.0,
    polls: int = 1,
    fetch: bool = False,
    seed: int = 0,
) -> FastAPI:
    """Return the sandbox as an ASGI application, to mount or to call in-process.

    Faults of the connection need `serve`, which owns one. Images are stored in a temporary folder that is
    removed with the application.

    Args:
        quota: Images for each key before 402; None for no limit.
        latency: Seconds that a generation takes, in addition to drawing.
        polls: How many polls of a legacy job return `processing`.
        fetch: Download public references; otherwise each is replaced by a drawn portrait.
        seed: Decides which portrait replaces a URL and which requests a share of faults hits.
    """
    from aurashot.sandbox._fetch import Fetcher

    app = FastAPI(
        title="AuraShot sandbox",
        version=__version__,
        description=_DESCRIPTION,
        docs_url=None,  # both pages load scripts from elsewhere, and the sandbox stays on this machine
        redoc_url=None,
        redirect_slashes=False,
    )
    settings = Settings(quota=quota, latency=latency, polls=polls, seed=seed)
    emulator = Emulator(settings, fetch=Fetcher() if fetch else None)
    app.state.emulator = emulator
    app.state.jobs = {}
    for router in (_routes.keyed, _legacy.router, _routes.files, _control.router):
        app.include_router(router)
    _errors.install(app)
    app.add_middleware(BodyLimit)
    app.add_middleware(RequestIds)
    app.add_middleware(FaultMiddleware, emulator=emulator)
    return app
