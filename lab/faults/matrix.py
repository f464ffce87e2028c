"""Each fault over each transport: a cell is one call, and one more call on the same client after it."""

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
"""Seconds after which what the server did to the connection has arrived."""
POLICY: Final = RetryPolicy(initial_delay=0.05, max_delay=0.1)
LARGE: Final = b"".join(png(12))


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What a call came to.

    Attributes:
        transport: Over which transport.
        result: The class of the error, or `answer`.
        outcome: What the error says of the request.
        posts: How many requests the server had.
        seconds: How long the caller waited.
        troubles: Which invariants are broken, in words.
    """

    transport: str
    result: str
    outcome: str
    posts: int
    seconds: float
    troubles: list[str] = field(default_factory=list[str])

    @property
    def shown(self) -> str:
        """The cell in words."""
        sent = "1 POST" if self.posts == 1 else f"{self.posts} POSTs"
        return f"{self.result}, {self.outcome}, {sent}" if self.outcome else f"{self.result}, {sent}"


def matrix(rows: Iterable[tuple[Row, str]], at_once: int) -> dict[str, list[Cell]]:
    """Return the cells of each row, by its name."""
    found: dict[str, list[Cell]] = {}
    with ThreadPoolExecutor(at_once) as threads:
        tasks = [(row, threads.submit(cell, row, transport)) for row, transport in rows]
        for row, task in tasks:
            found.setdefault(row.name, []).append(task.result())
    return found


def cell(row: Row, transport: str) -> Cell:
    """Make the call of one cell."""
    with row.setting() as target, clients("asyncio" if transport == "aiohttp" else transport) as make:
        with environment_of(target):
            client = _client(make, target, transport)
        began = time.perf_counter()
        end = _end(client, row)
        seconds = time.perf_counter() - began
        posts = len(target.server.posts()) if target.server else 0
        result, outcome = (
            ("response", "") if isinstance(end, str) else (type(end).__name__, getattr(end, "outcome", ""))
        )
        found = Cell(transport=transport, result=result, outcome=outcome, posts=posts, seconds=seconds)
        found.troubles.extend(_troubles(row, found, end))
        if target.server is not None and row in _ANSWERED:
            found.troubles.extend(_afterwards(client))
        return found


def _client(make: Clients, target: Target, transport: str) -> AuraShot:
    options: dict[str, Any] = {"timeout": DEADLINE, "retry": POLICY, "strip_metadata": False, **target.options}
    if transport == "aiohttp":
        options["http_client"] = make.http(HttpxAiohttpClient, limits=httpx.Limits(max_connections=10))
    return make(target.url, KEY, **options)


def _end(client: AuraShot, row: Row) -> object:
    """Return the identity in the response, or the error."""
    try:
        if row.operation == "upload":
            return client.upload(LARGE).url
        return str(client.generate("a cafe", face=FACE, idempotency_key="the-key").request_id)
    except Exception as error:  # noqa: BLE001  # whatever comes out is a result
        return error


def _troubles(row: Row, found: Cell, end: object) -> Iterable[str]:
    if isinstance(end, Exception):
        if not isinstance(end, AuraShotError):
            yield f"untyped: {end!r}"
        if row.bills and found.outcome in {"not_sent", "rejected"}:
            yield f"the service worked on it, and the error says {found.outcome}"
        if KEY in f"{end} {end!r} {vars(end)}":
            yield "the error shows the key"
    elif row.operation == "generate" and end != "the-key":
        yield f"a foreign answer: {end}"
    if row.bills and found.posts != 1:
        yield f"billed, and sent {found.posts} times"
    if found.seconds > DEADLINE + GRACE:
        yield f"{found.seconds:.2f} s are more than the deadline"


def _afterwards(client: AuraShot) -> Iterable[str]:
    """Make a good call: what went wrong before, and an end of the connection that has arrived, must not reach it."""
    time.sleep(SETTLED)
    with suppress(AuraShotError):
        response = client.generate("a cafe", face=FACE, idempotency_key="the-next")
        if response.request_id == "the-next":
            return
        yield f"the next call got {response.request_id}"
        return
    yield "the next call failed"


def _answered() -> frozenset[Row]:
    from lab.faults.rows import ANSWERING

    return frozenset(ANSWERING)


_ANSWERED: Final = _answered()
