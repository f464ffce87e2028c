"""One of the processes: it reads keys and start times, makes the calls and writes their results."""

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
"""Timeout of a call, in seconds; short, because some faults last until the timeout."""
RETRY: Final = RetryPolicy(initial_delay=0.05, max_delay=0.2)

Kind: TypeAlias = Literal["blocking", "asyncio", "trio"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """The settings of a process.

    Attributes:
        kind: The client.
        url: The base URL of the server.
        ledger: The file of the shared ledger.
        pay_once: The `pay_once` argument of the calls.
    """

    kind: Kind
    url: str
    ledger: str
    pay_once: bool

    @property
    def options(self) -> dict[str, Any]:
        """The options of a client."""
        return {"api_key": API_KEY, "base_url": self.url, "timeout": DEADLINE, "retry": RETRY}

    def arguments(self, key: str) -> dict[str, Any]:
        """Return the arguments of a call."""
        return {"prompt": prompt(key), "face": FACE, "idempotency_key": key, "pay_once": self.pay_once}


@dataclass(frozen=True, slots=True, kw_only=True)
class CallReport:
    """The result of a call in one process.

    Attributes:
        key: The idempotency key of the call.
        image: The ID of the image, if there is one.
        from_ledger: Whether the image came from the ledger.
        error: The class name of the error, empty for a result.
        typed: Whether the error is one of the SDK's classes.
        outcome: The `outcome` of the error.
    """

    key: str
    image: str | None = None
    from_ledger: bool = False
    error: str = ""
    typed: bool = True
    outcome: str = ""

    def dump(self) -> bytes:
        """Return it as a line of JSON, short enough for an atomic write to a pipe."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def load(cls, line: bytes) -> Self:
        """Create it from the output of `dump`."""
        fields: dict[str, Any] = json.loads(line)
        return cls(**fields)


def delivered(key: str, result: Generation) -> CallReport:
    """Return the report of a delivered image."""
    identities = {str(result.request_id), result.url.rpartition("/")[2].removesuffix(".png")}
    return CallReport(key=key, image=" and ".join(sorted(identities)), from_ledger=result.meta.from_ledger)


def failed(key: str, error: Exception) -> CallReport:
    """Return the report of an error."""
    if isinstance(error, AuraShotError):
        return CallReport(key=key, error=type(error).__name__, outcome=error.outcome)
    return CallReport(key=key, error=type(error).__name__, typed=False)


def run(task: Task, commands: int, results: int) -> None:
    """Make a call for each line of commands, until an empty line."""
    with SQLiteLedger(task.ledger) as ledger, open(commands, encoding="ascii") as lines:
        if task.kind == "blocking":
            _run_sync(task, ledger, lines, results)
        else:
            anyio.run(_run_async, task, ledger, lines, results, backend=task.kind)


def _run_sync(task: Task, ledger: SQLiteLedger, commands: TextIO, results: int) -> None:
    with AuraShot(ledger=ledger, **task.options) as client:
        while command := commands.readline().strip():
            key, start = command.split()
            time.sleep(max(0.0, float(start) - time.monotonic()))  # all processes start at one moment
            try:
                report = delivered(key, client.generate(**task.arguments(key)))
            except Exception as error:  # noqa: BLE001  # every exception is counted
                report = failed(key, error)
            os.write(results, report.dump())


async def _run_async(task: Task, ledger: SQLiteLedger, commands: TextIO, results: int) -> None:
    async with AsyncAuraShot(ledger=ledger, **task.options) as client:
        while command := (await to_thread.run_sync(commands.readline)).strip():
            key, start = command.split()
            await anyio.sleep(max(0.0, float(start) - time.monotonic()))  # as above
            try:
                report = delivered(key, await client.generate(**task.arguments(key)))
            except Exception as error:  # noqa: BLE001  # every exception is counted
                report = failed(key, error)
            os.write(results, report.dump())
