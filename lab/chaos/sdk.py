"""The SDK as the suite calls it: one image a call, and every error described."""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from aurashot import AsyncAuraShot, AuraShot, AuraShotError, RetryPolicy
from lab.billing import API_KEY, FACE, prompt
from lab.chaos.reports import LOOK_CLOSER, CallReport, leaks
from lab.faults.responses import is_over_flapping_port

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Generator

    import httpx

    from aurashot import Generation
    from aurashot.ledger import Ledger
    from lab.chaos.job import Job

    Context: TypeAlias = Callable[[str], "Ended"]
    AsyncAsk: TypeAlias = Callable[[str], Awaitable["Ended"]]

CONNECTIONS: Final = 512
"""More than there are callers: who waits for a connection would meet no faults meanwhile."""
_errors = count()


@dataclass(frozen=True, slots=True)
class Ended:
    """A result or an error.

    Attributes:
        end: The one or the other.
        rounds: How many calls the caller made for it.
        earlier: How many requests the calls before the last made.
    """

    end: object
    rounds: int = 1
    earlier: int = 0


def options(job: Job) -> dict[str, Any]:
    """Return what both clients are made with. Only the delays are not the usual ones: a call has a second here."""
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
    """Return the ledger of a run that has one."""
    if not job.ledger:
        return None

    from aurashot.ledger import SQLiteLedger

    return SQLiteLedger(job.ledger)


@contextmanager
def blocking(job: Job) -> Generator[Context]:
    """Give the call of the blocking client; its error is returned, not raised."""
    shared = options(job)
    with AuraShot(base_url=job.api, **shared) as usual, AuraShot(base_url=job.flapping, **shared) as flapping:

        def ask(key: str) -> Ended:
            client = flapping if is_over_flapping_port(job.seed, key) else usual
            try:
                return Ended(client.generate(prompt(key), face=FACE, idempotency_key=key, tags={"key": key}))
            except Exception as error:  # noqa: BLE001  # whatever comes out is counted
                return Ended(error)

        yield ask
    close(shared["ledger"])


@asynccontextmanager
async def concurrent(job: Job) -> AsyncGenerator[AsyncAsk]:
    """Give the call of the async client; its error is returned, not raised."""
    shared: dict[str, Any] = {**options(job), "http_client": given(job)}
    async with (
        AsyncAuraShot(base_url=job.api, **shared) as usual,
        AsyncAuraShot(base_url=job.flapping, **shared) as flapping,
    ):

        async def once(key: str, attempts: int) -> Generation:
            client = flapping if is_over_flapping_port(job.seed, key) else usual
            view = client.with_options(retry=policy(job, attempts))
            return await view.generate(prompt(key), face=FACE, idempotency_key=key, tags={"key": key})

        async def ask(key: str) -> Ended:
            used, doubts = 0, list[AuraShotError]()
            for rounds in count(1):
                try:
                    return Ended(await once(key, job.attempts - used), rounds, used)
                except Exception as error:  # noqa: BLE001  # whatever comes out is counted
                    made = error.attempts if isinstance(error, AuraShotError) else job.attempts
                    if isinstance(error, AuraShotError) and error.may_be_charged:
                        doubts[:] = [error]  # a caller who repeats a call has to remember this
                    if not job.persistent or used + made >= job.attempts:
                        return Ended(doubts.pop() if doubts else error, rounds, used)
                    used += max(1, made)
            raise AssertionError("counting has no end")

        yield ask
    if shared["http_client"] is not None:
        await shared["http_client"].aclose()
    close(shared["ledger"])


def given(job: Job) -> httpx.AsyncClient | None:
    """Return the httpx client that takes the place of the SDK's own connections, if the run wants one."""
    if job.caller != "aiohttp":
        return None

    import httpx
    from httpx_aiohttp import HttpxAiohttpClient

    return HttpxAiohttpClient(limits=httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS))


def close(ledger: Any) -> None:
    """Close a ledger that can be closed."""
    if ledger is not None:
        ledger.close()


def describe(key: str, ended: Ended) -> CallReport:
    """Say how a call ended."""
    end: Any = ended.end
    report = report_of_error(key, end) if isinstance(end, BaseException) else report_of_result(key, end)
    return replace(report, rounds=ended.rounds, attempts=report.attempts + ended.earlier)


def report_of_result(key: str, image: Generation) -> CallReport:
    """Say whose image was delivered."""
    identities = {
        str(image.request_id),
        str(image.meta.idempotency_key),
        image.url.rpartition("/")[2].removesuffix(".png"),
    }
    answered = key if identities == {key} else " and ".join(sorted(identities))
    return CallReport(key=key, answered=answered, attempts=image.meta.attempts)


def report_of_error(key: str, error: BaseException) -> CallReport:
    """Say what an error tells its caller."""
    report = CallReport(
        key=key,
        error=type(error).__name__,
        typed=False,
        leaks=leaks(error, closely=next(_errors) % LOOK_CLOSER == 0),
        text=str(error)[:200],
    )
    if not isinstance(error, AuraShotError):
        return report
    return replace(report, typed=True, outcome=error.outcome, error_key=error.idempotency_key, attempts=error.attempts)
