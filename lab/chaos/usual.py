"""The field's usual policy on plain httpx, to compare with.

Two retries, each a fresh try, after any transport error and after 408, 409, 429 and 5xx; a timeout for each phase and
none for the call; redirects are followed; the response is whatever its JSON says. Clients that are generated from an
API description work so by default. The waits between tries are as short as those of the SDK in these runs.
"""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import httpx

from lab.billing import API_KEY, FACE, prompt
from lab.chaos.reports import CallReport, leaks
from lab.faults.responses import is_over_flapping_port

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Generator

    from lab.chaos.job import Job

PATH: Final = "/v1/character/generate"
TRIES: Final = 3
LIMITS: Final = httpx.Limits(max_connections=512, max_keepalive_connections=512)
_NOT_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


@dataclass(frozen=True, slots=True)
class Tried:
    """A response's JSON or an error, and the tries that it took."""

    end: object
    tries: int


def request(job: Job, key: str) -> dict[str, Any]:
    """Return the arguments of one POST."""
    base = job.flapping if is_over_flapping_port(job.seed, key) else job.api
    return {
        "url": base + PATH,
        "json": {"prompt": prompt(key), "images": {"face": FACE}},
        "headers": {"Authorization": f"Bearer {API_KEY}", "Idempotency-Key": key},
    }


def client_options(job: Job) -> dict[str, Any]:
    """Return what both clients are made with."""
    return {"timeout": job.deadline, "limits": LIMITS, "follow_redirects": True}


def is_repeated(end: httpx.Response | Exception) -> bool:
    """Say whether the usual policy tries again."""
    if isinstance(end, httpx.Response):
        return end.status_code in {408, 409, 429} or end.status_code >= 500
    return isinstance(end, httpx.TransportError)


def pause(tries: int) -> float:
    """Return the wait after a try."""
    return random.uniform(0, min(0.2, 0.05 * 2.0 ** (tries - 1)))  # jitter is no secret


def image(response: httpx.Response) -> object:
    """Return the identity in an content, or the error that a caller would meet."""
    try:
        response.raise_for_status()
        content = response.json()
        return str(content["requestId"]), str(content["outputs"][0]["url"])
    except Exception as error:  # noqa: BLE001  # whatever comes out is counted
        return error


@contextmanager
def blocking(job: Job) -> Generator[Callable[[str], Tried]]:
    """Give the call of a blocking client; its error is returned, not raised."""
    with httpx.Client(**client_options(job)) as client:

        def attempt(key: str) -> httpx.Response | Exception:
            try:
                return client.post(**request(job, key))
            except Exception as error:  # noqa: BLE001  # whatever comes out is counted
                return error

        def ask(key: str) -> Tried:
            for tries in range(1, TRIES):
                end = attempt(key)
                if not is_repeated(end):
                    return finished(end, tries)
                time.sleep(pause(tries))
            return finished(attempt(key), TRIES)

        yield ask


@asynccontextmanager
async def concurrent(job: Job) -> AsyncGenerator[Callable[[str], Awaitable[Tried]]]:
    """Give the call of an async client; its error is returned, not raised."""
    async with httpx.AsyncClient(**client_options(job)) as client:

        async def attempt(key: str) -> httpx.Response | Exception:
            try:
                return await client.post(**request(job, key))
            except Exception as error:  # noqa: BLE001  # whatever comes out is counted
                return error

        async def ask(key: str) -> Tried:
            for tries in range(1, TRIES):
                end = await attempt(key)
                if not is_repeated(end):
                    return finished(end, tries)
                await asyncio.sleep(pause(tries))
            return finished(await attempt(key), TRIES)

        yield ask


def finished(end: httpx.Response | Exception, tries: int) -> Tried:
    """Return what the caller gets."""
    return Tried(image(end) if isinstance(end, httpx.Response) else end, tries)


def describe(key: str, tried: Tried) -> CallReport:
    """Say how a call ended. These errors do not say what became of the request; only their class hints at it."""
    end: Any = tried.end
    if not isinstance(end, BaseException):
        identities = {end[0], end[1].rpartition("/")[2].removesuffix(".png")}
        return CallReport(key=key, answered=" and ".join(sorted(identities)), attempts=tried.tries)
    return CallReport(
        key=key,
        error=type(end).__name__,
        typed=isinstance(end, httpx.HTTPError),
        outcome="not_sent" if isinstance(end, _NOT_SENT) else "",
        attempts=tried.tries,
        leaks=leaks(end, closely=False),
        text=str(end)[:200],
    )
