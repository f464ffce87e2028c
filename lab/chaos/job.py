"""What a worker process is told to do."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self, TypeAlias

Caller: TypeAlias = Literal["sync", "async", "aiohttp", "usual-sync", "usual-async"]
"""`sync` and `async`: the two clients of the SDK. `aiohttp`: the async one on a client of httpx-aiohttp. `usual-…`:
plain httpx with the field's usual policy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One run of many calls.

    Attributes:
        calls: How many calls.
        at_once: How many of them at once: threads, or tasks.
        deadline: Seconds that one call may take.
        attempts: Requests of one call at most.
        retry_unknown: Whether a lost response is asked for again.
        persistent: Whether the caller repeats a failed call under the same key until its attempts are used up.
        api: Where the server responds.
        flapping: Where it refuses connections half of the time.
        log: The file into which each call's end is written.
        ledger: The ledger's file, empty for none.
    """

    caller: Caller
    seed: int
    calls: int
    at_once: int
    deadline: float
    attempts: int
    retry_unknown: bool
    persistent: bool
    api: str
    flapping: str
    log: str
    ledger: str

    def dump(self) -> str:
        """Return the job as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def load(cls, text: str) -> Self:
        """Read what `dump` wrote."""
        told: dict[str, Any] = json.loads(text)
        return cls(**told)


def key_of(seed: int, number: int) -> str:
    """Return the idempotency key of a call: the same in every run, so that every client meets the same faults."""
    return f"chaos-{seed}-{number:06d}"
