"""One run: use each key until all processes have its image, then compare the reports with the bills and the ledger."""

from __future__ import annotations

import random
import sqlite3
import tempfile
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aurashot.ledger import SQLiteLedger
from lab.billing import running
from lab.keys.process import Task
from lab.keys.processes import PROCESSES, Processes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lab.billing import Service, Truth
    from lab.keys.process import CallReport

ROUNDS: Final = 20
"""Maximum number of rounds; a key without an image after these is a failure."""
MAX_LATENCY: Final = 0.2
"""Maximum delay of a response in seconds, long enough for kills during a call."""
KILL_SHARE: Final = 0.2
"""The share of the processes that are killed during a call."""
MAX_KILL_DELAY: Final = 0.25
"""Maximum delay of a kill, in seconds."""


@dataclass(kw_only=True)
class Result:
    """The result of a run."""

    keys: int = 0
    killed: int = 0
    bills: int = 0
    unknown: int = 0
    """Number of entries that were `unknown`."""
    unknown_billed: int = 0
    obtained: int = 0
    """Number of keys whose image all processes got in the last round."""
    delivered: int = 0
    from_ledger: int = 0
    """Delivered images that came from the ledger."""
    unresolved: int = 0
    """Number of calls that ended with an `UnresolvedError`."""
    errors: int = 0
    """Number of calls that ended with another error."""
    double: int = 0
    """Number of keys that were billed more than once."""
    different: int = 0
    """Number of keys with different images in different processes."""
    wrong_image: int = 0
    """Number of images that were not billed for the key of the call."""
    untyped: int = 0
    lost: set[str] = field(default_factory=set[str])
    """Keys that were billed and are neither `paid` nor `unknown` in the ledger."""
    not_billed: set[str] = field(default_factory=set[str])
    """Keys that are `paid` in the ledger and were not billed."""
    integrity: str = ""
    seconds: float = 0.0

    @property
    def is_good(self) -> bool:
        """Whether each key was billed once and all processes got its image."""
        wrong = self.double or self.different or self.wrong_image or self.untyped or self.lost or self.not_billed
        return not wrong and self.obtained == self.keys == self.bills > 0 and self.integrity == "ok"


def execute(keys: int, seed: int, *, pay_once: bool = True) -> Result:
    """Execute a run. With `pay_once=False` there is only one round, since each call is billed."""
    start, rng = time.monotonic(), random.Random(seed)  # repeatable; not used for secrets
    wanted = [f"keys-{seed}-{number:04d}" for number in range(keys)]
    service = running(table="mixed", seed=seed, slowest=MAX_LATENCY, numbers_images=True)
    with tempfile.TemporaryDirectory() as folder, service as api:
        path = Path(folder, "ledger.db")
        task = Task(kind="blocking", url=api.url, ledger=str(path), pay_once=pay_once)
        SQLiteLedger(path).close()
        with Processes(task) as processes:
            result = _rounds(processes, api, task, wanted, rng, most=ROUNDS if pay_once else 1)
        result.integrity = _integrity(path)
    result.seconds = time.monotonic() - start
    return result


def _rounds(
    processes: Processes, api: Service, task: Task, keys: Sequence[str], rng: random.Random, *, most: int
) -> Result:
    """Use the keys without an image and resolve unknown entries, repeatedly; then use all keys in all processes."""
    result, wanted = Result(keys=len(keys)), keys
    reports: list[CallReport] = []
    for _ in range(most):
        reports += (report for key in wanted for report in processes.use_key(key, _kills(rng)))
        _resolve(result, api, task)
        have = {report.key for report in reports if report.image is not None}
        wanted = [key for key in keys if key not in have]
        if not wanted:
            break
    if most > 1:
        last = [processes.use_key(key) for key in keys]
        reports += (report for each in last for report in each)
        result.obtained = sum(all(report.image is not None for report in each) for each in last)
    result.killed = processes.killed
    _compare(result, reports, api.truth())
    return result


def _kills(rng: random.Random) -> list[tuple[float, int]]:
    """Return random delays of kills and indices of processes."""
    return [(rng.uniform(0, MAX_KILL_DELAY), index) for index in range(PROCESSES) if rng.random() < KILL_SHARE]


def _resolve(result: Result, api: Service, task: Task) -> None:
    """Compare the ledger with the bills, and resolve the entries that are unknown."""
    time.sleep(2 * MAX_LATENCY)  # the last requests have been billed by then
    truth = api.truth()
    with SQLiteLedger(task.ledger) as ledger:
        outcomes: dict[str, set[str]] = {}
        for entry in ledger.entries():
            outcomes.setdefault(entry.idempotency_key, set()).add(entry.payment)
        result.lost |= {
            key
            for key, history in truth.histories.items()
            if history.bills and outcomes.get(key, set()) <= {"not_paid"}
        }
        result.not_billed |= {
            key for key, known in outcomes.items() if "paid" in known and not truth.history(key).bills
        }
        for key in sorted({entry.idempotency_key for entry in ledger.unresolved()}):
            result.unknown += 1
            found = truth.history(key).images
            result.unknown_billed += bool(found)
            if found:
                urls = [f"https://cdn.aurashot.art/o/{found[0]}.png"]
                ledger.resolve(key, "paid", urls=urls, request_id=found[0])
            else:
                ledger.resolve(key, "not_paid")


def _compare(result: Result, reports: Iterable[CallReport], truth: Truth) -> None:
    """Count the reports, the errors and the wrong images."""
    got: dict[str, set[str]] = {}
    errors: Counter[str] = Counter()
    for report in reports:
        errors[report.error] += 1
        result.untyped += not report.typed
        if report.image is not None:
            result.from_ledger += report.from_ledger
            result.wrong_image += report.image not in truth.history(report.key).images
            got.setdefault(report.key, set()).add(report.image)
    result.delivered, result.unresolved = errors[""], errors["UnresolvedError"]
    result.errors = errors.total() - result.delivered - result.unresolved
    result.different = sum(len(each) > 1 for each in got.values())
    result.bills = sum(history.bills for history in truth.histories.values())
    result.double = sum(history.bills > 1 for history in truth.histories.values())


def _integrity(path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        response: str = connection.execute("PRAGMA integrity_check").fetchone()[0]
    return response
