"""Make calls with the SDK and report each result or error."""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from aurashot import AsyncAuraShot, AuraShot, AuraShotError, RetryPolicy
from lab.billing import API_KEY, FACE, prompt
from lab.chaos.reports import DEEP_CHECK_INTERVAL, CallReport, leaks
from lab.faults.responses import is_over_flapping_port

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Generator

    import httpx

    from aurashot import Generation
    from aurashot.ledger import Ledger
    from lab.chaos.job import Job

    BlockingCall: TypeAlias = Callable[[str], "CallResult"]
    AsyncCall: TypeAlias = Callable[[str], Awaitable["CallResult"]]

CONNECTIONS: Final = 512
"""More than concurrent calls, so that no call waits for a connection."""
_errors = count()


@dataclass(frozen=True, slots=True)
class CallResult:
    """The result of a call.

    Attributes:
        value: The image or the error.
        rounds: Number of calls that the caller made.
        earlier: Number of requests of all calls but the last.
    """

    value: object
    rounds: int = 1
    earlier: int = 0


def options(job: Job) -> dict[str, Any]:
    """Return the options of both clients: the defaults, except for delays that fit into one second."""
    return {
        "api_key": API_KEY,
        "timeout": job.deadline,
        "max_connections": CONNECTIONS,
        "retry": policy(job, job.attempts),
        "ledger": open_ledger(job),
    }


def policy(job: Job, attempts: int) -> RetryPolicy:
    """Return the retry policy of a run."""
    return RetryPolicy(max_attempts=attempts, initial_delay=0.05, max_delay=0.2, retry_unknown=job.retry_unknown)


def open_ledger(job: Job) -> Ledger | None:
    """Return the ledger of a run, if it has one."""
    if not job.ledger:
        return None

    from aurashot.ledger import SQLiteLedger

    return SQLiteLedger(job.ledger)


@contextmanager
def blocking(job: Job) -> Generator[BlockingCall]:
    """Yield a function that makes a call of the sync client and returns its result or error."""
    shared = options(job)
    with AuraShot(base_url=job.api, **shared) as regular, AuraShot(base_url=job.flapping, **shared) as flapping:

        def call(key: str) -> CallResult:
            client = flapping if is_over_flapping_port(job.seed, key) else regular
            try:
                return CallResult(client.generate(prompt(key), face=FACE, idempotency_key=key, tags={"key": key}))
            except Exception as error:  # noqa: BLE001  # every exception is counted
                return CallResult(error)

        yield call
    close(shared["ledger"])


@asynccontextmanager
async def concurrent(job: Job) -> AsyncGenerator[AsyncCall]:
    """Yield a function that makes a call of the async client and returns its result or error."""
    shared: dict[str, Any] = {**options(job), "http_client": given(job)}
    async with (
        AsyncAuraShot(base_url=job.api, **shared) as regular,
        AsyncAuraShot(base_url=job.flapping, **shared) as flapping,
    ):

        async def once(key: str, attempts: int) -> Generation:
            client = flapping if is_over_flapping_port(job.seed, key) else regular
            view = client.with_options(retry=policy(job, attempts))
            return await view.generate(prompt(key), face=FACE, idempotency_key=key, tags={"key": key})

        async def call(key: str) -> CallResult:
            used, unknown = 0, list[AuraShotError]()
            for rounds in count(1):
                try:
                    return CallResult(await once(key, job.attempts - used), rounds, used)
                except Exception as error:  # noqa: BLE001  # every exception is counted
                    made = error.attempts if isinstance(error, AuraShotError) else job.attempts
                    if isinstance(error, AuraShotError) and error.may_be_charged:
                        unknown[:] = [error]  # a caller that repeats a call must keep this error
                    if not job.persistent or used + made >= job.attempts:
                        return CallResult(unknown.pop() if unknown else error, rounds, used)
                    used += max(1, made)
            raise AssertionError("unreachable")

        yield call
    if shared["http_client"] is not None:
        await shared["http_client"].aclose()
    close(shared["ledger"])


def given(job: Job) -> httpx.AsyncClient | None:
    """Return the client for `http_client=`, if the run uses one."""
    if job.caller != "aiohttp":
        return None

    import httpx
    from httpx_aiohttp import HttpxAiohttpClient

    return HttpxAiohttpClient(limits=httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS))


def close(ledger: Any) -> None:
    """Close a ledger, if there is one."""
    if ledger is not None:
        ledger.close()


def describe(key: str, result: CallResult) -> CallReport:
    """Return the report of a call."""
    value: Any = result.value
    report = report_of_error(key, value) if isinstance(value, BaseException) else report_of_result(key, value)
    return replace(report, rounds=result.rounds, attempts=report.attempts + result.earlier)


def report_of_result(key: str, image: Generation) -> CallReport:
    """Return the report of a delivered image."""
    identities = {
        str(image.request_id),
        str(image.meta.idempotency_key),
        image.url.rpartition("/")[2].removesuffix(".png"),
    }
    image_id = key if identities == {key} else " and ".join(sorted(identities))
    return CallReport(key=key, image=image_id, attempts=image.meta.attempts)


def report_of_error(key: str, error: BaseException) -> CallReport:
    """Return the report of an error."""
    report = CallReport(
        key=key,
        error=type(error).__name__,
        typed=False,
        leaks=leaks(error, thorough=next(_errors) % DEEP_CHECK_INTERVAL == 0),
        text=str(error)[:200],
    )
    if not isinstance(error, AuraShotError):
        return report
    return replace(report, typed=True, outcome=error.outcome, error_key=error.idempotency_key, attempts=error.attempts)
