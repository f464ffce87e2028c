"""Each fault over each transport: a cell is one call with the fault and one more call on the same client."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import httpx
from httpx_aiohttp import HttpxAiohttpClient

from aurashot import AuraShotError, RetryPolicy
from lab.backends import clients
from lab.faults.targets import environment_of
from lab.png import png

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aurashot import AuraShot
    from lab.backends import Clients
    from lab.faults.rows import Row
    from lab.faults.targets import Target

KEY: Final = "sk_live_faults_c4n4ry"
FACE: Final = "https://example.com/face.jpg"
TRANSPORTS: Final = ("sync", "asyncio", "trio", "aiohttp")
DEADLINE: Final = 1.0
GRACE: Final = 0.25
SETTLED: Final = 0.05
"""Seconds after which the client has received the end of the connection."""
POLICY: Final = RetryPolicy(initial_delay=0.05, max_delay=0.1)
LARGE: Final = b"".join(png(12))


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """The result of a call.

    Attributes:
        transport: The transport.
        result: The class of the error, or `response`.
        outcome: The `outcome` of the error.
        requests: Number of complete requests that the server received.
        seconds: Duration of the call.
        problems: Messages about broken invariants.
    """

    transport: str
    result: str
    outcome: str
    requests: int
    seconds: float
    problems: list[str] = field(default_factory=list[str])

    @property
    def shown(self) -> str:
        """The text of the cell."""
        count = "1 request" if self.requests == 1 else f"{self.requests} requests"
        return f"{self.result}, {self.outcome}, {count}" if self.outcome else f"{self.result}, {count}"


def matrix(rows: Iterable[tuple[Row, str]], at_once: int) -> dict[str, list[Cell]]:
    """Return the cells of all rows, by the name of the row."""
    found: dict[str, list[Cell]] = {}
    with ThreadPoolExecutor(at_once) as threads:
        tasks = [(row, threads.submit(cell, row, transport)) for row, transport in rows]
        for row, task in tasks:
            found.setdefault(row.name, []).append(task.result())
    return found


def cell(row: Row, transport: str) -> Cell:
    """Make the calls of one cell."""
    with row.setting() as target, clients("asyncio" if transport == "aiohttp" else transport) as make:
        with environment_of(target):
            client = _client(make, target, transport)
        start = time.perf_counter()
        value = _result(client, row)
        seconds = time.perf_counter() - start
        requests = len(target.server.posts()) if target.server else 0
        result, outcome = (
            ("response", "") if isinstance(value, str) else (type(value).__name__, getattr(value, "outcome", ""))
        )
        found = Cell(transport=transport, result=result, outcome=outcome, requests=requests, seconds=seconds)
        found.problems.extend(_problems(row, found, value))
        if target.server is not None and row in _RESPONDING:
            found.problems.extend(_next_call(client))
        return found


def _client(make: Clients, target: Target, transport: str) -> AuraShot:
    options: dict[str, Any] = {"timeout": DEADLINE, "retry": POLICY, "strip_metadata": False, **target.options}
    if transport == "aiohttp":
        options["http_client"] = make.http(HttpxAiohttpClient, limits=httpx.Limits(max_connections=10))
    return make(target.url, KEY, **options)


def _result(client: AuraShot, row: Row) -> object:
    """Return the ID or URL in the response, or the error."""
    try:
        if row.operation == "upload":
            return client.upload(LARGE).url
        return str(client.generate("a cafe", face=FACE, idempotency_key="the-key").request_id)
    except Exception as error:  # noqa: BLE001  # every exception is a result
        return error


def _problems(row: Row, found: Cell, value: object) -> Iterable[str]:
    if isinstance(value, Exception):
        if not isinstance(value, AuraShotError):
            yield f"untyped: {value!r}"
        if row.bills and found.outcome in {"not_sent", "rejected"}:
            yield f"the request was billed, but the outcome is {found.outcome}"
        if KEY in f"{value} {value!r} {vars(value)}":
            yield "the error contains the API key"
    elif row.operation == "generate" and value != "the-key":
        yield f"response of another call: {value}"
    if row.bills and found.requests != 1:
        yield f"billed, but sent {found.requests} times"
    if found.seconds > DEADLINE + GRACE:
        yield f"{found.seconds:.2f} s, later than the deadline"


def _next_call(client: AuraShot) -> Iterable[str]:
    """Make a call without a fault: the fault before it and a closed connection must not affect it."""
    time.sleep(SETTLED)
    with suppress(AuraShotError):
        response = client.generate("a cafe", face=FACE, idempotency_key="the-next")
        if response.request_id == "the-next":
            return
        yield f"the next call got {response.request_id}"
        return
    yield "the next call failed"


def _responding() -> frozenset[Row]:
    from lab.faults.rows import RESPONDING

    return frozenset(RESPONDING)


_RESPONDING: Final = _responding()
