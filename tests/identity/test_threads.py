from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from aurashot.identity import acompare, compare, find_faces, in_scoring_thread
from aurashot.identity._threads import THREADS
from tests.identity.conftest import ColourModel, plain

if TYPE_CHECKING:
    from pathlib import Path

    from aurashot.identity import YuNetSFace


class Counting(ColourModel):
    """An engine that counts how many calls it has at the same time."""

    lock = threading.Lock()
    now = 0
    most = 0

    def vector(self, crop: Any) -> Any:
        """Stay for a moment."""
        with Counting.lock:
            Counting.now += 1
            Counting.most = max(Counting.most, Counting.now)
        threading.Event().wait(0.02)
        with Counting.lock:
            Counting.now -= 1
        return super().vector(crop)


@pytest.mark.anyio
async def test_comparing_beside_an_event_loop_gives_the_same(colours: ColourModel) -> None:
    """The async function and the blocking one return the same, on asyncio and trio."""
    expected = compare(plain("red"), plain("blue"), model=colours)
    assert expected == await acompare(plain("red"), plain("blue"), model=colours)
    assert 1 == len(await in_scoring_thread(find_faces, plain("red"), model=colours))


@pytest.mark.anyio
async def test_few_comparisons_run_at_once() -> None:
    """Twenty that are started together wait for each other, in no more threads than there are."""
    Counting.most = 0
    engine = Counting()
    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(lambda: acompare(plain("red"), plain("blue"), model=engine, paste_guard=False))
    assert 1 <= Counting.most <= THREADS


def test_threads_share_an_engine(astronaut: Path, grace_hopper: Path, model: YuNetSFace) -> None:
    """A network of OpenCV is not for two threads at once; each call borrows its own, and all get the same faces."""
    paths = [astronaut, grace_hopper] * 4
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(partial(find_faces, model=model), paths))
    assert found[:2] * 4 == found
