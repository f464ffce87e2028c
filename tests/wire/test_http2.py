"""HTTP/2 on request: by a given httpx client that speaks it."""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING

import anyio
import httpx
import hypercorn.config
import pytest

from aurashot import AsyncAuraShot
from lab.backends import KEY
from lab.server import GENERATION, ca_file, closed_port, server_file
from tests.wire.images import FACE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from typing import Any

CONTENT = json.dumps(GENERATION).encode()


async def app(_: object, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]) -> None:
    """Response every request with an image, once all of it is there."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": CONTENT})


@pytest.fixture
def origin() -> Iterator[str]:
    """Return the address of a server that offers HTTP/2."""
    port = closed_port()
    config = hypercorn.config.Config.from_mapping(
        bind=f"127.0.0.1:{port}", certfile=str(server_file()), keyfile=str(server_file()), errorlog=None
    )
    over, ready = threading.Event(), threading.Event()

    async def run() -> None:
        async def until_over() -> None:
            ready.set()
            await asyncio.to_thread(over.wait)

        await import_module("hypercorn.asyncio").serve(app, config, shutdown_trigger=until_over)

    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(asyncio.run, run())
        ready.wait(60)
        yield f"https://localhost:{port}"
        over.set()
        running.result(60)


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_calls_share_one_http2_connection(origin: str) -> None:
    """Fifty calls at once are fifty streams: the responses say HTTP/2, and all of them come from one connection."""
    trusting = ssl.create_default_context(cafile=str(ca_file()))
    seen: set[tuple[str, Any]] = set()

    async def note(response: httpx.Response) -> None:
        stream = response.extensions["network_stream"]
        seen.add((response.http_version, stream.get_extra_info("client_addr")))

    async with (
        httpx.AsyncClient(http2=True, verify=trusting, event_hooks={"response": [note]}) as http_client,
        AsyncAuraShot(KEY, base_url=origin, http_client=http_client) as client,
    ):
        await client.generate("first", face=FACE)
        async with anyio.create_task_group() as group:
            for _ in range(50):
                group.start_soon(partial(client.generate, "a cafe", face=FACE))

    assert ["HTTP/2"] == [version for version, _ in seen]
