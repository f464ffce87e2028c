"""A common retry policy on plain httpx, for comparison.

Two retries after any transport error and after 408, 409, 429 and 5xx; timeouts per phase and none for the whole call;
redirects are followed; the JSON of a response is not validated. Clients that are generated from an API description
work like this by default. The delays between attempts are those of the SDK in these runs.
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
MAX_ATTEMPTS: Final = 3
LIMITS: Final = httpx.Limits(max_connections=512, max_keepalive_connections=512)
_NOT_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


@dataclass(frozen=True, slots=True)
class CallResult:
    """The result of a call, and its number of attempts."""

    value: object
    attempts: int


def request(job: Job, key: str) -> dict[str, Any]:
    """Return the arguments of one POST."""
    base = job.flapping if is_over_flapping_port(job.seed, key) else job.api
    return {
        "url": base + PATH,
        "json": {"prompt": prompt(key), "images": {"face": FACE}},
        "headers": {"Authorization": f"Bearer {API_KEY}", "Idempotency-Key": key},
    }


def client_options(job: Job) -> dict[str, Any]:
    """Return the options of both clients."""
    return {"timeout": job.deadline, "limits": LIMITS, "follow_redirects": True}


def is_retried(value: httpx.Response | Exception) -> bool:
    """Return whether the policy retries."""
    if isinstance(value, httpx.Response):
        return value.status_code in {408, 409, 429} or value.status_code >= 500
    return isinstance(value, httpx.TransportError)


def delay(attempts: int) -> float:
    """Return the delay after an attempt."""
    return random.uniform(0, min(0.2, 0.05 * 2.0 ** (attempts - 1)))  # jitter needs no secure random numbers


def image(response: httpx.Response) -> object:
    """Return the ID and URL in a response, or the error that the caller gets."""
    try:
        response.raise_for_status()
        content = response.json()
        return str(content["requestId"]), str(content["outputs"][0]["url"])
    except Exception as error:  # noqa: BLE001  # every exception is counted
        return error


@contextmanager
def blocking(job: Job) -> Generator[Callable[[str], CallResult]]:
    """Yield a function that makes a call with a sync client and returns its result or error."""
    with httpx.Client(**client_options(job)) as client:

        def attempt(key: str) -> httpx.Response | Exception:
            try:
                return client.post(**request(job, key))
            except Exception as error:  # noqa: BLE001  # every exception is counted
                return error

        def call(key: str) -> CallResult:
            for attempts in range(1, MAX_ATTEMPTS):
                value = attempt(key)
                if not is_retried(value):
                    return finished(value, attempts)
                time.sleep(delay(attempts))  # the client's own backoff
            return finished(attempt(key), MAX_ATTEMPTS)

        yield call


@asynccontextmanager
async def concurrent(job: Job) -> AsyncGenerator[Callable[[str], Awaitable[CallResult]]]:
    """Yield a function that makes a call with an async client and returns its result or error."""
    async with httpx.AsyncClient(**client_options(job)) as client:

        async def attempt(key: str) -> httpx.Response | Exception:
            try:
                return await client.post(**request(job, key))
            except Exception as error:  # noqa: BLE001  # every exception is counted
                return error

        async def call(key: str) -> CallResult:
            for attempts in range(1, MAX_ATTEMPTS):
                value = await attempt(key)
                if not is_retried(value):
                    return finished(value, attempts)
                await asyncio.sleep(delay(attempts))  # the client's own backoff
            return finished(await attempt(key), MAX_ATTEMPTS)

        yield call


def finished(value: httpx.Response | Exception, attempts: int) -> CallResult:
    """Return the result that the caller gets."""
    return CallResult(image(value) if isinstance(value, httpx.Response) else value, attempts)


def describe(key: str, result: CallResult) -> CallReport:
    """Return the report of a call. Only the class of these errors indicates the outcome of the request."""
    value: Any = result.value
    if not isinstance(value, BaseException):
        identities = {value[0], value[1].rpartition("/")[2].removesuffix(".png")}
        return CallReport(key=key, image=" and ".join(sorted(identities)), attempts=result.attempts)
    return CallReport(
        key=key,
        error=type(value).__name__,
        typed=isinstance(value, httpx.HTTPError),
        outcome="not_sent" if isinstance(value, _NOT_SENT) else "",
        attempts=result.attempts,
        leaks=leaks(value, thorough=False),
        text=str(value)[:200],
    )
