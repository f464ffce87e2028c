"""Make the calls of one run in a separate process, which has its own memory and file descriptors.

`python -m lab.chaos.worker JOB` writes the result of each call to the log of the job, and its figures to standard
output.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, Self

from lab.billing import CANARY
from lab.chaos.gauges import Stalls, memory_in_use, open_files, threads
from lab.chaos.job import Job, key_of
from lab.process import send

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from types import ModuleType

    from lab.chaos.reports import CallReport

LOG_SHARE: Final = 20
"""The first 1/n of the calls run with all loggers at DEBUG, and their log records are searched for the API key."""


@dataclass(slots=True, kw_only=True)
class Figures:
    """Measurements of a worker process."""

    seconds: float = 0.0
    cpu: float = 0.0
    """CPU time in seconds."""
    files: tuple[int, int] = (0, 0)
    threads: tuple[int, int] = (0, 0)
    tasks: int = 0
    """Number of tasks that remained after the client was closed."""
    memory: tuple[int, int] = (0, 0)
    growth: float = 0.0
    """Growth of memory in the second half, in MiB."""
    stall: float = 0.0
    """The longest time for which the machine did not schedule the process."""
    records: int = field(default=0)
    """Number of log records that were searched."""
    leaks: int = 0
    """Number of log records that contained the API key."""

    @classmethod
    def load(cls, fields: dict[str, Any]) -> Self:
        """Create it from the output of the worker."""
        for name in ("files", "threads", "memory"):
            fields[name] = tuple(fields[name])
        return cls(**fields)


class LogScanner(logging.Handler):
    """Search all log records for the API key."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.records = 0
        self.leaks = 0
        self.setFormatter(logging.Formatter("%(name)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """Search one record, including its traceback."""
        self.records += 1
        self.leaks += CANARY in self.format(record)


class Progress:
    """Distributes the keys of the calls and records their results."""

    def __init__(self, job: Job, log: IO[str], stalls: Stalls, describe: Callable[[str, Any], CallReport]) -> None:
        self.memory: list[float] = []
        self.scanner: LogScanner = LogScanner()
        self._job = job
        self._log = log
        self._stalls = stalls
        self._describe = describe
        self._numbers: Iterator[int] = iter(())
        self._done = itertools.count(1)
        self._lock = threading.Lock()

    def halves(self) -> Iterator[None]:
        """Yield once for each half of the calls; after each half, when no call is in flight, measure the memory."""
        middle = self._job.calls // 2
        for numbers in (range(middle), range(middle, self._job.calls)):
            self._numbers = iter(numbers)
            yield
            self.memory.append(memory_in_use())

    def pending_keys(self) -> Iterator[str]:
        """Yield the keys of this half, each to one consumer."""
        while (number := next(self._numbers, None)) is not None:
            yield key_of(self._job.seed, number)

    def begin(self) -> tuple[float, float]:
        """Return the start time of a call and the stalls before it."""
        return time.perf_counter(), self._stalls.total()

    def end(self, key: str, result: object, start: tuple[float, float]) -> None:
        """Write the result of a call to the log."""
        seconds = time.perf_counter() - start[0]
        stalled = self._stalls.total() - start[1]
        line = replace(self._describe(key, result), seconds=seconds, stalled=stalled).dump()
        with self._lock:
            self._log.write(line + "\n")
            done = next(self._done)
            if done == self._job.calls // LOG_SHARE:
                scan_logs(self.scanner, on=False)


def scan_logs(scanner: LogScanner, *, on: bool) -> None:
    """Attach the scanner to the root logger, or remove it."""
    root = logging.getLogger()
    root.setLevel(logging.DEBUG if on else logging.WARNING)
    (root.addHandler if on else root.removeHandler)(scanner)


def run_threads(job: Job, client: ModuleType, progress: Progress) -> int:
    """Make the calls from threads."""
    with client.blocking(job) as call:

        def work() -> None:
            for key in progress.pending_keys():
                start = progress.begin()
                progress.end(key, call(key), start)

        for _ in progress.halves():
            workers = [threading.Thread(target=work) for _ in range(job.at_once)]
            for thread in workers:
                thread.start()
            for thread in workers:
                thread.join()
    return 0


async def run_tasks(job: Job, client: ModuleType, progress: Progress) -> int:
    """Make the calls from tasks, and return the number of other tasks that remain."""
    async with client.concurrent(job) as call:

        async def work() -> None:
            for key in progress.pending_keys():
                start = progress.begin()
                progress.end(key, await call(key), start)

        for _ in progress.halves():
            async with asyncio.TaskGroup() as workers:
                for _ in range(job.at_once):
                    workers.create_task(work())
    await settled()
    return len(asyncio.all_tasks()) - 1


async def settled(turns: int = 100) -> None:
    """Wait until the tasks of closed connections have ended."""
    while len(asyncio.all_tasks()) > 1 and turns:
        turns -= 1
        await asyncio.sleep(0.01)


@contextmanager
def measured(figures: Figures, stalls: Stalls) -> Generator[None]:
    """Measure the time that the block takes, and the resources before and after it."""
    before, start, cpu = (open_files(), threads(), round(memory_in_use())), time.perf_counter(), time.process_time()
    with stalls:
        yield
    figures.seconds, figures.cpu = time.perf_counter() - start, time.process_time() - cpu
    figures.files, figures.threads, figures.memory = zip(
        before, (open_files(), threads(), round(memory_in_use())), strict=True
    )
    figures.stall = stalls.worst


def work(job: Job) -> Figures:
    """Make all calls of a job."""
    from lab.chaos import sdk, usual

    client = usual if job.caller.startswith("usual") else sdk
    figures, stalls = Figures(), Stalls()
    with Path(job.log).open("w", encoding="utf-8") as log, measured(figures, stalls):
        progress = Progress(job, log, stalls, client.describe)
        scan_logs(progress.scanner, on=True)
        if job.caller.endswith("sync") and not job.caller.endswith("async"):
            figures.tasks = run_threads(job, client, progress)
        else:
            figures.tasks = asyncio.run(run_tasks(job, client, progress))
        figures.growth = progress.memory[1] - progress.memory[0]
        figures.records, figures.leaks = progress.scanner.records, progress.scanner.leaks
    return figures


if __name__ == "__main__":
    send(asdict(work(Job.load(sys.argv[1]))))
