"""What the server knows and the client can only guess: what was asked, done and billed under each key."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any, Self


@dataclass(slots=True)
class Fate:
    """What became of one key."""

    bills: int = 0
    faults: list[str] = field(default_factory=list[str])
    """What was done to each request, in order."""

    @property
    def posts(self) -> int:
        """How many requests came whole."""
        return len(self.faults)


@dataclass(slots=True)
class Truth:
    """The books of one run."""

    fates: dict[str, Fate] = field(default_factory=dict[str, Fate])
    crossed: int = 0
    """Requests whose body belongs to another key than their header."""
    evil_hits: int = 0
    """Requests that followed a redirect to the other origin."""
    evil_keys: int = 0
    """Those of them that brought the API key along."""
    refusing: int = 0
    """How often the flapping port stopped listening."""

    def fate(self, key: str) -> Fate:
        """Return what became of a key, be it nothing."""
        return self.fates.get(key) or Fate()

    def fired(self) -> Counter[str]:
        """Count how often each fault was done."""
        return Counter(fault for fate in self.fates.values() for fault in fate.faults)

    def dump(self) -> str:
        """Return the books as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def load(cls, text: str) -> Self:
        """Read what `dump` wrote."""
        told: dict[str, Any] = json.loads(text)
        told["fates"] = {key: Fate(**fate) for key, fate in told["fates"].items()}
        return cls(**told)
