"""One run from beginning to end: a server, a worker, and what both of them say."""

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
"""Seconds that a call may take, so that a silent server does not make a long evening."""
ALLOCATOR: Final = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": str(2**20), "MALLOC_TRIM_THRESHOLD_": str(2**24)}
"""Let glibc give back what is freed. Of itself it learns to keep large blocks, and each thread has an arena whose end
it never gives back: after some responses of many MiB a process holds a hundred that it does not use, and a leak could
not be seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run is to do.

    Attributes:
        name: What its row is called.
        caller: Which client makes the calls.
        at_once: How many of them at once.
        table: Which table of faults the server uses.
        attempts: Requests of one call at most.
        retry_unknown: Whether lost responses are asked for again.
        honours_keys: Whether the server bills a key once, however often it comes.
        with_ledger: Whether the calls are recorded.
        is_judged: Whether a broken invariant fails the suite: that of the SDK does, that of others does not.
        posts: The most requests a call that the run may take, 0 for no bound.
        delivered: The least share of calls that has to be delivered.
        growth: The most MiB by which memory may grow over the second half.
    """

    name: str
    caller: Caller
    at_once: int
    table: str = "mixed"
    attempts: int = 4
    retry_unknown: bool = False
    honours_keys: bool = False
    with_ledger: bool = False
    is_judged: bool = True
    posts: float = 0.0
    delivered: float = 0.0
    growth: float = 2.0


@dataclass(frozen=True, slots=True)
class Findings:
    """What came of a run."""

    plan: Plan
    seed: int
    reports: list[CallReport]
    truth: Truth
    figures: Figures
    entries: dict[str, list[Entry]]
    """What the ledger holds, by key."""


def carry_out(plan: Plan, seed: int, calls: int) -> Findings:
    """Make a run, in processes of its own."""
    service = running(table=plan.table, seed=seed, honours_keys=plan.honours_keys)
    with tempfile.TemporaryDirectory() as folder, service as api:
        log, ledger = Path(folder, "ends"), Path(folder, "ledger.db") if plan.with_ledger else None
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
        return Figures.load(worker.hear())


def _entries(path: Path | None) -> dict[str, list[Entry]]:
    if path is None:
        return {}

    from aurashot.ledger import SQLiteLedger

    found: dict[str, list[Entry]] = {}
    with SQLiteLedger(path) as ledger:
        for entry in ledger.entries():
            found.setdefault(entry.idempotency_key, []).append(entry)
    return found
