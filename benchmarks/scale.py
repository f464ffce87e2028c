"""Thousands of generations under way at once, each of which takes 20 seconds, in one process and in several.

    python -m benchmarks.scale [--quick]

Prints one Markdown table; the figures in docs/scaling.md come from here. The service is simulated in a process of its
own (`benchmarks.slow_server`), and every row has a fresh server and fresh client processes, so that no row sees what
another left behind.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import resource
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import chain
from typing import TYPE_CHECKING, Final, Literal

from aurashot import AsyncAuraShot, AuraShot, AuraShotError
from benchmarks.slow_server import CERTIFICATE, raise_file_limit

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence

KEY: Final = "sk_live_benchmark"
FACE: Final = "https://example.com/face.jpg"
RELAXED_GC: Final = 50_000
"""Objects that are made before the cyclic garbage collector looks: Python's own default is 700 (2,000 since 3.13)."""

_SPARE_FILES: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One row of the table.

    Attributes:
        calls: How many are in flight at once in each process.
        mode: Tasks of one event loop, or threads that share one blocking client.
        latency: Seconds that the service takes for each.
        rounds: How many each task or thread makes, one after the other.
        processes: How many do this at once.
        tls: Whether the connections are encrypted, as those to the hosted service are.
        relaxed_gc: Whether the garbage collector is told to look less often.
    """

    calls: int
    mode: Literal["tasks", "threads"] = "tasks"
    latency: float = 20.0
    rounds: int = 1
    processes: int = 1
    tls: bool = False
    relaxed_gc: bool = False

    @property
    def label(self) -> str:
        """What is different about it."""
        parts = [
            f"{self.processes} processes of " if self.processes > 1 else "",
            f"{self.calls:,} {self.mode}",
            f", {self.rounds} calls each" if self.rounds > 1 else "",
            ", TLS" if self.tls else "",
            ", relaxed GC" if self.relaxed_gc else "",
        ]
        return "".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a case took; of several processes, what they took together.

    Attributes:
        answered: Calls that ended with their picture.
        errors: Calls that ended otherwise.
        repeats: Requests beyond the first of a call.
        wall: Seconds from the first call's start to the last one's end.
        cpu: Seconds of processor time in that span.
        idle: Resident bytes before it.
        peak: The most resident bytes.
    """

    answered: int
    errors: int
    repeats: int
    wall: float
    cpu: float
    idle: int
    peak: int


FULL: Final = (
    Case(calls=1_000),
    Case(calls=2_000),
    Case(calls=5_000),
    Case(calls=10_000),
    Case(calls=1_000, tls=True),
    Case(calls=5_000, tls=True),
    Case(calls=5_000, tls=True, relaxed_gc=True),
    Case(calls=10_000, tls=True, relaxed_gc=True),
    Case(calls=5_000, tls=True, relaxed_gc=True, rounds=3),
    Case(calls=2_500, tls=True, relaxed_gc=True, processes=2),
    Case(calls=5_000, tls=True, relaxed_gc=True, processes=2),
    Case(calls=256, mode="threads"),
    Case(calls=256, mode="threads", tls=True),
)
QUICK: Final = (
    Case(calls=500, latency=2.0),
    Case(calls=500, latency=2.0, tls=True),
    Case(calls=250, latency=2.0, processes=2),
    Case(calls=64, latency=2.0, mode="threads"),
)


# In a client's process.


def _measured(run: Callable[[], list[int]]) -> Figures:
    """Run calls, each of which says how many requests it took (0 if it failed), and return what that took."""
    idle, cpu, began = _peak(), time.process_time(), time.perf_counter()
    requests = run()
    return Figures(
        answered=sum(count > 0 for count in requests),
        errors=requests.count(0),
        repeats=sum(count - 1 for count in requests if count),
        wall=time.perf_counter() - began,
        cpu=time.process_time() - cpu,
        idle=idle,
        peak=_peak(),
    )


def _peak() -> int:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


async def _tasks(case: Case, url: str) -> list[int]:
    """Start all calls at once, as tasks of one event loop."""
    async with AsyncAuraShot(KEY, base_url=url, max_connections=case.calls, timeout=_timeout(case)) as client:

        async def one() -> list[int]:
            return [await requests_of_one() for _ in range(case.rounds)]

        async def requests_of_one() -> int:
            try:
                return (await client.generate("a cafe", face=FACE)).meta.attempts
            except AuraShotError as error:
                return _failed(error)

        return list(chain.from_iterable(await asyncio.gather(*(one() for _ in range(case.calls)))))


