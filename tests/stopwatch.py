"""How long a call takes, apart from what the machine takes for itself."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Generator

SLACK: Final = 1.0
"""Seconds that a call may take longer than it was given."""

_TICK: Final = 0.005


class _Stalls(threading.Thread):
    """Adds up for how long a thread that only sleeps was kept from waking up."""

    def __init__(self) -> None:
        super().__init__(name="stopwatch")
        self.over = threading.Event()
        self.seconds = 0.0

    def run(self) -> None:
        began = time.monotonic()
        while not self.over.wait(_TICK):
            now = time.monotonic()
            self.seconds += max(0.0, now - began - 2 * _TICK)
            began = now


@contextmanager
def no_later(seconds: float) -> Generator[None]:
    """Check that the block takes no longer than so many seconds."""
    stalls = _Stalls()
    stalls.start()
    began = time.monotonic()
    try:
        yield
    finally:
        elapsed = time.monotonic() - began
        stalls.over.set()
        stalls.join()
    assert elapsed <= seconds + stalls.seconds


@contextmanager
def in_time(seconds: float) -> Generator[None]:
    """Check that the block takes as many seconds as a call was given, and hardly more."""
    began = time.monotonic()
    with no_later(seconds + SLACK):
        yield
    assert seconds - 0.01 <= time.monotonic() - began
