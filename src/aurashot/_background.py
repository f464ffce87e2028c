"""Background tasks that outlive the task that starts them, on asyncio and on trio.

anyio has no such thing: its tasks belong to a task group, which waits for them where it was opened, or cancels them.
"""

from __future__ import annotations

import sys
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable, Coroutine

    from anyio.lowlevel import EventLoopToken

_running: set[asyncio.Task[None]] = set()
"""An event loop itself keeps only weak references to its tasks."""


def spawn(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Start a background task, which must not raise; it is cancelled when the event loop ends."""
    if _on_trio():
        import trio

        trio.lowlevel.spawn_system_task(work, context=copy_context())
        return

    import asyncio

    task = asyncio.get_running_loop().create_task(work())
    _running.add(task)
    task.add_done_callback(_running.discard)


def later(seconds: float, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Start a background task after a delay, unless the event loop ends first."""
    if _on_trio():
        import trio

        trio.lowlevel.spawn_system_task(_after, trio.sleep, seconds, work, context=copy_context())
        return

    import asyncio

    asyncio.get_running_loop().call_later(seconds, spawn, work)


async def _after(
    sleep: Callable[[float], Awaitable[None]], seconds: float, work: Callable[[], Awaitable[None]]
) -> None:
    await sleep(seconds)
    await work()


def is_closed(token: EventLoopToken) -> bool:
    """Return whether an event loop was closed; one of trio has ended its async generators by then."""
    import asyncio

    loop = token.native_token
    return isinstance(loop, asyncio.AbstractEventLoop) and loop.is_closed()


def _on_trio() -> bool:
    if "trio" not in sys.modules:
        return False

    import trio

    return trio.lowlevel.in_trio_run()
