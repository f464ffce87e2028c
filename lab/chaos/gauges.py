"""What a worker process holds, and for how long the machine kept it from running."""

from __future__ import annotations

import ctypes
import gc
import os
import threading
import time
from typing import Final, Self

from lab.bench.measure import MIB
from lab.bench.memory import resident

TICK: Final = 0.02
"""Seconds between two looks of the stall clock."""
_NOISE: Final = 0.002


class Stalls:
    """The time that the machine withheld from this process.

    A thread wants to run every 20 ms. When it comes late although the process was not computing, the machine, and not
    the client, made everybody wait. Late because the process itself was busy does not count: that is the client's own
    fault.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._sum = 0.0
        self._worst = 0.0
        self._seen = (time.perf_counter(), time.process_time())
        self._thread = threading.Thread(target=self._tick, name="stalls", daemon=True)

    @property
    def worst(self) -> float:
        """The longest single stall, in seconds."""
        return self._worst

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def withheld(self) -> float:
        """Return the seconds withheld so far, the stall that may be going on included."""
        with self._lock:
            return self._sum + self._gap()

    def _tick(self) -> None:
        while not self._over.wait(TICK):
            with self._lock:
                gap = self._gap()
                self._sum += gap
                self._worst = max(self._worst, gap)
                self._seen = (time.perf_counter(), time.process_time())

    def _gap(self) -> float:
        wall, cpu = self._seen
        gap = time.perf_counter() - wall - TICK - (time.process_time() - cpu)
        return gap if gap > _NOISE else 0.0


def open_files() -> int:
    """Return how many files and sockets the process holds."""
    gc.collect()
    return len(os.listdir("/dev/fd"))  # noqa: PTH208  # Path.iterdir follows each entry


def threads() -> int:
    """Return how many threads run."""
    return threading.active_count()


def held() -> float:
    """Return the MiB that the process holds, after glibc gave back what is free.

    Otherwise it is as much as its threads' arenas happened to need at once, and says nothing about a leak.
    """
    gc.collect()
    give_back = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if give_back is not None:
        give_back(0)
    return resident() / MIB
