"""What a call needs of its event loop, on asyncio and on trio, and anyio does not have, or has at a higher cost.

Background tasks outlive the task that starts them: those of anyio belong to a task group, which waits for them where it
was opened, or cancels them. An event and the identity of the loop are the loop's own: with a ledger a call makes four
events and asks four times which loop it is on, and through anyio that was a quarter of the ledger's cost
(docs/design.md).
"""

from __future__ import annotations

import sys
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable, Coroutine, Hashable

_running: set[asyncio.Task[None]] = set()
"""An event loop itself keeps only weak references to its tasks."""


class Event(Protocol):
    """What `asyncio.Event` and `trio.Event` have in common."""

    def set(self) -> object:
        """Let all who wait go on."""

    def is_set(self) -> bool:
        """Return whether it was set."""
        ...

    def wait(self) -> Coroutine[Any, Any, object]:
        """Wait until it is set."""
        ...


def new_event() -> Event:
    """Return an event of the running loop."""
    if _on_trio():
        import trio

        return trio.Event()

    import asyncio

    return asyncio.Event()


def current_loop() -> Hashable:
    """Return what identifies the running loop: it is equal to itself only."""
    if _on_trio():
        import trio

        return trio.lowlevel.current_trio_token()

    import asyncio

    return asyncio.get_running_loop()


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


def is_closed(loop: Hashable) -> bool:
    """Return whether an event loop was closed; one of trio has ended its async generators by then."""
    import asyncio

    return isinstance(loop, asyncio.AbstractEventLoop) and loop.is_closed()


def _on_trio() -> bool:
    if "trio" not in sys.modules:
        return False

    import trio

    return trio.lowlevel.in_trio_run()
