"""Measure the resources of a worker process, and how long the machine did not schedule it."""

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
"""Seconds between two samples."""
_NOISE: Final = 0.002


class Stalls:
    """The time for which the machine did not schedule this process.

    A thread wakes up every 20 ms. If it wakes up late although the process used no CPU in the meantime, the machine
    caused the delay. Delays during which the process itself used the CPU do not count.
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

    def total(self) -> float:
        """Return the total length of all stalls, including a current one, in seconds."""
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
    """Return the number of open file descriptors."""
    gc.collect()
    return len(os.listdir("/dev/fd"))  # noqa: PTH208  # Path.iterdir follows each entry


def threads() -> int:
    """Return the number of threads."""
    return threading.active_count()


def memory_in_use() -> float:
    """Return the resident memory in MiB, after glibc has returned free memory to the system.

    Without that, the figure depends on the arenas of the threads and does not show a leak.
    """
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
    return resident() / MIB
