"""Cancelling async calls leaves nothing behind: no place taken, no connection open, no upload that others wait for."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
import pytest

from aurashot import AsyncAuraShot
from lab.backends import KEY
from lab.server import GENERATION, HOLD, json_response, wait_until
from tests.stopwatch import no_later
from tests.wire.images import FACE, UPLOADS, png

if TYPE_CHECKING:
    from lab.server import ScriptedServer

pytestmark = pytest.mark.anyio


async def came(server: ScriptedServer, number: int) -> None:
    """Wait until so many requests have come."""
    await anyio.to_thread.run_sync(wait_until, lambda: len(server.requests) >= number)


async def test_cancelled_call_frees_its_slot(server: ScriptedServer) -> None:
    """A call that is cancelled while the service works frees the only connection for the next one."""
    server.queue((HOLD,))
    async with AsyncAuraShot(KEY, base_url=server.url, max_connections=1) as client:
        async with anyio.create_task_group() as group:
            group.start_soon(lambda: client.generate("cancelled", face=FACE))
            await came(server, 1)
            group.cancel_scope.cancel()

        assert (await client.generate("the next", face=FACE, timeout=20)).succeeded
    await anyio.to_thread.run_sync(wait_until, lambda: server.open_connections == 0)


async def test_cancelled_wait_for_a_slot(server: ScriptedServer) -> None:
    """A call that is cancelled while it waits for a connection does not take one later."""
    server.queue((0.3, *json_response(GENERATION)))
    async with AsyncAuraShot(KEY, base_url=server.url, max_connections=1) as client:
        async with anyio.create_task_group() as group:
            group.start_soon(lambda: client.generate("the first", face=FACE))
            await came(server, 1)
            with anyio.move_on_after(0.05) as scope:
                await client.generate("cancelled", face=FACE)
            assert scope.cancelled_caught

        assert (await client.generate("the next", face=FACE, timeout=20)).succeeded
    assert ["the first", "the next"] == [request.json["prompt"] for request in server.requests]


async def test_cancelled_upload_is_taken_over(server: ScriptedServer) -> None:
    """When the call that uploads is cancelled, another one that waits for the upload does it."""
    server.queue((HOLD,), path=UPLOADS)
    responses: list[str | None] = []
    async with AsyncAuraShot(KEY, base_url=server.url) as client, anyio.create_task_group() as group:
        leader = anyio.CancelScope()

        async def lead() -> None:
            with leader:
                await client.generate("cancelled", face=png())

        async def follow() -> None:
            responses.append((await client.generate("a cafe", face=png())).request_id)

        group.start_soon(lead)
        await came(server, 1)
        group.start_soon(follow)
        await anyio.sleep(0.1)
        leader.cancel()

    assert [GENERATION["requestId"]] == responses
    assert 2 == len(server.posts(UPLOADS))


async def test_caller_is_free_at_once(server: ScriptedServer) -> None:
    """A cancelled call ends without waiting for the service."""
    server.always((HOLD,))
    async with AsyncAuraShot(KEY, base_url=server.url) as client:
        with no_later(0.1), anyio.move_on_after(0.1):
            await client.generate("a cafe", face=FACE)


async def test_five_hundred_cancelled_at_random(server: ScriptedServer) -> None:
    """Five hundred calls that are cancelled at random moments cost no place: all probes afterwards succeed."""
    server.always((0.01, *json_response(GENERATION)))
    draw = random.Random(7)
    async with AsyncAuraShot(KEY, base_url=server.url, max_connections=10) as client:

        async def cancelled(after: float) -> None:
            with anyio.move_on_after(after):
                await client.generate("a cafe", face=FACE)

        async with anyio.create_task_group() as group:
            for _ in range(500):
                group.start_soon(cancelled, draw.uniform(0, 1.0))
        probes = [await client.generate("a probe", face=FACE, timeout=20) for _ in range(20)]
        assert 20 == sum(probe.succeeded for probe in probes)

        server.always((1.0, *json_response(GENERATION)))
        async with anyio.create_task_group() as group:
            for _ in range(10):
                group.start_soon(lambda: client.generate("a probe", face=FACE, timeout=20))
        assert 10 == server.open_connections
    await anyio.to_thread.run_sync(wait_until, lambda: server.open_connections == 0)
