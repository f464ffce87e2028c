"""Paid calls: each has a key, goes on when its client stops waiting, and is never paid for twice.

The key is the idempotency key of the request in the ledger. If the client passes none, it is made from the call itself:
a client that gives up and repeats a call does not know the key of the first one. A repeated call then finds

    under way in this server    the same call, and waits for it
    paid                        the stored result, or after ten minutes, if no key was passed, a new key
    unknown                     an error that says so; nothing is sent
    not paid                    the same key, which may be sent again
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import anyio
from anyio import to_thread

from aurashot.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from anyio.abc import TaskGroup

    from aurashot.ledger import Entry, SQLiteLedger

T = TypeVar("T")

REPEATED_WITHIN: Final = timedelta(minutes=10)
"""How long an identical call without a key is taken for a repetition."""
_PROGRESS_EVERY: Final = 5.0
"""Seconds between two reports of progress."""


def call_id(tool: str, arguments: Mapping[str, Any]) -> str:
    """Return what identifies a call: a name of 20 characters for a tool and its arguments.

    Args:
        tool: The tool.
        arguments: JSON values; images by the SHA-256 of their content.
    """
    text = json.dumps([tool, arguments], sort_keys=True, ensure_ascii=True)
    return f"mcp-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def is_still_its_key(entries: Iterable[Entry], now: datetime) -> bool:
    """Return whether a call without a key of its own has the key that these entries have.

    Args:
        entries: All entries of the key.
        now: The time; UTC.
    """
    counted = [entry for entry in entries if entry.payment != "not_paid"]
    if not counted or any(entry.payment in {"unknown", "pending"} for entry in counted):
        return True
    return now - max(entry.finished_at or entry.started_at for entry in counted) < REPEATED_WITHIN


def check_same_call(key: str, identity: str, entries: Iterable[Entry]) -> None:
    """Check that a key was not used for another call of this server.

    Raises:
        InputError: It was; nothing was sent.
    """
    for entry in entries:
        is_other = entry.parent_id is not None and entry.parent_id.startswith("mcp-") and entry.parent_id != identity
        if is_other and entry.payment != "not_paid":
            raise _used(key)


def _used(key: str) -> InputError:
    return InputError(
        f"request_key: '{key}' was used for a call with other arguments; repeat a call with the same arguments, or "
        "pass a new key for a new image",
        argument="request_key",
    )


@dataclass(slots=True)
class _Call:
    """A call under way."""

    identity: str
    done: anyio.Event = field(default_factory=anyio.Event)
    result: object = None
    error: Exception | None = None


class PaidCalls:
    """The paid calls of one server. They belong to the server, not to the request of a client.

    Args:
        ledger: Where they are recorded.
        tasks: Where they run.
        answer_within: Seconds that `run` waits.
    """

    def __init__(self, ledger: SQLiteLedger, tasks: TaskGroup, answer_within: float) -> None:
        self._ledger = ledger
        self._tasks = tasks
        self._answer_within = answer_within
        self._under_way: dict[str, _Call] = {}

    async def key_of(self, identity: str, given: str | None) -> str:
        """Return the key of a call.

        Args:
            identity: What identifies the call.
            given: The client's own key.

        Raises:
            InputError: The client's key was used for another call.
        """
        if given is not None:
            check_same_call(given, identity, await self.entries(given))
            return given
        for number in count(1):
            key = f"{identity}-{number}"
            if key in self._under_way or is_still_its_key(await self.entries(key), datetime.now(UTC)):
                return key
        raise AssertionError  # unreachable: the count does not end

    async def entries(self, key: str) -> Sequence[Entry]:
        """Return what the ledger has of a key."""
        return await to_thread.run_sync(lambda: self._ledger.find(key=key))

    async def run(
        self,
        key: str,
        identity: str,
        make: Callable[[], Awaitable[T]],
        progress: Callable[[float], Awaitable[object]],
    ) -> T | None:
        """Begin a call, or join the one with the same key, and wait for its result.

        Args:
            key: Its key.
            identity: What identifies it.
            make: Does it. It goes on if the client stops waiting.
            progress: Called every few seconds with the seconds since this began to wait.

        Returns:
            The result; None if it is still under way when the time for an answer is over.

        Raises:
            InputError: The call under way with the same key is another one.
            Exception: What the call has raised.
        """
        call = self._under_way.get(key)
        if call is None:
            call = self._under_way[key] = _Call(identity)
            self._tasks.start_soon(self._do, key, call, make)
        elif call.identity != identity:
            raise _used(key)
        return cast("T | None", await self._result(call, progress))  # of a call that made the same

    async def join(self, key: str, progress: Callable[[float], Awaitable[object]]) -> bool:
        """Wait for the call under way with this key, if there is one; return whether it still is.

        Args:
            key: The key.
            progress: As for `run`.

        Raises:
            Exception: What the call has raised.
        """
        call = self._under_way.get(key)
        if call is not None:
            await self._result(call, progress)
        return key in self._under_way

    async def _result(self, call: _Call, progress: Callable[[float], Awaitable[object]]) -> object | None:
        with anyio.move_on_after(self._answer_within):
            await self._wait(call, progress)
        if call.error is not None:
            raise call.error
        return call.result

    async def _do(self, key: str, call: _Call, make: Callable[[], Awaitable[object]]) -> None:
        try:
            call.result = await make()
        except Exception as error:  # noqa: BLE001  # whoever waits gets it; the other calls go on
            call.error = error
        finally:
            del self._under_way[key]
            call.done.set()

    async def _wait(self, call: _Call, progress: Callable[[float], Awaitable[object]]) -> None:
        since = anyio.current_time()
        while not call.done.is_set():
            with anyio.move_on_after(_PROGRESS_EVERY):
                await call.done.wait()
                return
            await progress(anyio.current_time() - since)

    async def finish(self, grace: float) -> None:
        """Wait for the calls under way, then cancel what is left. The ledger knows of it.

        Args:
            grace: Seconds to wait at most.
        """
        with anyio.move_on_after(grace, shield=True):
            for call in list(self._under_way.values()):
                await call.done.wait()
        self._tasks.cancel_scope.cancel()
