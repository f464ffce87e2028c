"""Places for connections, taken in order within each caller's time, on asyncio and trio.

A semaphore in a cancel scope would do as well, at a dozen objects for each who waits. The garbage collector visits
them again and again: with 2,048 calls at once, that took a tenth of each call.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

import httpcore

from aurashot._background import later, signal

if TYPE_CHECKING:
    from aurashot._deadline import Deadline

LOOK: Final = 0.1
"""Seconds between two looks at the deadlines of those who wait."""


class _Turn:
    """Somebody who waits."""

    __slots__ = ("deadline", "has_place", "is_over", "signal")

    def __init__(self, deadline: Deadline) -> None:
        self.deadline = deadline
        self.signal = signal()
        self.has_place = False
        self.is_over = False


class Line:
    """The places of one event loop, and those who wait for one."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._waiting: deque[_Turn] = deque()
        self._is_watched = False

    async def enter(self, deadline: Deadline) -> None:
        """Take a place, or wait in order for one.

        Raises:
            httpcore.PoolTimeout: None came free in time.
        """
        if self._free:
            self._free -= 1
            return
        turn = _Turn(deadline)
        self._waiting.append(turn)
        self._watch()
        try:
            await turn.signal.wait()
        except BaseException:  # a cancellation, of either library
            turn.is_over = True
            if turn.has_place:  # it came together with the cancellation
                self.leave()
            raise
        if not turn.has_place:
            raise httpcore.PoolTimeout

    def leave(self) -> None:
        """Pass a place on to who waits longest."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.is_over:
                turn.has_place = True
                turn.signal.set()
                return
        self._free += 1

    def _watch(self) -> None:
        if self._waiting and not self._is_watched:
            self._is_watched = True
            later(LOOK, self._look)

    async def _look(self) -> None:
        self._is_watched = False
        for turn in self._waiting:
            if turn.deadline.passed and not turn.is_over:
                turn.is_over = True
                turn.signal.set()
        self._waiting = deque(turn for turn in self._waiting if not turn.is_over)
        self._watch()
