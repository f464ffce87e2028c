"""Commits that threads share: syncing to the disk is the cost of a write, and one sync serves all that wait for it.

A thread puts its steps into a queue. The first becomes the leader: it takes the file's write lock, takes all that is
queued by then, runs each step, commits once, and makes the first of those who came meanwhile the next leader. The
others wait for their result. Only the leader uses the connection.

A thread can be interrupted (KeyboardInterrupt) at any point. The state therefore never rests on a call having returned:
`_leave` runs in a `finally`, looks at what is true, and can be run again where it was interrupted itself. What was
queued is withdrawn. What a leader took and did not commit goes back into the queue, for the next leader. What was
committed is done. What another thread has taken is waited for.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, TypeAlias

from aurashot.ledger._file import LONGEST, wait

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Step: TypeAlias = Callable[[sqlite3.Connection], Any]


class BusyError(Exception):
    """The deadline passed before it was this thread's turn."""


class Job:
    """What one thread wants to have committed.

    Attributes:
        steps: What is to be done with the connection; each writes with one statement, or not at all.
        results: What each step returned or raised, as soon as the job is done.
        problem: Why nothing was committed, where nothing was.
        is_taken: Whether a leader has taken it from the queue.
        is_done: Whether it is committed, or failed.
    """

    def __init__(self, steps: Sequence[Step], timeout: float) -> None:
        self.steps = steps
        self.results: list[Any] = []
        self.problem: sqlite3.Error | None = None
        self.is_taken = False
        self.is_done = False
        self._give_up = time.monotonic() + timeout
        self._signal: SimpleQueue[None] = SimpleQueue()

    @property
    def left(self) -> float:
        """Seconds that it may still wait for its turn."""
        return self._give_up - time.monotonic()

    def wait(self, seconds: float = LONGEST) -> None:
        """Wait until something has changed."""
        with suppress(Empty):
            self._signal.get(timeout=max(0.0, min(seconds, LONGEST)))

    def wake(self) -> None:
        """Signal that something has changed."""
        self._signal.put(None)

    def finish(self, problem: sqlite3.Error | None) -> None:
        """Signal that it is committed, or why it is not."""
        self.problem = problem
        self.is_done = True
        self.wake()


class Commits:
    """The writing connection of one process, shared by its threads."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self._mutex = threading.Lock()  # held for a few lines of Python only
        self._queue: list[Job] = []
        self._leader: Job | None = None
        self._batch: list[Job] = []  # the leader's: what it has taken
        self._is_committing = False

    def run(self, job: Job) -> None:
        """Commit a job, alone or with others.

        Raises:
            BusyError: Its deadline passed before its turn; nothing of it was written.
            sqlite3.Error: The commit failed; nothing of it was written.
        """
        try:
            self._join(job)
            while not job.is_done:
                if self._leader is job:
                    self._lead(job)
                else:
                    self._follow(job)
        finally:
            try:
                self._leave(job)
            except BaseException:  # interrupted while leaving: what is left of it is done now
                self._leave(job)
                raise
        if job.problem is not None:
            raise job.problem

    def close(self) -> None:
        """Close the connection when nobody is writing."""
        job = Job((), float("inf"))
        try:
            self._join(job)
            while self._leader is not job:
                job.wait()
            self.connection.close()
        finally:
            try:
                self._leave(job)
            except BaseException:
                self._leave(job)
                raise

    def _join(self, job: Job) -> None:
        with self._mutex:
            self._queue.append(job)
            if self._leader is None:
                self._leader = job

    def _follow(self, job: Job) -> None:
        left = job.left
        if left > 0 or job.is_taken:
            job.wait(left if left > 0 else LONGEST)
        elif self._withdraw(job):
            raise BusyError

    def _withdraw(self, job: Job) -> bool:
        """Take a job out of the queue again, unless it was taken or leads meanwhile; return whether it is out."""
        with self._mutex:
            is_waiting = job in self._queue and self._leader is not job
            if is_waiting:
                self._queue.remove(job)
        return is_waiting

    def _lead(self, job: Job) -> None:
        self._is_committing = False
        try:
            wait(self.connection, job.left)
            self.connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as problem:  # the others try for themselves, each for as long as it may
            job.finish(problem)
            return
        self._take()
        failure = self._commit()
        for each in self._batch:
            each.finish(failure)

    def _take(self) -> None:
        """Take all that is queued. It is in the batch before it has left the queue, so that none is ever in neither."""
        with self._mutex:
            self._batch = _writing(self._queue)
            for job in self._batch:
                job.is_taken = True
            self._queue = _closing(self._queue)  # who closes waits for a turn of its own

    def _commit(self) -> sqlite3.Error | None:
        """Run all steps of the batch and commit; return why that failed, if it did."""
        try:
            for job in self._batch:
                job.results = [self._run(step) for step in job.steps]
            self._is_committing = True
            self.connection.execute("COMMIT")
        except sqlite3.Error as problem:
            self._is_committing = False
            failure: sqlite3.Error = problem
        else:
            return None
        self._roll_back()
        return failure

    def _run(self, step: Step) -> Any:
        """Run one step; what it raises is its result, and leaves no trace.

        A step writes with one statement, and SQLite takes back a statement that fails, what its triggers did included.
        A savepoint for each step would be two statements more, each of which lets go of the interpreter's lock and
        waits for it again.
        """
        before = self.connection.total_changes
        try:
            return step(self.connection)
        except Exception as problem:
            if not self.connection.in_transaction:  # as after a full disk: the transaction is lost, and not only this
                raise
            if self.connection.total_changes != before:  # it has written, and then failed: nothing of it may stay
                raise
            return problem

    def _roll_back(self) -> None:
        with suppress(sqlite3.Error):  # a closed connection has no transaction either
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")

    def _leave(self, job: Job) -> None:
        """Hand over, withdraw or wait, so that nothing of this thread is left behind."""
        if self._leader is job:
            self._clear(job)
        with self._mutex:
            if job in self._queue:
                self._queue.remove(job)
            if self._leader is job or self._leader is None:
                self._leader = self._queue[0] if self._queue else None
            if self._leader is not None:
                self._leader.wake()
        while job.is_taken and not job.is_done:
            job.wait()

    def _clear(self, leader: Job) -> None:
        """Finish what was committed when the leader was interrupted, and give back what was not."""
        if self._batch and self._is_committing and not self.connection.in_transaction:
            for job in self._batch:
                job.finish(job.problem)
        self._is_committing = False
        self._roll_back()
        left = [job for job in self._batch if not job.is_done]
        others = [job for job in left if job is not leader]
        with self._mutex:
            for job in left:
                job.is_taken = False
            self._queue[:0] = _missing(others, self._queue)
        for job in self._batch:  # it may have been finished, and not woken
            job.wake()
        self._batch = []


# These are functions because CPython 3.13 never leaves a `with` or `finally` that is interrupted within a comprehension
# with an `if`: the jump back is outside the block's entry in the exception table. A function's caller is inside it.


def _writing(jobs: list[Job]) -> list[Job]:
    return [job for job in jobs if job.steps]


def _closing(jobs: list[Job]) -> list[Job]:
    return [job for job in jobs if not job.steps]


def _missing(jobs: list[Job], queue: list[Job]) -> list[Job]:
    return [job for job in jobs if job not in queue]
