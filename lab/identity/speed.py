"""What comparisons cost: time, memory, and the lag of an event loop beside them."""

from __future__ import annotations

import asyncio
import os
import time
from concurrent.futures import ThreadPoolExecutor
from statistics import median, quantiles
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from aurashot.identity import FaceReference, acompare, compare
from aurashot.identity._alignment import aligned
from lab.bench.memory import resident
from lab.identity.photographs import PATHS, photographs

if TYPE_CHECKING:
    from collections.abc import Callable

    from aurashot.identity import FaceModel

MOST_COST: Final = 3.0
"""The most that a comparison may cost, in bare forwards of the networks."""
MOST_LAG: Final = 0.020
"""Seconds that the event loop may be late, at the 99th percentile."""
MOST_GROWTH: Final = 40
"""MB that a thousand comparisons may leave behind."""
HEAD: Final = ("what", "measured", "limit")
_ROUNDS: Final = 15
_TICK: Final = 0.002
_WARM: Final = 40
_MB: Final = 1_000_000


def measure(model: FaceModel, images: int) -> tuple[list[tuple[object, ...]], bool]:
    """Return the rows of the table, and whether all limits hold.

    Args:
        model: The engine.
        images: How many images are compared for the throughput and the memory.
    """
    bare, whole = _costs(model)
    reference = FaceReference.from_images(PATHS[0], model=model)
    _batch(reference, model, _WARM, 2)  # each thread has networks and memory of its own from then on
    before = resident()
    rates = _rates(model, images)
    growth = (resident() - before) / _MB
    lag = asyncio.run(_lag(model, max(images // 10, 10)))
    rows: list[tuple[object, ...]] = [
        ("two bare forwards of both networks, 512 px, ms", f"{1000 * bare:.0f}", ""),
        ("one comparison of two images of 512 px, ms", f"{1000 * whole:.0f}", ""),
        ("the same, in bare forwards", f"{whole / bare:.1f}", f"{MOST_COST:.0f}"),
        *((f"images a second, {cores}", f"{rate:.0f}", "") for cores, rate in rates),
        (f"memory after {len(rates) * images:,} images, MB more", f"{growth:.0f}", MOST_GROWTH),
        ("memory of the process, MB", f"{resident() / _MB:.0f}", ""),
        ("lag of an event loop beside it, 99th percentile, ms", f"{1000 * lag:.1f}", f"{1000 * MOST_LAG:.0f}"),
    ]
    return rows, whole / bare <= MOST_COST and growth <= MOST_GROWTH and lag <= MOST_LAG


def _costs(model: FaceModel) -> tuple[float, float]:
    """Return the seconds of the bare networks for two images, and of one comparison, in turns."""
    image = np.asarray(photographs()[0], np.uint8)
    crop = aligned(image, model.detect(image)[0].landmarks)

    def bare() -> None:
        for _ in range(2):
            model.detect(image)
            model.vector(crop)

    def whole() -> None:
        compare(PATHS[0], PATHS[1], model=model)

    pairs = [(_seconds(bare), _seconds(whole)) for _ in range(_ROUNDS)]
    return median(one for one, _ in pairs), median(one for _, one in pairs)


def _seconds(call: Callable[[], None]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def _rates(model: FaceModel, images: int) -> list[tuple[str, float]]:
    """Return how many images a second are compared with a reference that was prepared once, on one core and on two."""
    reference = FaceReference.from_images(PATHS[0], model=model)
    cores = min(os.cpu_count() or 1, 2)
    rates: list[tuple[str, float]] = []
    for count in dict.fromkeys((1, cores)):
        threads = cv2.getNumThreads()
        cv2.setNumThreads(1)
        try:
            seconds = _batch(reference, model, images, count)
        finally:
            cv2.setNumThreads(threads)
        rates.append(("one core" if count == 1 else f"{count} cores", images / seconds))
    return rates


def _batch(reference: FaceReference, model: FaceModel, images: int, threads: int) -> float:
    def one(place: int) -> None:
        compare(reference, PATHS[place % 2], model=model)

    with ThreadPoolExecutor(threads) as pool:
        began = time.perf_counter()
        list(pool.map(one, range(images)))
        return time.perf_counter() - began


async def _lag(model: FaceModel, images: int) -> float:
    """Return how late an event loop is, in seconds, at the 99th percentile, while images are compared beside it."""
    reference = FaceReference.from_images(PATHS[0], model=model)
    late: list[float] = []

    async def watch() -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(_TICK)
            late.append(time.perf_counter() - began - _TICK)

    watcher = asyncio.create_task(watch())
    async with asyncio.TaskGroup() as group:
        for place in range(images):
            group.create_task(acompare(reference, PATHS[place % 2], model=model))
    watcher.cancel()
    return quantiles(late, n=100)[98]
