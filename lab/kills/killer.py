"""Start and kill the program repeatedly with the same ledger, then compare the ledger with the bills."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aurashot.ledger import SQLiteLedger
from lab.backends import import_engines
from lab.billing import running
from lab.kills.program import IN_FLIGHT, make_calls

if TYPE_CHECKING:
    from aurashot.ledger import Entry

MAX_LATENCY: Final = 0.03
"""Maximum delay of a response, in seconds."""
MAX_RUN_TIME: Final = 0.45
"""Maximum time until the program is killed, in seconds."""


@dataclass(kw_only=True)
class Result:
    """The result of a run."""

    kills: int = 0
    calls: int = 0
    bills: int = 0
    lost: int = 0
    """Number of bills that are missing or `not_paid` in the ledger."""
    double: int = 0
    not_billed: int = 0
    """Number of entries that are `paid` but were not billed."""
    unknown: int = 0
    """Number of entries that are `unknown`."""
    unknown_billed: int = 0
    most_unknown: int = 0
    """Maximum number of `unknown` entries after one kill."""
    integrity: str = ""
    seconds: float = 0.0

    @property
    def is_good(self) -> bool:
        """Whether nothing is lost, and no more entries are `unknown` than calls were in flight."""
        wrong = self.lost or self.double or self.not_billed or self.most_unknown > IN_FLIGHT
        return not wrong and self.integrity == "ok" and self.bills > 0


def kill(kills: int, seed: int) -> Result:
    """Start and kill the program a number of times."""
    rng, start = random.Random(seed), time.monotonic()  # repeatable; not used for secrets
    with tempfile.TemporaryDirectory() as folder, running(seed=seed, slowest=MAX_LATENCY) as service:
        path = Path(folder, "ledger.db")
        import_engines()
        for number in range(kills):
            _run_and_kill(service.url, path, f"run {number}", rng.uniform(0.01, MAX_RUN_TIME))
        time.sleep(2 * MAX_LATENCY)  # the last requests have been billed by then
        result = _compare(service.truth().bills(), path)
    result.kills, result.seconds = kills, time.monotonic() - start
    return result


def _run_and_kill(url: str, path: Path, run: str, seconds: float) -> None:
    """Run the program in a forked process and kill it; forking avoids the imports."""
    process = os.fork()
    if process == 0:
        try:
            make_calls(url, path, run)
        finally:
            os._exit(1)
    time.sleep(seconds)
    os.kill(process, signal.SIGKILL)
    _, status = os.waitpid(process, 0)
    if not os.WIFSIGNALED(status):
        raise RuntimeError(f"the program exited with {os.waitstatus_to_exitcode(status)}")


def _compare(bills: list[str], path: Path) -> Result:
    with SQLiteLedger(path) as ledger:
        entries = ledger.entries()
    by_key: dict[str, Entry] = {entry.idempotency_key: entry for entry in entries}
    billed = set(bills)
    unknown = [entry for entry in entries if entry.payment == "unknown"]
    return Result(
        calls=len(entries),
        bills=len(bills),
        lost=sum(key not in by_key or by_key[key].payment == "not_paid" for key in bills),
        double=len(bills) - len(billed),
        not_billed=sum(entry.payment == "paid" and entry.idempotency_key not in billed for entry in entries),
        unknown=len(unknown),
        unknown_billed=sum(entry.idempotency_key in billed for entry in unknown),
        most_unknown=max(Counter(entry.run for entry in unknown).values(), default=0),
        integrity=_integrity(path),
    )


def _integrity(path: Path) -> str:
    connection = sqlite3.connect(path)
    try:
        response: str = connection.execute("PRAGMA integrity_check").fetchone()[0]
    finally:
        connection.close()
    return response
