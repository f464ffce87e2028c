"""Control the processes from their parent: send commands, kill some, and fork replacements."""

from __future__ import annotations

import os
import select
import signal
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Self

from lab.backends import import_engines
from lab.keys.process import CallReport, Kind, Task, run

if TYPE_CHECKING:
    from collections.abc import Sequence

PROCESSES: Final = 8
KINDS: Final[tuple[Kind, ...]] = ("blocking", "asyncio", "blocking", "trio")
"""The clients of the processes, repeated."""
LEAD: Final = 0.005
"""Seconds between sending the commands and the start of the calls, so that all processes have read theirs."""
HANG_TIMEOUT: Final = 60.0
"""Seconds after which a process without a result counts as hanging."""


class Process:
    """A child process."""

    def __init__(self, task: Task) -> None:
        self.is_busy = False
        commands, self._commands = os.pipe()
        self.results, results = os.pipe()
        self._process = os.fork()  # avoids the imports
        if self._process == 0:
            try:
                run(task, commands, results)
            finally:
                os._exit(1)
        os.close(commands)
        os.close(results)

    def start(self, key: str, start_time: float) -> None:
        """Start a call with a key at a time."""
        os.write(self._commands, f"{key} {start_time}\n".encode())
        self.is_busy = True

    def receive(self) -> CallReport:
        """Read and return the report of the call."""
        line = os.read(self.results, select.PIPE_BUF)
        if not line:
            raise RuntimeError(f"a process exited with status {os.waitpid(self._process, 0)[1]}")
        self.is_busy = False
        return CallReport.load(line)

    def kill(self) -> CallReport | None:
        """Kill it, and return the report of its call if it has written one."""
        os.kill(self._process, signal.SIGKILL)
        os.waitpid(self._process, 0)
        line = os.read(self.results, select.PIPE_BUF)
        os.close(self._commands)
        os.close(self.results)
        return CallReport.load(line) if line else None

    def close(self) -> None:
        """Make it close its client and its ledger, and wait until it has exited."""
        os.write(self._commands, b"\n")
        os.waitpid(self._process, 0)
        os.close(self._commands)
        os.close(self.results)


class Processes:
    """All processes.

    Attributes:
        killed: How many were killed during a call.
    """

    def __init__(self, task: Task) -> None:
        self.killed = 0
        import_engines()
        self._tasks = [replace(task, kind=KINDS[index % len(KINDS)]) for index in range(PROCESSES)]
        self._processes = [Process(each) for each in self._tasks]

    def use_key(self, key: str, kills: Sequence[tuple[float, int]] = ()) -> list[CallReport]:
        """Make a call with the same key in all processes at the same time, and return their reports.

        Args:
            key: The idempotency key.
            kills: Delays in seconds and indices of the processes to kill. A process that is killed during its call is
                replaced, and the new process uses the same key immediately.
        """
        start_time = time.monotonic() + LEAD
        for process in self._processes:
            process.start(key, start_time)
        reports: list[CallReport] = []
        for seconds, index in sorted(kills):
            self._collect(reports, start_time + seconds)
            if self._processes[index].is_busy:
                self._replace(reports, key, index)
        self._collect(reports, start_time + HANG_TIMEOUT)
        if any(process.is_busy for process in self._processes):
            raise RuntimeError(f"a process that uses {key} hangs")
        return reports

    def _collect(self, reports: list[CallReport], until: float) -> None:
        """Read reports until a time, or until all processes have written one."""
        while busy := {process.results: process for process in self._processes if process.is_busy}:
            left = until - time.monotonic()
            if left <= 0:
                break
            ready, _, _ = select.select(busy, [], [], left)
            reports += [busy[pipe].receive() for pipe in ready]

    def _replace(self, reports: list[CallReport], key: str, index: int) -> None:
        """Kill a process during its call, and start the call in a new process."""
        report = self._processes[index].kill()
        if report is None:
            self.killed += 1
        else:
            reports.append(report)
        self._processes[index] = Process(self._tasks[index])
        self._processes[index].start(key, time.monotonic())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.close()