def _threads(case: Case, url: str) -> list[int]:
    """Start all calls at once, in a thread each."""
    with AuraShot(KEY, base_url=url, max_connections=case.calls, timeout=_timeout(case)) as client:

        def one(_: int) -> int:
            try:
                return client.generate("a cafe", face=FACE).meta.attempts
            except AuraShotError as error:
                return _failed(error)

        with ThreadPoolExecutor(case.calls) as pool:
            return list(pool.map(one, range(case.calls * case.rounds)))


def _timeout(case: Case) -> float:
    return 3 * case.latency + 100.0


def _failed(error: AuraShotError) -> int:
    print(repr(error), file=sys.stderr)  # noqa: T201 - the table only counts them
    return 0


def _client(case: Case, url: str) -> Figures:
    raise_file_limit()
    if case.relaxed_gc:
        gc.set_threshold(RELAXED_GC, 20, 20)
    if case.mode == "threads":
        return _measured(lambda: _threads(case, url))
    return _measured(lambda: asyncio.run(_tasks(case, url)))


# In the process that prints the table.


@contextmanager
def slow_server(latency: float, *, tls: bool) -> Generator[str]:
    """Run the simulated service in a process of its own for as long as the block lasts; give its address."""
    command = [sys.executable, "-m", "benchmarks.slow_server", str(latency), *(["--tls"] if tls else [])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own command
        assert process.stdout is not None  # noqa: S101 - for the type checkers
        try:
            yield f"{'https://localhost' if tls else 'http://127.0.0.1'}:{int(process.stdout.readline())}"
        finally:
            process.terminate()


def measure(case: Case) -> Figures:
    """Run a case against a fresh server in fresh processes."""
    environment = {**os.environ, "NO_PROXY": "*", "SSL_CERT_FILE": str(CERTIFICATE)}
    with slow_server(case.latency, tls=case.tls) as url:
        command = [sys.executable, "-m", "benchmarks.scale", "--client", json.dumps(asdict(case)), "--url", url]
        clients = [_started(command, environment) for _ in range(case.processes)]
        answers = [client.communicate()[0] for client in clients]
    return together([Figures(**json.loads(answer)) for answer in answers])


def _started(command: list[str], environment: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)  # noqa: S603 - our own command


def together(figures: Sequence[Figures]) -> Figures:
    """Return what several processes took together: the sums, and the longest span."""
    return Figures(
        answered=sum(one.answered for one in figures),
        errors=sum(one.errors for one in figures),
        repeats=sum(one.repeats for one in figures),
        wall=max(one.wall for one in figures),
        cpu=sum(one.cpu for one in figures),
        idle=sum(one.idle for one in figures),
        peak=sum(one.peak for one in figures),
    )


HEADINGS: Final = (
    "in flight",
    "answered",
    "errors",
    "repeats",
    "latency, s",
    "wall, s",
    "CPU, s",
    "CPU per call, ms",
    "cores",
    "peak memory, MB",
    "memory per call in flight, kB",
)


def row(case: Case, figures: Figures) -> str:
    """Return a case and its figures as a row of the table."""
    calls, in_flight = figures.answered + figures.errors, case.calls * case.processes
    cells = (
        case.label,
        f"{figures.answered:,}",
        f"{figures.errors:,}",
        f"{figures.repeats:,}",
        f"{case.latency:g}",
        f"{figures.wall:.1f}",
        f"{figures.cpu:.1f}",
        f"{figures.cpu / calls * 1e3:.2f}",
        f"{figures.cpu / figures.wall:.2f}",
        f"{figures.peak / 1e6:,.0f}",
        f"{(figures.peak - figures.idle) / in_flight / 1e3:.0f}",
    )
    return _line(cells)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _fits(case: Case, files: int) -> bool:
    """Say whether the server, which holds every connection, may have so many open files."""
    return case.calls * case.processes + _SPARE_FILES <= files


def main() -> None:
    """Print the table, or be one of the processes that it speaks of."""
    arguments = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="2 s of latency and 500 calls")
    arguments.add_argument("--client", help=argparse.SUPPRESS)
    arguments.add_argument("--url", help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.client:
        _say(json.dumps(asdict(_client(Case(**json.loads(given.client)), given.url))))
        return
    files = raise_file_limit()
    _say(_line(HEADINGS))
    _say(_line(["---", *["--:"] * (len(HEADINGS) - 1)]))
    for case in QUICK if given.quick else FULL:
        _say(row(case, measure(case)) if _fits(case, files) else f"| {case.label} | needs more than {files:,} files |")


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - printing is what it does


if __name__ == "__main__":
    main()
