"""A ledger in memory: what a client writes into any ledger, without a disk."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aurashot.ledger import Entry, Intent, Ledger, Reserve, Settle, Settlement

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aurashot import AuraShotError
    from aurashot.ledger import Write


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

    def recall(self, intent: Intent, *, timeout: float) -> None:
        """Remember nothing: each request is new."""

    def write(self, writes: Sequence[Write], *, timeout: float) -> list[Entry | AuraShotError | None]:
        """Write intents and settlements."""
        assert timeout > 0
        return [self.write_one(each) for each in writes]

    def write_one(self, write: Write) -> Entry | None:
        """Write one of them."""
        match write:
            case Reserve(intent):
                return self.begin(intent)
            case Settle(number, settlement):
                self.end(number, settlement)
            case _:
                raise AssertionError(f"nobody annotates here: {write}")
        return None

    def begin(self, intent: Intent) -> Entry:
        """Write an intent."""
        if self.before is not None:
            self.before()
        with self.lock:
            self.intents.append(intent)
            return Entry.begin(intent, number=len(self.intents) - 1)

    def end(self, number: int, settlement: Settlement) -> None:
        """Write what became of it."""
        if self.after is not None:
            self.after()
        with self.lock:
            assert number not in self.settled, "an entry is settled once"
            self.settled[number] = settlement

    @property
    def outcomes(self) -> list[str]:
        """The outcome of each entry, `unknown` until it is settled."""
        return [
            self.settled[entry].payment if entry in self.settled else "unknown" for entry in range(len(self.intents))
        ]
