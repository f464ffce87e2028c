"""Thousands of concurrent generations of 20 seconds each, in one process and in several.

    scripts/lab scale [--quick]

Prints the Markdown table of docs/scaling.md. The service is simulated in a separate process (`lab.bench.server`), and
each row has a new server and new client processes, so that rows are independent.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import resource
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from itertools import chain
from typing import TYPE_CHECKING, Final, Literal

from aurashot import AsyncAuraShot, AuraShot, AuraShotError
from lab.page import table
from lab.process import Child, raise_file_limit, send
from lab.server import ca_file

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

KEY: Final = "sk_live_benchmark"
FACE: Final = "https://example.com/face.jpg"
RELAXED_GC: Final = 50_000
"""Threshold of the garbage collector; the default of Python is 700 (2,000 since 3.13)."""

_SPARE_FILES: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One row of the table.

    Attributes:
        calls: Number of concurrent calls in each process.
        mode: Tasks of one event loop, or threads that share one blocking client.
        latency: Latency of the service, in seconds.
        rounds: Number of consecutive calls of each task or thread.
        processes: Number of client processes.
        tls: Whether the connections use TLS.
        relaxed_gc: Whether the garbage collector runs less often.
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
        """The label of the row."""
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
    """The measurements of a case, over all its processes.

    Attributes:
        succeeded: Number of successful calls.
        errors: Number of failed calls.
        retries: Number of retries.
        wall: Wall time of all calls, in seconds.
        cpu: CPU time of all calls, in seconds.
        idle: Resident memory before the calls, in bytes.
        peak: Peak of the resident memory, in bytes.
    """

    succeeded: int
    errors: int
    retries: int
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


# In a client process.


def _measured(run: Callable[[], list[int]]) -> Figures:
    """Measure calls; `run` returns the number of requests of each call, 0 for a failed one."""
    idle, cpu, start = _peak(), time.process_time(), time.perf_counter()
    requests = run()
    return Figures(
        succeeded=sum(count > 0 for count in requests),
        errors=requests.count(0),
        retries=sum(count - 1 for count in requests if count),
        wall=time.perf_counter() - start,
        cpu=time.process_time() - cpu,
        idle=idle,
        peak=_peak(),
    )


def _peak() -> int:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


async def _tasks(case: Case, url: str) -> list[int]:
    """Make all calls concurrently, as tasks of one event loop."""
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
    """Make all calls concurrently, each in a thread."""
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
    print(repr(error), file=sys.stderr)
    return 0


def _client(case: Case, url: str) -> Figures:
    raise_file_limit()
    if case.relaxed_gc:
        gc.set_threshold(RELAXED_GC, 20, 20)
    if case.mode == "threads":
        return _measured(lambda: _threads(case, url))
    return _measured(lambda: asyncio.run(_tasks(case, url)))


# In the process that prints the table.


def measure(case: Case) -> Figures:
    """Run a case with a new server and new client processes."""
    environment = {**os.environ, "NO_PROXY": "*", "SSL_CERT_FILE": str(ca_file())}
    tls = ["--tls"] if case.tls else []
    with ExitStack() as stack:
        url = stack.enter_context(Child("lab.bench.server", "--latency", str(case.latency), *tls)).receive()
        arguments = "--client", json.dumps(asdict(case)), "--url", url
        clients = [
            stack.enter_context(Child("lab.bench.scale", *arguments, environment=environment))
            for _ in range(case.processes)
        ]
        return combined([Figures(**client.receive()) for client in clients])


def combined(figures: Sequence[Figures]) -> Figures:
    """Return the combined measurements of several processes."""
    return Figures(
        succeeded=sum(one.succeeded for one in figures),
        errors=sum(one.errors for one in figures),
        retries=sum(one.retries for one in figures),
        wall=max(one.wall for one in figures),
        cpu=sum(one.cpu for one in figures),
        idle=sum(one.idle for one in figures),
        peak=sum(one.peak for one in figures),
    )


HEADINGS: Final = (
    "in flight",
    "succeeded",
    "errors",
    "retries",
    "latency, s",
    "wall, s",
    "CPU, s",
    "CPU per call, ms",
    "cores",
    "peak memory, MB",
    "memory per call in flight, kB",
)


def row(case: Case, figures: Figures) -> list[str]:
    """Return the table row of a case."""
    calls, in_flight = figures.succeeded + figures.errors, case.calls * case.processes
    return [
        case.label,
        f"{figures.succeeded:,}",
        f"{figures.errors:,}",
        f"{figures.retries:,}",
        f"{case.latency:g}",
        f"{figures.wall:.1f}",
        f"{figures.cpu:.1f}",
        f"{figures.cpu / calls * 1e3:.2f}",
        f"{figures.cpu / figures.wall:.2f}",
        f"{figures.peak / 1e6:,.0f}",
        f"{(figures.peak - figures.idle) / in_flight / 1e3:.0f}",
    ]


def _fits(case: Case, files: int) -> bool:
    """Return whether the server can open a file descriptor for each connection."""
    return case.calls * case.processes + _SPARE_FILES <= files


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table, or run as a client process."""
    parser = argparse.ArgumentParser(prog="scripts/lab scale", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="2 s of latency and 500 calls")
    parser.add_argument("--client", help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.client:
        send(asdict(_client(Case(**json.loads(options.client)), options.url)))
        return 0
    files = raise_file_limit()
    cases = [case for case in (QUICK if options.quick else FULL) if _fits(case, files)]
    print(table(HEADINGS, [row(case, measure(case)) for case in cases]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
