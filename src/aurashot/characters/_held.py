"""Locks that a thread may take twice."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from random import uniform
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from aurashot.errors import LibraryError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

L = TypeVar("L")

_FIRST_PAUSE: Final = 0.002
_LONGEST_PAUSE: Final = 0.1
_RECENT: Final = 2.0
"""Seconds for which a lock that had to be waited for counts as wanted by others."""


class Held(threading.local, Generic[L]):
    """The locks that this thread has, by name."""

    def __init__(self) -> None:
        self.locks: dict[str, L] = {}

    @contextmanager
    def holding(self, name: str, lock: L, release: Callable[[L], None]) -> Generator[None]:
        """Keep a lock until the block ends, then release it."""
        self.locks[name] = lock
        try:
            yield
        finally:
            del self.locks[name]
            release(lock)


class Turns:
    """Locks that are taken in turns, where whoever releases one could always be the first to take it again.

    Whoever had to wait for a lock a moment ago lets the others have it first. One that nobody waits for costs nothing.
    """

    def __init__(self) -> None:
        self._waited: dict[str, float] = {}

    def acquired(self, name: str, try_to: Callable[[], L | None], seconds: float) -> L:
        """Try to take a lock until it works; the arguments and the error are those of `acquired`."""
        if time.monotonic() - self._waited.get(name, float("-inf")) < _RECENT:
            time.sleep(uniform(_LONGEST_PAUSE, 2 * _LONGEST_PAUSE))  # noqa: S311 - no secret; each of the others tries in it
        lock = try_to()
        if lock is None:
            lock = acquired(name, try_to, seconds)
            self._waited[name] = time.monotonic()
        return lock


def acquired(name: str, try_to: Callable[[], L | None], seconds: float) -> L:
    """Try to take a lock until it works.

    Args:
        name: Its name.
        try_to: Takes it, or returns None.
        seconds: How long to try.

    Raises:
        LibraryError: It did not work.
    """
    end, pause = time.monotonic() + seconds, _FIRST_PAUSE
    while (lock := try_to()) is None:
        if time.monotonic() > end:
            raise LibraryError(
                f"'{name}' has been in use by another process for {seconds:g} seconds; end that process if it hangs, "
                "or try again",
                character=name,
            )
        time.sleep(uniform(pause / 2, pause))  # noqa: S311  # so that waiting processes do not keep step
        pause = min(2 * pause, _LONGEST_PAUSE)
    return lock
