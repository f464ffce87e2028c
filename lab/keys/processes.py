"""The processes as their parent sees them: it gives them orders, kills some, and forks others in their place."""

from __future__ import annotations

import os
import select
import signal
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Self

from lab.keys.process import End, Kind, Task, live

if TYPE_CHECKING:
    from collections.abc import Sequence

PROCESSES: Final = 8
KINDS: Final[tuple[Kind, ...]] = ("blocking", "asyncio", "blocking", "trio")
"""In turns."""
LEAD: Final = 0.005
"""Seconds between the orders and the moment that they name, so that all have read theirs by then."""
PATIENCE: Final = 60.0
"""Seconds after which a process that has said nothing hangs."""


class Process:
    """One process."""

    def __init__(self, task: Task) -> None:
        self.is_asked = False
        orders, self._orders = os.pipe()
        self.ends, ends = os.pipe()
        self._process = os.fork()  # which spares it the imports
        if self._process == 0:
            try:
                live(task, orders, ends)
            finally:
                os._exit(1)
        os.close(orders)
        os.close(ends)

    def ask(self, key: str, moment: float) -> None:
        """Tell it what to ask for, and when."""
        os.write(self._orders, f"{key} {moment}\n".encode())
        self.is_asked = True

    def end(self) -> End:
        """Return what it was told, which it has said."""
        line = os.read(self.ends, select.PIPE_BUF)
        if not line:
            raise RuntimeError(f"a process ended by itself, with {os.waitpid(self._process, 0)[1]}")
        self.is_asked = False
        return End.load(line)

    def kill(self) -> End | None:
        """Kill it where it is, and return what it had said by then."""
        os.kill(self._process, signal.SIGKILL)
        os.waitpid(self._process, 0)
        line = os.read(self.ends, select.PIPE_BUF)
        os.close(self._orders)
        os.close(self.ends)
        return End.load(line) if line else None

    def close(self) -> None:
        """Have it close its client and its ledger, and wait until it is gone."""
        os.write(self._orders, b"\n")
        os.waitpid(self._process, 0)
        os.close(self._orders)
        os.close(self.ends)


class Processes:
    """All processes.

    Attributes:
        killed: How many were killed while they were asking.
    """

    def __init__(self, task: Task) -> None:
        self.killed = 0
        self._tasks = [replace(task, kind=KINDS[index % len(KINDS)]) for index in range(PROCESSES)]
        self._processes = [Process(each) for each in self._tasks]

    def ask(self, key: str, deaths: Sequence[tuple[float, int]] = ()) -> list[End]:
        """Have all of them ask for a key at one moment, and return what they were told.

        Args:
            key: The key.
            deaths: Who dies, and how many seconds after that moment. Another process takes the place of one that was
                still asking, and asks for the same key at once.
        """
        moment = time.monotonic() + LEAD
        for process in self._processes:
            process.ask(key, moment)
        ends: list[End] = []
        for seconds, index in sorted(deaths):
            self._listen(ends, moment + seconds)
            if self._processes[index].is_asked:
                self._replace(ends, key, index)
        self._listen(ends, moment + PATIENCE)
        if any(process.is_asked for process in self._processes):
            raise RuntimeError(f"a process that asked for {key} hangs")
        return ends

    def _listen(self, ends: list[End], until: float) -> None:
        """Hear what is said until a moment, or until all have said something."""
        while asked := {process.ends: process for process in self._processes if process.is_asked}:
            left = until - time.monotonic()
            if left <= 0:
                break
            ready, _, _ = select.select(asked, [], [], left)
            ends += [asked[each].end() for each in ready]

    def _replace(self, ends: list[End], key: str, index: int) -> None:
        """Kill a process that is asking, and let another one ask in its place."""
        report = self._processes[index].kill()
        if report is None:
            self.killed += 1
        else:
            ends.append(report)
        self._processes[index] = Process(self._tasks[index])
        self._processes[index].ask(key, time.monotonic())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.close()
