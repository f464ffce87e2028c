"""Single flight: the same content is uploaded once per client, even when many calls need it at once.

The first caller does the work, the others wait for it. A failure is raised in all that waited and is not cached; if the
first caller was cancelled or reached its own deadline, one of the others takes over.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from copy import copy
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from aurashot.errors import AuraShotError, DeadlineExceededError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Container, Hashable

    from aurashot._deadline import Deadline
    from aurashot._transport._runtime import Runtime, Signal

T = TypeVar("T")

MAX_REMEMBERED: Final = 1024
MAX_AGE: Final = 3600.0
"""Seconds after which the same content is uploaded again: how long the service keeps it is not documented."""


class ResponseCache:
    """Responses by key, limited in number and age; the least recently used is dropped first."""

    def __init__(self, *, size: int = MAX_REMEMBERED, age: float = MAX_AGE) -> None:
        self._size = size
        self._age = age
        self._kept: OrderedDict[str, tuple[float, Any]] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: str) -> Any | None:
        """Return the cached response of a key, or None."""
        with self._lock:
            born, value = self._kept.get(key, (float("-inf"), None))
            if time.monotonic() - born > self._age:
                self._kept.pop(key, None)
                return None
            self._kept.move_to_end(key)
            return value

    def forget(self, urls: Container[str], *, min_age: float) -> None:
        """Drop the responses with one of the URLs that were cached at least `min_age` seconds ago."""
        latest = time.monotonic() - min_age
        with self._lock:
            for key, (born, value) in list(self._kept.items()):
                if born <= latest and getattr(value, "url", "") in urls:
                    del self._kept[key]

    def put(self, key: str, value: object) -> None:
        """Cache a response."""
        with self._lock:
            self._kept[key] = (time.monotonic(), value)
            self._kept.move_to_end(key)
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)


class _Flight:
    """Work in progress that others wait for."""

    __slots__ = ("done", "error")

    def __init__(self, done: Signal) -> None:
        self.done = done
        self.error: AuraShotError | None = None

    def failed(self, error: AuraShotError) -> None:
        if not isinstance(error, DeadlineExceededError):
            self.error = copy(error)  # without its traceback, whose frames hold this

    def check(self) -> None:
        """Raise the error of the work, on a traceback of this caller."""
        if self.error is not None:
            raise copy(self.error)


class SingleFlight:
    """Work in progress by key, per process and event loop, and the cached responses."""

    def __init__(self, cache: ResponseCache, runtime: Runtime) -> None:
        self._cache = cache
        self._runtime = runtime
        self._running: dict[Hashable, _Flight] = {}
        self._lock = threading.Lock()

    def forget(self, urls: Container[str], *, min_age: float) -> None:
        """Drop the cached responses with one of the URLs that are at least `min_age` seconds old."""
        self._cache.forget(urls, min_age=min_age)

    async def get(self, key: str, deadline: Deadline, work: Callable[[], Awaitable[T]]) -> T:
        """Return the response for a key: from the cache, by waiting, or by doing the work."""
        flight_key = (self._runtime.loop_key(), key)  # a loop waits for itself, and a forked child for itself
        while True:
            with self._lock:
                known = self._cache.get(key)
                if known is not None:
                    return cast("T", known)
                flight = self._running.get(flight_key)
                if flight is None:
                    mine = self._running[flight_key] = _Flight(self._runtime.signal())
                    break
            if not await flight.done.wait(deadline.remaining):
                raise deadline.exceeded()
            flight.check()
        try:
            response = await work()
            self._cache.put(key, response)
        except AuraShotError as error:
            mine.failed(error)
            raise
        else:
            return response
        finally:
            with self._lock:
                del self._running[flight_key]
            mine.done.set()
