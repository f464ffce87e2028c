"""The settings of a worker process."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self, TypeAlias

Caller: TypeAlias = Literal["sync", "async", "aiohttp", "usual-sync", "usual-async"]
"""`sync` and `async`: the two clients of the SDK. `aiohttp`: the async one on a client of httpx-aiohttp. `usual-…`:
plain httpx with a common retry policy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One run of many calls.

    Attributes:
        calls: Number of calls.
        at_once: Number of concurrent calls: threads or tasks.
        deadline: Timeout of one call, in seconds.
        attempts: Maximum number of requests per call.
        retry_unknown: Whether a lost response is retried.
        persistent: Whether the caller repeats a failed call with the same key until its attempts are used up.
        api: The base URL of the server.
        flapping: The base URL of the port that refuses connections half of the time.
        log: The file that the result of each call is written to.
        ledger: The file of the ledger, or an empty string.
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
        """Create it from the output of `dump`."""
        fields: dict[str, Any] = json.loads(text)
        return cls(**fields)


def key_of(seed: int, number: int) -> str:
    """Return the idempotency key of a call; it is the same in every run, so that all clients get the same faults."""
    return f"chaos-{seed}-{number:06d}"
