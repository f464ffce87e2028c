"""One run: every key is asked for until all have it; then what was told is held against the bills and the ledger."""

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
    from lab.keys.process import End

ROUNDS: Final = 20
"""Of asking and resolving; a key that is not obtained by then cannot be obtained."""
SLOWEST: Final = 0.2
"""Seconds after which the slowest response begins: long enough to be killed in."""
MORTAL: Final = 0.2
"""The share of the processes that are to be killed while they ask for a key."""
LONGEST: Final = 0.25
"""Seconds after which the last of them is killed."""


@dataclass(kw_only=True)
class Result:
    """What came of it."""

    keys: int = 0
    killed: int = 0
    bills: int = 0
    resolved: int = 0
    """Entries that were in doubt."""
    resolved_as_paid: int = 0
    obtained: int = 0
    """Keys whose image all processes have in the end."""
    delivered: int = 0
    from_ledger: int = 0
    """Of those that were delivered."""
    unresolved: int = 0
    """Processes that were told that the key may be on the bill."""
    errors: int = 0
    """Processes that were told of another error."""
    double: int = 0
    """Keys that were billed more than once."""
    different: int = 0
    """Keys of which two processes got different images."""
    foreign: int = 0
    """Processes that got an image that is not on the bill under their key."""
    untyped: int = 0
    lost: set[str] = field(default_factory=set[str])
    """Keys that were billed, and are neither `paid` nor `unknown` in the ledger."""
    imagined: set[str] = field(default_factory=set[str])
    """Keys that are `paid` in the ledger, and were not billed."""
    integrity: str = ""
    seconds: float = 0.0

    @property
    def is_sound(self) -> bool:
        """Whether every key was paid for once, and every process has its image."""
        wrong = self.double or self.different or self.foreign or self.untyped or self.lost or self.imagined
        return not wrong and self.obtained == self.keys == self.bills > 0 and self.integrity == "ok"


def carry_out(keys: int, seed: int, *, pay_once: bool = True) -> Result:
    """Make a run. Where each request is paid for, there is one round: another one would only buy more."""
    began, draw = time.monotonic(), random.Random(seed)  # a repeatable run, not a secret
    wanted = [f"keys-{seed}-{number:04d}" for number in range(keys)]
    service = running(table="mixed", seed=seed, slowest=SLOWEST, numbers_images=True)
    with tempfile.TemporaryDirectory() as folder, service as api:
        path = Path(folder, "ledger.db")
        task = Task(kind="blocking", url=api.url, ledger=str(path), pay_once=pay_once)
        SQLiteLedger(path).close()
        with Processes(task) as processes:
            result = _rounds(processes, api, task, wanted, draw, most=ROUNDS if pay_once else 1)
        result.integrity = _integrity(path)
    result.seconds = time.monotonic() - began
    return result


def _rounds(
    processes: Processes, api: Service, task: Task, keys: Sequence[str], draw: random.Random, *, most: int
) -> Result:
    """Ask for the keys that nobody has obtained, resolve what is in doubt, and so on; then all ask for all of them."""
    result, wanted = Result(keys=len(keys)), keys
    ends: list[End] = []
    for _ in range(most):
        ends += (end for key in wanted for end in processes.ask(key, _deaths(draw)))
        _resolve(result, api, task)
        have = {end.key for end in ends if end.image is not None}
        wanted = [key for key in keys if key not in have]
        if not wanted:
            break
    if most > 1:
        last = [processes.ask(key) for key in keys]
        ends += (end for each in last for end in each)
        result.obtained = sum(all(end.image is not None for end in each) for each in last)
    result.killed = processes.killed
    _compare(result, ends, api.truth())
    return result


def _deaths(draw: random.Random) -> list[tuple[float, int]]:
    """Draw which processes die, and after how many seconds."""
    return [(draw.uniform(0, LONGEST), index) for index in range(PROCESSES) if draw.random() < MORTAL]


def _resolve(result: Result, api: Service, task: Task) -> None:
    """Hold the ledger against the books, and write down what became of the keys that are in doubt."""
    time.sleep(2 * SLOWEST)  # what was sent last is billed by then
    books = api.truth()
    with SQLiteLedger(task.ledger) as ledger:
        outcomes: dict[str, set[str]] = {}
        for entry in ledger.entries():
            outcomes.setdefault(entry.idempotency_key, set()).add(entry.payment)
        result.lost |= {
            key
            for key, history in books.histories.items()
            if history.bills and outcomes.get(key, set()) <= {"not_paid"}
        }
        result.imagined |= {key for key, known in outcomes.items() if "paid" in known and not books.history(key).bills}
        for key in sorted({entry.idempotency_key for entry in ledger.unresolved()}):
            result.resolved += 1
            found = books.history(key).images
            result.resolved_as_paid += bool(found)
            if found:
                urls = [f"https://cdn.aurashot.art/o/{found[0]}.png"]
                ledger.resolve(key, "paid", urls=urls, request_id=found[0])
            else:
                ledger.resolve(key, "not_paid")


def _compare(result: Result, ends: Iterable[End], books: Truth) -> None:
    """Count what the processes were told, and what of it is wrong."""
    got: dict[str, set[str]] = {}
    told: Counter[str] = Counter()
    for end in ends:
        told[end.error] += 1
        result.untyped += not end.typed
        if end.image is not None:
            result.from_ledger += end.from_ledger
            result.foreign += end.image not in books.history(end.key).images
            got.setdefault(end.key, set()).add(end.image)
    result.delivered, result.unresolved = told[""], told["UnresolvedError"]
    result.errors = told.total() - result.delivered - result.unresolved
    result.different = sum(len(each) > 1 for each in got.values())
    result.bills = sum(history.bills for history in books.histories.values())
    result.double = sum(history.bills > 1 for history in books.histories.values())


def _integrity(path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        response: str = connection.execute("PRAGMA integrity_check").fetchone()[0]
    return response
