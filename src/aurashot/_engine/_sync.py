"""The sync engine."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

import httpcore

from aurashot._engine._addresses import NamedNetwork
from aurashot._engine._log import hide_in_log
from aurashot._engine._network import OUTGOING
from aurashot._engine._slots import (
    DIRECT,
    SWEEP_INTERVAL,
    Route,
    Slot,
    expired,
    has_trailing_data,
    headers_of,
    is_reusable,
    pop,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aurashot._engine._network import Outgoing


class _Pool:
    """The idle slots of one process, and the permits for new ones."""

    def __init__(self, limit: int) -> None:
        self.pid: int = os.getpid()
        self.idle: deque[Slot] = deque()
        self.permits: threading.BoundedSemaphore = threading.BoundedSemaphore(limit)
        self._timer: threading.Timer | None = None
        self._lock = threading.RLock()  # a signal's handler may close the client while this thread holds it

    def keep(self, slot: Slot) -> None:
        """Keep a slot for another request, until it was idle for too long."""
        slot.idle_since = time.monotonic()
        with self._lock:
            self.idle.append(slot)
            self._watch()

    def close(self) -> None:
        """Close the idle slots."""
        while (slot := pop(self.idle)) is not None:
            slot.connection.close()
        with self._lock:
            timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
            timer.join()

    def _watch(self) -> None:
        if self.idle and self._timer is None:
            timer = threading.Timer(SWEEP_INTERVAL, self._sweep)
            timer.name, timer.daemon = "aurashot-idle-connections", True
            with suppress(RuntimeError):  # no more threads: there are too many, or the interpreter is about to end
                timer.start()
                self._timer = timer

    def _sweep(self) -> None:
        for slot in expired(self.idle):
            slot.connection.close()
        with self._lock:
            self._timer = None
            self._watch()


class Engine:
    """Send sync requests, each on its own connection.

    Args:
        limit: Connections at most; further requests wait in order, and the wait counts in their deadline.
        route: The proxy to go through, and the TLS context.
        network: What makes the connections, if not the default.
    """

    def __init__(self, limit: int, route: Route = DIRECT, network: httpcore.NetworkBackend | None = None) -> None:
        self._limit = limit
        self._route = route
        self._network = network or NamedNetwork()
        self._pool = _Pool(limit)

    def send(self, outgoing: Outgoing) -> ResponseStream:
        """Send one request and return the response, its body still to be read."""
        pool = self._own_pool()
        if not pool.permits.acquire(timeout=outgoing.deadline.remaining):
            raise httpcore.PoolTimeout
        slot = pop(pool.idle)
        try:
            with outgoing.request() as request:
                hide_in_log(request, outgoing.authorization)
                cast("Any", request).extensions[OUTGOING] = outgoing
                if slot is not None and not is_reusable(slot, request.url):
                    slot.connection.close()
                    slot = None
                slot = slot or Slot(request.url, self._route, self._network)
                slot.clock.outgoing = outgoing
                return ResponseStream(slot.connection.handle_request(request), slot, pool)
        except BaseException:
            if slot is not None:
                slot.connection.close()
            pool.permits.release()
            raise

    def _own_pool(self) -> _Pool:
        if self._pool.pid != os.getpid():
            # The parent's connections are dropped, not closed: a TLS goodbye would end them for the parent too.
            self._pool = _Pool(self._limit)
        return self._pool

    def close(self) -> None:
        """Close the idle connections."""
        self._own_pool().close()


class ResponseStream:
    """A response whose body is still to be read; closing it returns the slot."""

    def __init__(self, response: httpcore.Response, slot: Slot, pool: _Pool) -> None:
        self.status: int = response.status
        self.headers: dict[str, str] = headers_of(response.headers)
        self._response = response
        self._slot = slot
        self._pool = pool
        self._clean = False

    def __iter__(self) -> Iterator[bytes]:
        yield from cast("Iterable[bytes]", self._response.stream)
        self._clean = True

    def close(self) -> None:
        """Return the slot if the response was read to its clean end; otherwise discard it."""
        try:
            self._response.close()
            if self._clean and not has_trailing_data(self._slot.connection):
                self._pool.keep(self._slot)
            else:
                self._slot.connection.close()
        finally:
            self._pool.permits.release()
