"""Execute one run with a server and a worker process, and collect the records of both."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lab.billing import running
from lab.chaos.job import Caller, Job
from lab.chaos.reports import CallReport
from lab.chaos.worker import Figures
from lab.process import Child

if TYPE_CHECKING:
    from aurashot.ledger import Entry
    from lab.billing import Truth

DEADLINE: Final = 1.0
"""Timeout of a call, in seconds; short, because some faults last until the timeout."""
ALLOCATOR: Final = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": str(2**20), "MALLOC_TRIM_THRESHOLD_": str(2**24)}
"""Make glibc return free memory to the system. By default it keeps large blocks and the arenas of threads: after some
large responses, a process holds about 100 MiB of free memory, which would hide a leak."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The settings of a run.

    Attributes:
        name: The name of its table row.
        caller: The client that makes the calls.
        at_once: Number of concurrent calls.
        table: The table of faults that the server uses.
        attempts: Maximum number of requests per call.
        retry_unknown: Whether lost responses are retried.
        honours_keys: Whether the server bills a repeated key only once.
        with_ledger: Whether the client has a ledger.
        is_checked: Whether a broken invariant fails the suite; false for clients other than the SDK.
        max_retries: The maximum number of retries of all calls, 0 for no limit.
        min_delivered: The minimum share of delivered calls.
        max_growth: The maximum growth of memory in the second half, in MiB.
    """

    name: str
    caller: Caller
    at_once: int
    table: str = "mixed"
    attempts: int = 4
    retry_unknown: bool = False
    honours_keys: bool = False
    with_ledger: bool = False
    is_checked: bool = True
    max_retries: int = 0
    min_delivered: float = 0.0
    max_growth: float = 2.0


@dataclass(frozen=True, slots=True)
class Findings:
    """The records of a run."""

    plan: Plan
    seed: int
    reports: list[CallReport]
    truth: Truth
    figures: Figures
    entries: dict[str, list[Entry]]
    """The entries of the ledger, by key."""


def execute(plan: Plan, seed: int, calls: int) -> Findings:
    """Execute a run in its own processes."""
    service = running(table=plan.table, seed=seed, honours_keys=plan.honours_keys)
    with tempfile.TemporaryDirectory() as folder, service as api:
        log, ledger = Path(folder, "results"), Path(folder, "ledger.db") if plan.with_ledger else None
        job = Job(
            caller=plan.caller,
            seed=seed,
            calls=calls,
            at_once=min(plan.at_once, calls),
            deadline=DEADLINE,
            attempts=plan.attempts,
            retry_unknown=plan.retry_unknown,
            persistent=plan.honours_keys,
            api=api.url,
            flapping=api.flapping if plan.table == "mixed" else api.url,
            log=str(log),
            ledger="" if ledger is None else str(ledger),
        )
        figures = _work(job)
        reports = [CallReport.load(line) for line in log.read_text(encoding="utf-8").splitlines()]
        return Findings(plan, seed, reports, api.truth(), figures, _entries(ledger))


def _work(job: Job) -> Figures:
    with Child("lab.chaos.worker", job.dump(), environment={**os.environ, **ALLOCATOR}) as worker:
        return Figures.load(worker.receive())


def _entries(path: Path | None) -> dict[str, list[Entry]]:
    if path is None:
        return {}

    from aurashot.ledger import SQLiteLedger

    found: dict[str, list[Entry]] = {}
    with SQLiteLedger(path) as ledger:
        for entry in ledger.entries():
            found.setdefault(entry.idempotency_key, []).append(entry)
    return found
