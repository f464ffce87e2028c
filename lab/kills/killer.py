"""Start the program, kill it, start it again on the same ledger; then hold the ledger against the bills."""

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
from lab.billing import running
from lab.kills.program import IN_FLIGHT, live

if TYPE_CHECKING:
    from aurashot.ledger import Entry

SLOWEST: Final = 0.03
"""Seconds that the slowest image takes."""
LONGEST: Final = 0.45
"""Seconds that the program lives at the most."""


@dataclass(kw_only=True)
class Result:
    """What came of it."""

    kills: int = 0
    calls: int = 0
    bills: int = 0
    lost: int = 0
    """Billed, and not in the ledger, or `not_paid` there."""
    double: int = 0
    imagined: int = 0
    """`paid` in the ledger, and not billed."""
    in_doubt: int = 0
    """`unknown` in the ledger."""
    in_doubt_billed: int = 0
    most_in_doubt: int = 0
    """The most of them that one kill left."""
    integrity: str = ""
    seconds: float = 0.0

    @property
    def is_sound(self) -> bool:
        """Whether nothing is missing, and no more is in doubt than was in flight."""
        wrong = self.lost or self.double or self.imagined or self.most_in_doubt > IN_FLIGHT
        return not wrong and self.integrity == "ok" and self.bills > 0


def kill(kills: int, seed: int) -> Result:
    """Kill the program so many times."""
    draw, began = random.Random(seed), time.monotonic()  # a repeatable run, not a secret
    with tempfile.TemporaryDirectory() as folder, running(seed=seed, slowest=SLOWEST) as service:
        path = Path(folder, "ledger.db")
        for number in range(kills):
            _live_and_die(service.url, path, f"life {number}", draw.uniform(0.01, LONGEST))
        time.sleep(2 * SLOWEST)  # what the last life sent is billed by then
        result = _compare(service.truth().bills(), path)
    result.kills, result.seconds = kills, time.monotonic() - began
    return result


def _live_and_die(url: str, path: Path, run: str, seconds: float) -> None:
    """Fork the program, which spares it the imports, and kill it."""
    process = os.fork()
    if process == 0:
        try:
            live(url, path, run)
        finally:
            os._exit(1)
    time.sleep(seconds)
    os.kill(process, signal.SIGKILL)
    _, status = os.waitpid(process, 0)
    if not os.WIFSIGNALED(status):
        raise RuntimeError(f"the program ended by itself, with {os.waitstatus_to_exitcode(status)}")


def _compare(bills: list[str], path: Path) -> Result:
    with SQLiteLedger(path) as ledger:
        entries = ledger.entries()
    by_key: dict[str, Entry] = {entry.idempotency_key: entry for entry in entries}
    certain = set(bills)
    unknown = [entry for entry in entries if entry.payment == "unknown"]
    return Result(
        calls=len(entries),
        bills=len(bills),
        lost=sum(key not in by_key or by_key[key].payment == "not_paid" for key in bills),
        double=len(bills) - len(certain),
        imagined=sum(entry.payment == "paid" and entry.idempotency_key not in certain for entry in entries),
        in_doubt=len(unknown),
        in_doubt_billed=sum(entry.idempotency_key in certain for entry in unknown),
        most_in_doubt=max(Counter(entry.run for entry in unknown).values(), default=0),
        integrity=_integrity(path),
    )


def _integrity(path: Path) -> str:
    connection = sqlite3.connect(path)
    try:
        response: str = connection.execute("PRAGMA integrity_check").fetchone()[0]
    finally:
        connection.close()
    return response
