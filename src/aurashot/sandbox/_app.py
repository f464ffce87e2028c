"""The ASGI application."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from fastapi import FastAPI

from aurashot import __version__
from aurashot.errors import InputError
from aurashot.sandbox import _control, _errors, _legacy, _routes
from aurashot.sandbox._emulator import Emulator, Settings
from aurashot.sandbox._faulty import FaultMiddleware
from aurashot.sandbox._guard import Guard
from aurashot.sandbox._limits import BodyLimit

if TYPE_CHECKING:
    from collections.abc import Collection

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_DESCRIPTION = """\
A local emulator of the AuraShot service: its HTTP API, its billing and its faults. No model is involved; its images are
drawn and marked SANDBOX. Any request to the API can be made to fail with the header `X-Sandbox-Fault: NAME`;
`GET /_sandbox/faults` lists the names.
"""


class RequestIds:
    """ASGI middleware that adds the request id to the headers of each response."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add `x-request-id` if the response does not have one."""
        header = (_errors.REQUEST_ID_HEADER.encode(), _errors.request_id(scope).encode())

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start" and header not in message["headers"]:
                message["headers"] = [*message["headers"], header]
            await send(message)

        await self._app(scope, receive, named)


def checked_share(drift: float) -> float:
    """Return the share of images that drift.

    Raises:
        InputError: It is not between 0 and 1.
    """
    given = cast("object", drift)
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 <= given <= 1:
        raise InputError(f"drift: a number from 0 to 1 is needed, not {drift!r}", argument="drift")
    return drift


def create_app(
    *,
    quota: int | None = None,
    latency: float = 0.0,
    polls: int = 1,
    fetch: bool = False,
    seed: int = 0,
    drift: float = 0.0,
    allowed_hosts: Collection[str] = (),
) -> FastAPI:
    """Return the sandbox as an ASGI application, to mount or to call in-process.

    Connection faults need `serve`, which controls the connections. Images are stored in a temporary folder that is
    removed with the application.

    Args:
        quota: Images per key before requests fail with 402; None for no limit.
        latency: Seconds to wait for each image, in addition to the time that drawing it takes.
        polls: How many polls of a legacy job return `processing`.
        fetch: Download public references; otherwise each is replaced by a drawn portrait.
        seed: Determines which portrait replaces a URL and which requests a partial fault applies to.
        drift: The share of images, 0 to 1, that show another person, as those of generators do.
        allowed_hosts: Names with a dot by which clients reach it. IP addresses, names without a dot, and those that end
            in `.localhost`, `.internal` or `.test` need not be named; any other name in a `Host` header gets 403.

    Raises:
        InputError: `latency` or `drift` is out of range.
    """
    from aurashot.sandbox._fetch import Fetcher

    app = FastAPI(
        title="AuraShot sandbox",
        version=__version__,
        description=_DESCRIPTION,
        docs_url=None,  # both pages load scripts from a CDN, and the sandbox works offline
        redoc_url=None,
        redirect_slashes=False,
    )
    settings = Settings(quota=quota, latency=latency, polls=polls, seed=seed, drift=checked_share(drift))
    emulator = Emulator(settings, fetch=Fetcher() if fetch else None)
    app.state.emulator = emulator
    app.state.jobs = {}
    for router in (_routes.keyed, _legacy.router, _routes.files, _control.router):
        app.include_router(router)
    _errors.install(app)
    app.add_middleware(BodyLimit)
    app.add_middleware(RequestIds)
    app.add_middleware(FaultMiddleware, emulator=emulator)
    app.add_middleware(Guard, allowed_hosts=allowed_hosts)
    return app
