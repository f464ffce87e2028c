"""How long a call may take in total."""

from __future__ import annotations

import time

from aurashot.errors import ConfigurationError, DeadlineExceededError


class Deadline:
    """A moment on the monotonic clock that every wait of one operation respects."""

    __slots__ = ("at", "seconds")

    def __init__(self, seconds: float) -> None:
        self.seconds: float = seconds
        self.at: float = time.monotonic() + seconds

    @property
    def remaining(self) -> float:
        """Seconds that are left, 0 after it has passed."""
        return max(0.0, self.at - time.monotonic())

    @property
    def elapsed(self) -> float:
        """Seconds since the operation began."""
        return self.seconds - (self.at - time.monotonic())

    @property
    def passed(self) -> bool:
        """Whether nothing is left."""
        return time.monotonic() >= self.at

    def check(self) -> None:
        """Raise if nothing is left.

        Raises:
            DeadlineExceededError: The time is over.
        """
        if self.passed:
            raise self.exceeded()

    def bound(self, seconds: float | None) -> float:
        """Return a timeout, limited to what is left."""
        return self.remaining if seconds is None else min(seconds, self.remaining)

    def exceeded(self, when: str = "before the request was sent") -> DeadlineExceededError:
        """Return the error for an operation whose time passed while no request was under way."""
        return DeadlineExceededError(f"The call's {self.seconds:g} s ran out {when}")


def check_optional_seconds(name: str, seconds: object) -> None:
    """Check a number of seconds that may be left out.

    Raises:
        ConfigurationError: It is not a finite number of at least 0.
    """
    if seconds is not None and (seconds != 0 or isinstance(seconds, bool)):
        _check_seconds(name, seconds, "of at least 0")


def check_timeout(seconds: object) -> float:
    """Return a valid number of seconds.

    Raises:
        ConfigurationError: It is not a finite number above 0.
    """
    return _check_seconds("timeout", seconds, "above 0")


def _check_seconds(name: str, seconds: object, allowed: str) -> float:
    if isinstance(seconds, int | float) and not isinstance(seconds, bool) and 0 < seconds < float("inf"):
        return seconds
    raise ConfigurationError(f"{name} must be a number of seconds {allowed}, not {seconds!r}")
