"""One run in a process of its own, so that its memory and its files are nobody else's.

`python -m lab.chaos.worker JOB` makes the calls, writes the end of each into the job's log, and its own
figures to the standard output.
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
from lab.chaos.gauges import Stalls, held, open_files, threads
from lab.chaos.job import Job, key_of
from lab.process import say

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from types import ModuleType

    from lab.chaos.reports import CallReport

TALKATIVE: Final = 20
"""The first one in so many calls runs with every logger at DEBUG, and what is logged is searched for the API key."""


@dataclass(slots=True, kw_only=True)
class Figures:
    """What a worker says about its process."""

    seconds: float = 0.0
    cpu: float = 0.0
    """Seconds for which the process computed."""
    files: tuple[int, int] = (0, 0)
    threads: tuple[int, int] = (0, 0)
    tasks: int = 0
    """Tasks that were left when the client was closed."""
    memory: tuple[int, int] = (0, 0)
    growth: float = 0.0
    """MiB by which memory grew over the second half."""
    stall: float = 0.0
    """The longest time for which the machine did not let the process run."""
    records: int = field(default=0)
    """Log records that were searched."""
    leaks: int = 0
    """Those of them that held the API key."""

    @classmethod
    def load(cls, told: dict[str, Any]) -> Self:
        """Return what the worker printed."""
        for name in ("files", "threads", "memory"):
            told[name] = tuple(told[name])
        return cls(**told)


class Listener(logging.Handler):
    """Search every record for the API key."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.records = 0
        self.leaks = 0
        self.setFormatter(logging.Formatter("%(name)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """Look at one record, its traceback included."""
        self.records += 1
        self.leaks += CANARY in self.format(record)


class Progress:
    """The numbers of the calls as they are handed out, and the ends of the calls as they come in."""

    def __init__(self, job: Job, log: IO[str], stalls: Stalls, describe: Callable[[str, Any], CallReport]) -> None:
        self.held: list[float] = []
        self.listener: Listener = Listener()
        self._job = job
        self._log = log
        self._stalls = stalls
        self._describe = describe
        self._numbers: Iterator[int] = iter(())
        self._done = itertools.count(1)
        self._lock = threading.Lock()

    def halves(self) -> Iterator[None]:
        """Deal with one half of the calls, then with the other; after each, when none is in flight, note the memory."""
        middle = self._job.calls // 2
        for numbers in (range(middle), range(middle, self._job.calls)):
            self._numbers = iter(numbers)
            yield
            self.held.append(held())

    def handed_out(self) -> Iterator[str]:
        """Hand out the keys of this half, each to one asker."""
        while (number := next(self._numbers, None)) is not None:
            yield key_of(self._job.seed, number)

    def begin(self) -> tuple[float, float]:
        """Start the watch of one call."""
        return time.perf_counter(), self._stalls.withheld()

    def end(self, key: str, end: object, start: tuple[float, float]) -> None:
        """Write down how a call ended."""
        seconds = time.perf_counter() - start[0]
        withheld = self._stalls.withheld() - start[1]
        line = replace(self._describe(key, end), seconds=seconds, withheld=withheld).dump()
        with self._lock:
            self._log.write(line + "\n")
            done = next(self._done)
            if done == self._job.calls // TALKATIVE:
                listen(self.listener, on=False)


def listen(listener: Listener, *, on: bool) -> None:
    """Let every logger talk to the listener, or to nobody."""
    root = logging.getLogger()
    root.setLevel(logging.DEBUG if on else logging.WARNING)
    (root.addHandler if on else root.removeHandler)(listener)


def run_threads(job: Job, side: ModuleType, progress: Progress) -> int:
    """Make the calls from threads."""
    with side.blocking(job) as ask:

        def work() -> None:
            for key in progress.handed_out():
                start = progress.begin()
                progress.end(key, ask(key), start)

        for _ in progress.halves():
            processes = [threading.Thread(target=work) for _ in range(job.at_once)]
            for thread in processes:
                thread.start()
            for thread in processes:
                thread.join()
    return 0


async def run_tasks(job: Job, side: ModuleType, progress: Progress) -> int:
    """Make the calls from tasks, and return how many other tasks are left in the end."""
    async with side.concurrent(job) as ask:

        async def work() -> None:
            for key in progress.handed_out():
                start = progress.begin()
                progress.end(key, await ask(key), start)

        for _ in progress.halves():
            async with asyncio.TaskGroup() as processes:
                for _ in range(job.at_once):
                    processes.create_task(work())
    await settled()
    return len(asyncio.all_tasks()) - 1


async def settled(turns: int = 100) -> None:
    """Let closed connections take their leave: they need a few turns of the event loop."""
    while len(asyncio.all_tasks()) > 1 and turns:
        turns -= 1
        await asyncio.sleep(0.01)


@contextmanager
def measured(figures: Figures, stalls: Stalls) -> Generator[None]:
    """Note what the process holds before and after, and how long it took."""
    before, start, cpu = (open_files(), threads(), round(held())), time.perf_counter(), time.process_time()
    with stalls:
        yield
    figures.seconds, figures.cpu = time.perf_counter() - start, time.process_time() - cpu
    figures.files, figures.threads, figures.memory = zip(before, (open_files(), threads(), round(held())), strict=True)
    figures.stall = stalls.worst


def work(job: Job) -> Figures:
    """Make all calls of a job."""
    from lab.chaos import sdk, usual

    side = usual if job.caller.startswith("usual") else sdk
    figures, stalls = Figures(), Stalls()
    with Path(job.log).open("w", encoding="utf-8") as log, measured(figures, stalls):
        progress = Progress(job, log, stalls, side.describe)
        listen(progress.listener, on=True)
        if job.caller.endswith("sync") and not job.caller.endswith("async"):
            figures.tasks = run_threads(job, side, progress)
        else:
            figures.tasks = asyncio.run(run_tasks(job, side, progress))
        figures.growth = progress.held[1] - progress.held[0]
        figures.records, figures.leaks = progress.listener.records, progress.listener.leaks
    return figures


if __name__ == "__main__":
    say(asdict(work(Job.load(sys.argv[1]))))
