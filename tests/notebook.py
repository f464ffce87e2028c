"""A ledger in memory: what a client writes into any ledger, without a disk."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aurashot.ledger import Intent, Ledger, Settlement

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass
class Notebook(Ledger):
    """Intents and settlements in the order in which they came.

    Attributes:
        before: Called before an intent is written; what it raises keeps it out.
        after: Called before a settlement is written.
    """

    intents: list[Intent] = field(default_factory=list[Intent])
    settled: dict[int, Settlement] = field(default_factory=dict[int, Settlement])
    before: Callable[[], None] | None = None
    after: Callable[[], None] | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def reserve(self, intent: Intent, *, timeout: float) -> int:
        """Write an intent."""
        assert timeout > 0
        if self.before is not None:
            self.before()
        with self.lock:
            self.intents.append(intent)
            return len(self.intents) - 1

    def settle(self, entry: int, settlement: Settlement, *, timeout: float) -> None:
        """Write what became of it."""
        assert timeout > 0
        if self.after is not None:
            self.after()
        with self.lock:
            assert entry not in self.settled, "an entry is settled once"
            self.settled[entry] = settlement

    @property
    def outcomes(self) -> list[str]:
        """The outcome of each entry, `unknown` until it is settled."""
        return [
            self.settled[entry].outcome if entry in self.settled else "unknown" for entry in range(len(self.intents))
        ]
