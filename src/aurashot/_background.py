"""What anyio has not, or has with many objects, on asyncio and on trio: work beside the caller, and a light event."""

from __future__ import annotations

import sys
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable, Coroutine

_running: set[asyncio.Task[None]] = set()
"""An event loop itself keeps only weak references to its tasks."""


class Signal(Protocol):
    """Something that one task waits for, once."""

    def wait(self) -> Awaitable[None]:
        """Wait until it is set."""
        ...

    def set(self) -> None:
        """Let whoever waits go on."""
        ...


class _AsyncioSignal:
    __slots__ = ("_future",)

    def __init__(self) -> None:
        import asyncio

        self._future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def wait(self) -> Awaitable[None]:
        return self._future

    def set(self) -> None:
        if not self._future.done():  # it is, by a cancellation that is on its way to whoever waits
            self._future.set_result(None)


def signal() -> Signal:
    """Return a signal for this event loop; an `anyio.Event` is several objects."""
    if not _on_trio():
        return _AsyncioSignal()

    import trio

    return trio.Event()


def spawn(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Start something that nobody waits for; it must not raise. The end of the event loop cancels it."""
    if _on_trio():
        import trio

        trio.lowlevel.spawn_system_task(work, context=copy_context())
        return

    import asyncio

    task = asyncio.get_running_loop().create_task(work())
    _running.add(task)
    task.add_done_callback(_running.discard)


def later(seconds: float, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Start something after a time, if the event loop lives until then."""
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


def _on_trio() -> bool:
    if "trio" not in sys.modules:
        return False

    import trio

    return trio.lowlevel.in_trio_run()
