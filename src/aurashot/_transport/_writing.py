"""Writing into a ledger from an event loop: concurrent writes are written together.

A ledger blocks until what it has written is on the disk. So a thread writes, one batch at a time; what arrives
meanwhile waits for the next batch. One sync of the disk and one trip to a thread then serve dozens of calls.
"""

from __future__ import annotations

import time
from collections import deque
from copy import copy
from functools import partial
from typing import TYPE_CHECKING, Final

import anyio
from anyio import CapacityLimiter, to_thread

from aurashot._background import current_loop, new_event, spawn
from aurashot._transport._record import GRACE
from aurashot._transport._tracebacks import raise_from
from aurashot.errors import AuraShotError, LedgerError
from aurashot.ledger import Reserve

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable, Sequence

    from aurashot._transport._runtime import Keep, Written
    from aurashot.ledger import Ledger, Write

LARGEST: Final = 128
"""Writes in one batch: if a ledger is slow, those who wait for the next one are not kept by all of this one."""


class _Job:
    """One pending write."""

    __slots__ = ("_give_up", "done", "failure", "keep", "write", "written")

    def __init__(self, write: Write, timeout: float, keep: Keep) -> None:
        self.write = write
        self.keep = keep
        self.done = new_event()
        self.written: Written = None
        self.failure: list[BaseException] = []
        self._give_up = time.monotonic() + timeout

    @property
    def left(self) -> float:
        """Seconds that it may still wait."""
        return self._give_up - time.monotonic()

    @property
    def is_late(self) -> bool:
        """Whether it is given up; records after the fact never are."""
        return isinstance(self.write, Reserve) and self.left <= 0

    def end(self, written: Written) -> None:
        """Store the result."""
        self.written = written
        self.keep(written)
        self.done.set()

    def fail(self, problem: BaseException) -> None:
        """Store the error that kept it from being written."""
        self.failure.append(problem)
        self.done.set()

    def result(self) -> Written:
        """Return the result, or raise the error that kept it from being written."""
        if self.failure:
            raise_from(self.failure)
        return self.written


class _Writer:
    """The writes of one event loop, while there are any."""

    def __init__(self, ledger: Ledger, finished: Callable[[], object]) -> None:
        self._ledger = ledger
        self._finished = finished
        self._waiting: deque[_Job] = deque()
        self._thread = CapacityLimiter(1)

    async def write(self, job: _Job) -> Written:
        """Write, and wait for the result."""
        self._waiting.append(job)
        try:
            await job.done.wait()
        except BaseException:
            await self._withdraw(job)
            raise
        return job.result()

    async def _withdraw(self, job: _Job) -> None:
        """Withdraw a write, or wait for it if it is being written."""
        if job in self._waiting:
            self._waiting.remove(job)
            return
        with anyio.CancelScope(shield=True):
            await job.done.wait()

    async def write_all(self) -> None:
        """Write batches until nothing is pending."""
        try:
            while self._waiting:
                if batch := self._next_batch():
                    await self._write_batch(batch)
        finally:
            self._finished()
            while self._waiting:  # the event loop ends, or the ledger raised what ends a program
                self._waiting.popleft().end(LedgerError("It was not written; the program is about to end"))

    def _next_batch(self) -> list[_Job]:
        """Take the next writes; those past their deadline are failed here: a cancel scope for each would cost more."""
        batch: list[_Job] = []
        while self._waiting and len(batch) < LARGEST:
            job = self._waiting.popleft()
            if job.is_late:
                job.end(LedgerError("The ledger is busy, because others are writing; try again"))
            else:
                batch.append(job)
        return batch

    async def _write_batch(self, batch: list[_Job]) -> None:
        writes = [job.write for job in batch]
        try:
            results = await self._written(writes, max(GRACE, *(job.left for job in batch)))
        except BaseException as problem:
            for job in batch:
                job.fail(problem)
            if not isinstance(problem, Exception):
                raise  # the end of the event loop
        else:
            for job, written in zip(batch, results, strict=True):
                job.end(written)

    async def _written(self, writes: list[Write], timeout: float) -> Sequence[Written]:
        work = partial(self._ledger.write, writes, timeout=timeout)
        results: Sequence[Written] = []
        try:
            with anyio.CancelScope(shield=True):
                results = await to_thread.run_sync(work, limiter=self._thread)
        except AuraShotError as error:
            return [copy(error) for _ in writes]
        else:
            return results


class Writers:
    """The writers of one client's ledger, one for each event loop."""

    def __init__(self) -> None:
        self._writers: dict[Hashable, _Writer] = {}

    def write(self, ledger: Ledger, write: Write, timeout: float, keep: Keep) -> Awaitable[Written]:
        """Write, and return an awaitable of the result."""
        loop = current_loop()
        writer = self._writers.get(loop)
        if writer is None:
            writer = self._writers[loop] = _Writer(ledger, lambda: self._writers.pop(loop))
            spawn(writer.write_all)
        return writer.write(_Job(write, timeout, keep))
