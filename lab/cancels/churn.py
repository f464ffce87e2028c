"""One run: cancel calls at random times, make probe calls, and compare the ledger with the bills."""

from __future__ import annotations

import os
import random
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import anyio

from aurashot import AsyncAuraShot, AuraShotError
from aurashot.ledger import SQLiteLedger
from lab.billing import running

KEY: Final = "sk_live_cancels_0001"
FACE: Final = "https://example.com/face.jpg"
MAX_LATENCY: Final = 0.25
"""Maximum delay of a response, in seconds."""
AT_ONCE: Final = 200
CONNECTIONS: Final = 50
PROBES: Final = 20


@dataclass(kw_only=True)
class Run:
    """The result of a run."""

    backend: str
    seed: int
    cancels: int = 0
    finished: int = 0
    billed: int = 0
    recorded: int = 0
    lost: int = 0
    """Number of bills without a `paid` entry with a URL in the ledger."""
    wrong: int = 0
    """Number of bills that are `not_paid` in the ledger."""
    double: int = 0
    probes: int = 0
    files: int = 0
    """Number of file descriptors that were left open."""
    slowest: float = 0.0
    """The longest time from a cancellation to the end of the call, in milliseconds."""
    times: list[float] = field(default_factory=list[float])
    seconds: float = 0.0

    @property
    def is_good(self) -> bool:
        """Whether nothing was lost or leaked."""
        return not (self.lost or self.wrong or self.double or self.files) and self.probes == PROBES


def churn(seed: int, cancels: int, backend: str) -> Run:
    """Execute one run."""
    run = Run(backend=backend, seed=seed)
    with tempfile.TemporaryDirectory() as folder, running(seed=seed, slowest=MAX_LATENCY) as service:
        ledger = SQLiteLedger(Path(folder, "ledger.db"))
        files, start = _open_files(), time.monotonic()
        anyio.run(_calls, run, service.url, ledger, cancels, backend=backend)
        run.seconds = time.monotonic() - start
        run.files = max(0, _open_files() - files)
        _compare(run, service.truth().bills(), ledger)
        ledger.close()
    return run


async def _calls(run: Run, url: str, ledger: SQLiteLedger, cancels: int) -> None:
    rng = random.Random(run.seed)  # repeatable; not used for secrets
    async with AsyncAuraShot(KEY, base_url=url, ledger=ledger, max_connections=CONNECTIONS, timeout=60) as client:

        async def worker() -> None:
            while run.cancels < cancels:
                await _call(run, client, rng.uniform(0, 2 * MAX_LATENCY))

        async with anyio.create_task_group() as group:
            for _ in range(AT_ONCE):
                group.start_soon(worker)
        for _ in range(PROBES):
            with anyio.move_on_after(10), suppress(AuraShotError):
                run.probes += (await client.generate("a probe", face=FACE)).succeeded


async def _call(run: Run, client: AsyncAuraShot, after: float) -> None:
    """Make one call and cancel it if it has not finished after a time."""
    with anyio.move_on_after(after) as scope:
        await client.generate("a portrait", face=FACE)
    if scope.cancelled_caught:
        run.cancels += 1
        run.times.append((anyio.current_time() - scope.deadline) * 1000)
    else:
        run.finished += 1


def _compare(run: Run, bills: list[str], ledger: SQLiteLedger) -> None:
    """Compare the bills with the ledger."""
    entries = {entry.idempotency_key: entry for entry in ledger.entries()}
    run.billed, run.recorded = len(bills), len(entries)
    run.double = len(bills) - len(set(bills))
    found = [entries.get(key) for key in bills]
    run.lost = sum(entry is None or entry.payment != "paid" or not entry.urls for entry in found)
    run.wrong = sum(entry is not None and entry.payment == "not_paid" for entry in found)
    run.slowest = max(run.times, default=0.0)


def _open_files() -> int:
    return len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0  # noqa: PTH208  # a count
