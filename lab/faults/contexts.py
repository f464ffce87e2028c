"""One client in any context: processes, threads, event loops. Each response must be that of its own call."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

import anyio

from aurashot import AsyncAuraShot, AuraShot, AuraShotError
from lab.billing import running

if TYPE_CHECKING:
    from collections.abc import Callable

KEY: Final = "sk_live_contexts_0001"
FACE: Final = "https://example.com/face.jpg"


def right(client: AuraShot, calls: int) -> int:
    """Return how many of so many calls got their own response."""
    found = 0
    for _ in range(calls):
        try:
            response = client.generate("a cafe", face=FACE)
        except AuraShotError:
            continue
        found += response.request_id == response.meta.idempotency_key
    return found


async def right_async(client: AsyncAuraShot, calls: int) -> int:
    """Return how many of so many calls, ten at once, got their own response."""
    found = 0

    async def lane() -> None:
        nonlocal found
        for _ in range(calls // 10):
            response = await client.generate("a cafe", face=FACE)
            found += response.request_id == response.meta.idempotency_key

    async with anyio.create_task_group() as group:
        for _ in range(10):
            group.start_soon(lane)
    return found


def forked(url: str) -> tuple[int, int]:
    """Twenty children and their parent use what was one client, all at the same time."""
    with AuraShot(KEY, base_url=url) as client:
        right(client, 1)
        children = [_child(client) for _ in range(20)]
        found = right(client, 20)
        return 420, found + sum(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children)


def _child(client: AuraShot) -> int:
    process = os.fork()
    if process == 0:
        found = 0
        try:
            found = right(client, 20)
        finally:
            os._exit(found)
    return process


def threads(url: str) -> tuple[int, int]:
    """Thirty-two threads share one client."""
    with AuraShot(KEY, base_url=url) as client, ThreadPoolExecutor(32) as pool:
        return 3200, sum(pool.map(right, [client] * 32, [100] * 32))


def four_loops(url: str) -> tuple[int, int]:
    """Four event loops in four threads share one client."""
    client = AsyncAuraShot(KEY, base_url=url)
    with ThreadPoolExecutor(4) as pool:
        return 400, sum(pool.map(_loop, [client] * 4))


def _loop(client: AsyncAuraShot) -> int:
    return asyncio.run(right_async(client, 100))


def one_loop_after_the_other(url: str) -> tuple[int, int]:
    """Five event loops use one client, one after the other."""
    client = AsyncAuraShot(KEY, base_url=url)
    return 500, sum(_loop(client) for _ in range(5))


def trio(url: str) -> tuple[int, int]:
    """The same on trio."""
    client = AsyncAuraShot(KEY, base_url=url)
    return 500, sum(anyio.run(right_async, client, 100, backend="trio") for _ in range(5))


CONTEXTS: Final[dict[str, Callable[[str], tuple[int, int]]]] = {
    "after `fork()`: 20 children and their parent": forked,
    "32 threads": threads,
    "4 event loops in 4 threads": four_loops,
    "5 `asyncio.run()`, one after the other": one_loop_after_the_other,
    "5 `trio.run()`, one after the other": trio,
}


def in_context(name: str) -> tuple[int, int]:
    """Return the calls of one context, and how many of them got their own response."""
    with running(slowest=0.005) as service:
        return CONTEXTS[name](service.url)
