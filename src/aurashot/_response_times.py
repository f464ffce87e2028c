"""How long responses took recently: a billed request is not sent when it would certainly be lost."""

from __future__ import annotations

import time
from typing import Final

WINDOW: Final = 300.0
"""Seconds after which a response time is forgotten: the service may have become faster meanwhile."""
MOST: Final = 16
"""Response times that are kept of each kind of request."""


class ResponseTimes:
    """The fastest recent responses of one client, by kind of request. Threads may share it."""

    def __init__(self) -> None:
        self._recent: dict[str, tuple[tuple[float, float], ...]] = {}

    def add(self, request: str, seconds: float) -> None:
        """Record how long a response took. Slower ones before it can never be the fastest again: they are dropped."""
        now = time.monotonic()
        faster = [each for each in self._recent.get(request, ()) if each[1] < seconds and each[0] > now - WINDOW]
        self._recent[request] = tuple([*faster, (now, seconds)][:MOST])

    def fastest(self, request: str) -> float:
        """Return the seconds of the fastest recent response, 0 if there was none."""
        oldest = time.monotonic() - WINDOW
        for at, seconds in self._recent.get(request, ()):
            if at > oldest:
                return seconds
        return 0.0
