"""How long a call may take, all in all."""

from __future__ import annotations

import time


class Deadline:
    """A moment on the monotonic clock that every wait of one call respects."""

    __slots__ = ("at", "seconds")

    def __init__(self, seconds: float) -> None:
        self.seconds: float = seconds
        self.at: float = time.monotonic() + seconds

    @property
    def remaining(self) -> float:
        """Seconds that are left, 0 when it has passed."""
        return max(0.0, self.at - time.monotonic())

    @property
    def elapsed(self) -> float:
        """Seconds since the call began."""
        return self.seconds - (self.at - time.monotonic())

    @property
    def passed(self) -> bool:
        """Whether nothing is left."""
        return time.monotonic() >= self.at

    def bound(self, seconds: float | None) -> float:
        """Return a timeout that does not outlive the call."""
        return self.remaining if seconds is None else min(seconds, self.remaining)
