"""One client shared by processes, threads or event loops: each call must receive its own response."""

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
    """Make a number of calls and return how many received their own response."""
    found = 0
    for _ in range(calls):
        try:
            response = client.generate("a cafe", face=FACE)
        except AuraShotError:
            continue
        found += response.request_id == response.meta.idempotency_key
    return found


async def right_async(client: AsyncAuraShot, calls: int) -> int:
    """Make a number of calls, ten at once, and return how many received their own response."""
    found = 0

    async def worker() -> None:
        nonlocal found
        for _ in range(calls // 10):
            response = await client.generate("a cafe", face=FACE)
            found += response.request_id == response.meta.idempotency_key

    async with anyio.create_task_group() as group:
        for _ in range(10):
            group.start_soon(worker)
    return found


def forked(url: str) -> tuple[int, int]:
    """Use one client in twenty forked child processes and their parent, concurrently."""
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
    """Use one client in 32 threads."""
    with AuraShot(KEY, base_url=url) as client, ThreadPoolExecutor(32) as pool:
        return 3200, sum(pool.map(right, [client] * 32, [100] * 32))


def four_loops(url: str) -> tuple[int, int]:
    """Use one client in four event loops in four threads."""
    client = AsyncAuraShot(KEY, base_url=url)
    with ThreadPoolExecutor(4) as pool:
        return 400, sum(pool.map(_loop, [client] * 4))


def _loop(client: AsyncAuraShot) -> int:
    return asyncio.run(right_async(client, 100))


def consecutive_loops(url: str) -> tuple[int, int]:
    """Use one client in five consecutive event loops."""
    client = AsyncAuraShot(KEY, base_url=url)
    return 500, sum(_loop(client) for _ in range(5))


def trio(url: str) -> tuple[int, int]:
    """Use one client in five consecutive trio event loops."""
    client = AsyncAuraShot(KEY, base_url=url)
    return 500, sum(anyio.run(right_async, client, 100, backend="trio") for _ in range(5))


CONTEXTS: Final[dict[str, Callable[[str], tuple[int, int]]]] = {
    "`fork()`: parent and 20 child processes": forked,
    "32 threads": threads,
    "4 event loops in 4 threads": four_loops,
    "5 consecutive `asyncio.run()`": consecutive_loops,
    "5 consecutive `trio.run()`": trio,
}


def in_context(name: str) -> tuple[int, int]:
    """Return the number of calls in a context, and how many received their own response."""
    with running(slowest=0.005) as service:
        return CONTEXTS[name](service.url)
