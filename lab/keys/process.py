"""One of the processes: it asks for the keys that it is told, at the moments that it is told, and says what it got."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, Self, TypeAlias

import anyio
from anyio import to_thread

from aurashot import AsyncAuraShot, AuraShot, AuraShotError, RetryPolicy
from aurashot.ledger import SQLiteLedger
from lab.billing import API_KEY, FACE, prompt

if TYPE_CHECKING:
    from typing import TextIO

    from aurashot import Generation

DEADLINE: Final = 1.0
"""Seconds that a call may take, so that a silent server does not make a long evening."""
RETRY: Final = RetryPolicy(initial_delay=0.05, max_delay=0.2)

Kind: TypeAlias = Literal["blocking", "asyncio", "trio"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What a process is to do.

    Attributes:
        kind: With which client.
        url: Of the service.
        ledger: The file that all processes share.
        pay_once: Whether the ledger may stand in the way.
    """

    kind: Kind
    url: str
    ledger: str
    pay_once: bool

    @property
    def options(self) -> dict[str, Any]:
        """What a client is made with."""
        return {"api_key": API_KEY, "base_url": self.url, "timeout": DEADLINE, "retry": RETRY}

    def arguments(self, key: str) -> dict[str, Any]:
        """Return what it is asked for."""
        return {"prompt": prompt(key), "face": FACE, "idempotency_key": key, "pay_once": self.pay_once}


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """What one process was told in the end.

    Attributes:
        key: What it asked for.
        image: What the image is known by that it got.
        from_ledger: Whether it was paid for by another request.
        error: The name of the error's class, empty for a result.
        typed: Whether it is one of the SDK's own errors.
        outcome: What the error says about the request.
    """

    key: str
    image: str | None = None
    from_ledger: bool = False
    error: str = ""
    typed: bool = True
    outcome: str = ""

    def dump(self) -> bytes:
        """Return it as a line, which is short enough to be written whole or not at all."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def load(cls, line: bytes) -> Self:
        """Read what `dump` wrote."""
        told: dict[str, Any] = json.loads(line)
        return cls(**told)


def delivered(key: str, result: Generation) -> End:
    """Say which image a process got."""
    identities = {str(result.request_id), result.url.rpartition("/")[2].removesuffix(".png")}
    return End(key=key, image=" and ".join(sorted(identities)), from_ledger=result.meta.from_ledger)


def failed(key: str, error: Exception) -> End:
    """Say what a process was told instead."""
    if isinstance(error, AuraShotError):
        return End(key=key, error=type(error).__name__, outcome=error.outcome)
    return End(key=key, error=type(error).__name__, typed=False)


def live(task: Task, orders: int, ends: int) -> None:
    """Do what the orders say, a line each, until an empty one comes."""
    with SQLiteLedger(task.ledger) as ledger, open(orders, encoding="ascii") as told:
        if task.kind == "blocking":
            _block(task, ledger, told, ends)
        else:
            anyio.run(_wait, task, ledger, told, ends, backend=task.kind)


def _block(task: Task, ledger: SQLiteLedger, told: TextIO, ends: int) -> None:
    with AuraShot(ledger=ledger, **task.options) as client:
        while order := told.readline().strip():
            key, moment = order.split()
            time.sleep(max(0.0, float(moment) - time.monotonic()))
            try:
                end = delivered(key, client.generate(**task.arguments(key)))
            except Exception as error:  # noqa: BLE001  # whatever comes out is counted
                end = failed(key, error)
            os.write(ends, end.dump())


async def _wait(task: Task, ledger: SQLiteLedger, told: TextIO, ends: int) -> None:
    async with AsyncAuraShot(ledger=ledger, **task.options) as client:
        while order := (await to_thread.run_sync(told.readline)).strip():
            key, moment = order.split()
            await anyio.sleep(max(0.0, float(moment) - time.monotonic()))
            try:
                end = delivered(key, await client.generate(**task.arguments(key)))
            except Exception as error:  # noqa: BLE001  # whatever comes out is counted
                end = failed(key, error)
            os.write(ends, end.dump())
