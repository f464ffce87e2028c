from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, strategies as st
from tenacity import AsyncRetrying, Retrying

from aurashot import errors
from aurashot._deadline import Deadline
from aurashot._retry import (
    Retries,
    RetryBudget,
    RetryPolicy,
    wait_before,
)
from aurashot.errors import (
    AuraShotError,
    ConfigurationError,
    NotSentError,
    OutcomeUnknownError,
    RateLimitError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

EAGER = RetryPolicy(max_attempts=4, initial_delay=0.0, max_delay=0.0)


def rate_limit(retry_after: float | None) -> RateLimitError:
    """Return the error of a service that says when to come back."""
    error = RateLimitError("x")
    error.retry_after = retry_after
    return error


@pytest.mark.parametrize(
    "arguments",
    [
        {"max_attempts": 0},
        {"max_attempts": -1},
        {"initial_delay": -0.1},
        {"initial_delay": 9.0},
        {"initial_delay": float("nan")},
        {"max_delay": float("inf")},
        {"max_delay": float("nan")},
        {"max_delay": 0.1},
    ],
)
def test_a_policy_refuses_numbers_that_cannot_work(arguments: dict[str, Any]) -> None:
    """An impossible policy is a configuration error when it is made, not when a call fails."""
    with pytest.raises(ConfigurationError):
        RetryPolicy(**arguments)


def test_by_default_nothing_billed_is_sent_twice() -> None:
    """The defaults are patient and safe."""
    assert RetryPolicy() == RetryPolicy(max_attempts=4, initial_delay=0.5, max_delay=8.0, retry_unknown=False)


@pytest.mark.parametrize(
    ("attempt", "bound"), [(1, 0.5), (2, 1.0), (3, 2.0), (4, 4.0), (5, 8.0), (6, 8.0), (60, 8.0), (5_000, 8.0)]
)
def test_waits_double_up_to_the_longest(attempt: int, bound: float) -> None:
    """Full jitter: between nothing and a bound that doubles from wait to wait, however many there are."""
    assert bound == wait_before(attempt, NotSentError("x"), RetryPolicy(), lambda: 1.0)
    assert 0.0 == wait_before(attempt, None, RetryPolicy(), lambda: 0.0)


@pytest.mark.parametrize(
    ("asked", "least", "most"),
    [(0.0, 0.0, 0.5), (1.0, 1.0, 1.25), (8.0, 8.0, 10.0), (20.0, 20.0, 25.0), (600.0, 600.0, 605.0)],
)
def test_a_retry_after_is_jittered_upward(asked: float, least: float, most: float) -> None:
    """Nobody comes back early, and not everybody at once: up to a quarter later, at most 5 seconds, or the backoff."""
    error = rate_limit(asked)
    assert least == wait_before(1, error, RetryPolicy(), lambda: 0.0)
    assert most == wait_before(1, error, RetryPolicy(), lambda: 1.0)


@given(
    st.integers(1, 10_000),
    st.none() | st.floats(0, 86_400),
    st.floats(0, 1),
    st.floats(0, 100).flatmap(lambda first: st.tuples(st.just(first), st.floats(first, 1_000))),
)
def test_no_wait_leaves_its_bounds(
    attempt: int, asked: float | None, drawn: float, delays: tuple[float, float]
) -> None:
    """Whatever the policy and the attempt, a wait is finite, not negative, and never before the Retry-After."""
    policy = RetryPolicy(initial_delay=delays[0], max_delay=delays[1])
    seconds = wait_before(attempt, rate_limit(asked), policy, lambda: drawn)
    if asked is None:
        assert 0 <= seconds <= policy.max_delay
    else:
        assert asked <= seconds <= max(asked + 5, policy.max_delay)


def test_a_budget_of_500_pays_for_35_retries() -> None:
    """Each retry takes 14 tokens; when they are gone there are no more retries."""
    budget = RetryBudget()
    assert [True] * 35 == [budget.take() for _ in range(35)]
    assert not budget.take()


def test_fourteen_successes_earn_one_retry() -> None:
    """A success gives one token back, and a full bucket takes no more."""
    budget = RetryBudget()
    for _ in range(50):
        budget.refund()
    assert 35 == sum(budget.take() for _ in range(100))
    for _ in range(3):  # ten tokens were left over
        budget.refund()
    assert not budget.take()
    budget.refund()
    assert budget.take()
    for _ in range(13):
        budget.refund()
    assert not budget.take()


def test_threads_share_a_budget_exactly() -> None:
    """Many threads together get as many retries as one."""
    budget, taken = RetryBudget(), list[bool]()
    threads = [threading.Thread(target=lambda: taken.extend(budget.take() for _ in range(20))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (160, 35) == (len(taken), sum(taken))


class Service:
    """A function that fails in given ways, one after the other, and then responses."""

    def __init__(self, *failures: AuraShotError) -> None:
        self.failures = list(failures)
        self.requests = 0

    def __call__(self) -> str:
        """Response one request."""
        self.requests += 1
        if self.failures:
            raise self.failures.pop(0)
        return "response"


def retries(
    policy: RetryPolicy = EAGER,
    *,
    billable: bool = True,
    budget: RetryBudget | None = None,
    seconds: float = 10.0,
    told: Callable[[AuraShotError, float], None] = lambda error, wait: None,
) -> Retries:
    """Return the rules of one call."""
    return Retries(
        policy=policy, budget=budget or RetryBudget(), deadline=Deadline(seconds), billable=billable, before_wait=told
    )


def call(service: Service, rules: Retries) -> str:
    """Send a call by the rules, with no real waiting."""
    return Retrying(sleep=lambda seconds: None, **rules.options())(service)


def test_a_call_is_sent_again_until_it_succeeds() -> None:
    """Faults that are safe are gone over, and each is told with the wait that follows."""
    told: list[tuple[str, float]] = []
    service = Service(NotSentError("a"), rate_limit(2.0))
    assert "response" == call(service, retries(told=lambda error, wait: told.append((type(error).__name__, wait))))
    assert 3 == service.requests
    assert ["NotSentError", "RateLimitError"] == [name for name, _ in told]
    assert 0.0 == told[0][1]
    assert 2.0 <= told[1][1] <= 2.5


@pytest.mark.parametrize(
    ("error", "requests"),
    [(NotSentError("x"), 4), (OutcomeUnknownError("x"), 1), (errors.ConflictError("x"), 1), (RateLimitError("x"), 4)],
)
def test_the_last_error_is_raised_as_it_is(error: AuraShotError, requests: int) -> None:
    """When no more attempts are allowed, the error itself comes out, not one of the retry library's."""
    service = Service(*[error] * 9)
    with pytest.raises(type(error)) as caught:
        call(service, retries())
    assert error is caught.value
    assert requests == service.requests


@pytest.mark.parametrize("attempts", [1, 2, 5])
def test_the_attempts_are_as_many_as_the_policy_says(attempts: int) -> None:
    """The first request counts."""
    service = Service(*[NotSentError("x")] * 9)
    with pytest.raises(NotSentError):
        call(service, retries(RetryPolicy(max_attempts=attempts, initial_delay=0, max_delay=0)))
    assert attempts == service.requests


def test_an_empty_budget_ends_the_retries() -> None:
    """In an outage a call costs one request, and the error is the service's own."""
    budget = RetryBudget()
    while budget.take():
        pass
    service = Service(NotSentError("x"))
    with pytest.raises(NotSentError):
        call(service, retries(budget=budget))
    assert 1 == service.requests


def test_a_wait_that_does_not_fit_ends_the_call_and_costs_no_budget() -> None:
    """A Retry-After beyond the deadline raises at once, with its seconds on the error."""
    budget = RetryBudget()
    service = Service(rate_limit(60.0))
    with pytest.raises(RateLimitError) as caught:
        call(service, retries(seconds=5.0, budget=budget))
    assert (1, 60.0) == (service.requests, caught.value.retry_after)
    assert 35 == sum(budget.take() for _ in range(100))


def test_errors_that_are_not_ours_are_never_repeated() -> None:
    """A foreign error, such as a worker's time limit, passes through on the first attempt."""
    asked: list[int] = []

    def broken() -> str:
        asked.append(1)
        raise OSError("foreign")

    with pytest.raises(OSError, match="foreign"):
        Retrying(sleep=lambda seconds: None, **retries().options())(broken)
    assert 1 == len(asked)


def test_five_calls_at_once_have_four_attempts_each() -> None:
    """A fresh tenacity object per call: no call takes another one's attempts."""
    services = [Service(*[NotSentError("x")] * 9) for _ in range(5)]
    budget = RetryBudget()

    async def one(service: Service) -> None:
        async def attempt() -> str:
            await asyncio.sleep(0)
            return service()

        await AsyncRetrying(sleep=asyncio.sleep, **retries(budget=budget).options())(attempt)

    async def all_at_once() -> list[BaseException | None]:
        return await asyncio.gather(*[one(service) for service in services], return_exceptions=True)

    outcomes = asyncio.run(all_at_once())
    assert [NotSentError] * 5 == [type(outcome) for outcome in outcomes]
    assert [4] * 5 == [service.requests for service in services]


def test_nothing_is_sent_again_for_nobody() -> None:
    """When nobody waits for the response any more, the first error is the last, and costs no budget."""
    budget = RetryBudget()
    service = Service(NotSentError("x"), NotSentError("x"))
    waits = [True, False]
    with pytest.raises(NotSentError):
        call(service, retries(budget=budget)._replace(is_wanted=lambda: waits.pop(0)))
    assert (2, []) == (service.requests, waits)
    assert 34 == sum(budget.take() for _ in range(100))
