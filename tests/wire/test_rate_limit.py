"""A rate limiter is asked before every request of the API, and what it raises keeps the request here."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from aurashot import AsyncRateLimiter, ConfigurationError, DeadlineExceededError, NotSentError, RateLimiter, RetryPolicy
from lab.server import status
from tests.notebook import Notebook
from tests.wire.images import FACE, png

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.backends import Clients
    from lab.server import ScriptedServer

QUICK = RetryPolicy(max_attempts=2, initial_delay=0, max_delay=0)


class Limiter(RateLimiter):
    """Notes who asks, and does as it is told."""

    def __init__(self, do: Callable[[], object]) -> None:
        self.asked: list[tuple[str, bool]] = []
        self._do = do

    def acquire(self, request: str, /, *, billable: bool, timeout: float) -> None:
        """Give permission, or not."""
        assert 0 < timeout <= 120
        self.asked.append((request, billable))
        self._do()


class AsyncLimiter(AsyncRateLimiter):
    """The same, awaited."""

    def __init__(self, do: Callable[[], object]) -> None:
        self.asked: list[tuple[str, bool]] = []
        self._do = do

    async def acquire(self, request: str, /, *, billable: bool, timeout: float) -> None:
        """Give permission, or not."""
        assert 0 < timeout <= 120
        await anyio.lowlevel.checkpoint()
        self.asked.append((request, billable))
        self._do()


def limiter_for(backend: str, do: Callable[[], object] = lambda: None) -> Any:
    """Return a limiter for a client of a backend."""
    return Limiter(do) if backend == "sync" else AsyncLimiter(do)


@pytest.mark.parametrize("given", [False, True], ids=["own", "http_client="])
def test_it_is_asked_before_every_request(
    make_client: Clients, server: ScriptedServer, backend: str, *, given: bool
) -> None:
    """Uploads, billed requests and each further attempt; with a given httpx client, too."""
    sent: list[int] = []
    limiter = limiter_for(backend, lambda: sent.append(len(server.requests)))
    http_client = make_client.http() if given else None
    client = make_client(server.url, rate_limiter=limiter, retry=QUICK, http_client=http_client)
    server.queue(status(429, retry_after=0), path="/v1/character/generate")
    client.generate("a cafe", face=png())
    assert [("upload", False), ("generate", True), ("generate", True)] == limiter.asked
    assert [0, 1, 2] == sent


@pytest.mark.parametrize(
    ("problem", "reason"),
    [(ConnectionResetError("no Redis"), "ConnectionResetError: no Redis"), (TimeoutError(), "TimeoutError")],
)
def test_a_limiter_that_raises_keeps_the_request_here(
    make_client: Clients, server: ScriptedServer, backend: str, problem: Exception, reason: str
) -> None:
    """The error is typed, says that nothing was sent, and is not tried again; a ledger hears nothing."""

    def fail() -> None:
        raise problem

    notebook = Notebook()
    limiter = limiter_for(backend, fail)
    client = make_client(server.url, rate_limiter=limiter, ledger=notebook, retry=QUICK)
    with pytest.raises(NotSentError, match=rf"rate limiter failed \({reason}\);") as caught:
        client.generate("a cafe", face=FACE)
    assert problem is caught.value.__cause__
    assert ("not_sent", False, 0) == (caught.value.outcome, caught.value.may_be_charged, caught.value.attempts)
    assert [("generate", True)] == limiter.asked
    assert ([], []) == (server.requests, notebook.intents)


def test_a_limiter_that_takes_too_long_ends_the_call(
    make_client: Clients, server: ScriptedServer, backend: str
) -> None:
    """The call's time counts while it waits for permission."""
    limiter = limiter_for(backend, lambda: time.sleep(0.3))  # longer than the call may take: it is what is tested
    client = make_client(server.url, rate_limiter=limiter, timeout=0.2)
    with pytest.raises(DeadlineExceededError, match="while it waited for the rate limiter") as caught:
        client.generate("a cafe", face=FACE)
    assert "not_sent" == caught.value.outcome
    assert [] == server.requests


@pytest.mark.parametrize("kind", ["nothing", "other"])
def test_what_is_no_limiter_for_this_client_is_refused(
    make_client: Clients, server: ScriptedServer, backend: str, kind: str
) -> None:
    """An object without `acquire`, or with one for the other client."""
    other = limiter_for("asyncio" if backend == "sync" else "sync")
    with pytest.raises(ConfigurationError, match="rate_limiter= takes"):
        make_client(server.url, rate_limiter=object() if kind == "nothing" else other)
