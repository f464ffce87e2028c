"""What is retried, when, and how often.

The decision is a table over the outcome of the request; tenacity does the counting and waiting, in a fresh object per
call, since its objects carry state (one `AsyncRetrying` shared by five tasks gave them 4, 2, 2, 2 and 1 attempts).
"""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, cast

from aurashot.errors import (
    AuraShotError,
    ConfigurationError,
    DownloadError,
    NotSentError,
    OutcomeUnknownError,
    RateLimitError,
    ServerError,
    UnexpectedResponseError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tenacity import RetryCallState

    from aurashot._deadline import Deadline


class Fault(Enum):
    """What an error says about sending the same request again."""

    NOT_SENT = "the service never had the request"
    REJECTED = "the service refused it before any work, for now"
    UNKNOWN = "the work may have been done"
    TERMINAL = "the same request gets the same response"


class Repeat(Enum):
    """Which calls may be sent again after a fault."""

    ANY = "every call"
    UNBILLED = "calls that cost nothing, and billed ones when the user asked for it"
    NONE = "no call"


DECISIONS: Final[Mapping[Fault, Repeat]] = MappingProxyType(
    {
        Fault.NOT_SENT: Repeat.ANY,
        Fault.REJECTED: Repeat.ANY,
        Fault.UNKNOWN: Repeat.UNBILLED,
        Fault.TERMINAL: Repeat.NONE,
    }
)

_MAY_BE_UNKNOWN: Final = (OutcomeUnknownError, ServerError, UnexpectedResponseError)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often a call is retried, and how long it waits between attempts.

    Attributes:
        max_attempts: Attempts of one call, including the first; 1 disables retries.
        initial_delay: Upper bound of the first wait in seconds; it doubles from wait to wait (full jitter).
        max_delay: Upper bound of every wait in seconds; a Retry-After of the service may be longer.
        retry_unknown: Whether a billable call is retried when its response was lost. The image may then be paid for
            twice: the service is not known to honour the idempotency key.
    """

    max_attempts: int = 4
    initial_delay: float = 0.5
    max_delay: float = 8.0
    retry_unknown: bool = False

    def __post_init__(self) -> None:
        """Check the numbers."""
        check_count("max_attempts", self.max_attempts)
        if not all(isinstance(cast("object", each), int | float) for each in (self.initial_delay, self.max_delay)):
            raise ConfigurationError("initial_delay and max_delay must be numbers of seconds")
        if not isinstance(cast("object", self.retry_unknown), bool):
            raise ConfigurationError(f"retry_unknown must be True or False, not {self.retry_unknown!r}")
        if not 0 <= self.initial_delay <= self.max_delay < float("inf"):
            raise ConfigurationError("Delays must be finite, not negative, and initial_delay at most max_delay")


def check_count(name: str, value: object) -> None:
    """Check a whole number of at least 1.

    Raises:
        ConfigurationError: It is something else.
    """
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ConfigurationError(f"{name} must be a whole number of at least 1, not {value!r}")


def policy_of(given: object) -> RetryPolicy:
    """Return the policy that `retry=` means: a number is the number of attempts.

    Raises:
        ConfigurationError: It is neither a policy nor a number of attempts.
    """
    if given is None:
        return RetryPolicy()
    if isinstance(given, int) and not isinstance(given, bool):
        return RetryPolicy(max_attempts=given)
    if not isinstance(given, RetryPolicy):
        raise ConfigurationError(f"retry= takes a RetryPolicy or a number of attempts, not {given!r}")
    return given


def fault_of(error: BaseException) -> Fault:
    """Return what an error says about sending the same request again."""
    match error:
        case NotSentError():
            return Fault.TERMINAL if error.final else Fault.NOT_SENT
        case RateLimitError():
            return Fault.REJECTED
        case ServerError(outcome="rejected"):
            return Fault.REJECTED
        case DownloadError():
            return Fault.UNKNOWN if error.transient else Fault.TERMINAL
        case AuraShotError(outcome="unknown") if isinstance(error, _MAY_BE_UNKNOWN) or _is_timeout(error):
            return Fault.UNKNOWN
        case _:
            return Fault.TERMINAL


def _is_timeout(error: AuraShotError) -> bool:
    return getattr(error, "status_code", 0) == 408


def may_repeat(error: BaseException, *, billable: bool, policy: RetryPolicy) -> bool:
    """Decide whether the same request may be sent again after an error."""
    match DECISIONS[fault_of(error)]:
        case Repeat.ANY:
            return True
        case Repeat.UNBILLED:
            return policy.retry_unknown or not billable
        case Repeat.NONE:
            return False


def wait_before(attempt: int, error: BaseException | None, policy: RetryPolicy, draw: Callable[[], float]) -> float:
    """Return the seconds to wait after an attempt: full jitter, and never less than a Retry-After.

    A Retry-After is jittered upward by up to a quarter, at most 5 seconds, so that clients do not all retry at once.
    """
    doubled = policy.initial_delay * 2.0 ** min(attempt - 1, 1_000)  # 2.0 ** 1024 is an OverflowError
    backoff = draw() * min(policy.max_delay, doubled)
    asked = error.retry_after if isinstance(error, AuraShotError) else None
    return backoff if asked is None else max(backoff, asked + draw() * min(asked / 4, 5.0))


class RetryBudget:
    """A token bucket that keeps an outage from multiplying the traffic.

    A retry takes 14 of 500 tokens, a success gives one back: the numbers of the AWS SDKs' standard retry mode. When it
    is empty, errors are raised at once; a call then costs one request.
    """

    CAPACITY: Final = 500
    COST: Final = 14

    def __init__(self) -> None:
        self._tokens = self.CAPACITY
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Take the price of one retry, if there are enough tokens."""
        with self._lock:
            if self._tokens < self.COST:
                return False
            self._tokens -= self.COST
            return True

    def refund(self) -> None:
        """Give one token back for a success."""
        with self._lock:
            self._tokens = min(self.CAPACITY, self._tokens + 1)


class Retries(NamedTuple):
    """The retry rules of one call, in tenacity's terms."""

    policy: RetryPolicy
    budget: RetryBudget
    deadline: Deadline
    billable: bool
    before_wait: Callable[[AuraShotError, float], None]
    is_wanted: Callable[[], bool] = lambda: True
    """Whether somebody still waits for the response."""

    def may_help(self, error: BaseException) -> bool:
        """Return whether the call may be retried after an error."""
        return self.is_wanted() and may_repeat(error, billable=self.billable, policy=self.policy)

    def options(self) -> dict[str, Any]:
        """Return the arguments of a fresh `Retrying` or `AsyncRetrying`."""
        return {
            "retry": self._retry,
            "wait": self._wait,
            "stop": self._stop,
            "before_sleep": self._before_sleep,
            "reraise": True,
        }

    def _retry(self, state: RetryCallState) -> bool:
        error = _error(state)
        return error is not None and self.may_help(error)

    def _wait(self, state: RetryCallState) -> float:
        return wait_before(state.attempt_number, _error(state), self.policy, random.random)

    def _stop(self, state: RetryCallState) -> bool:
        if state.attempt_number >= self.policy.max_attempts or state.upcoming_sleep >= self.deadline.remaining:
            return True
        return not self.budget.take()

    def _before_sleep(self, state: RetryCallState) -> None:
        error = _error(state)
        if isinstance(error, AuraShotError):
            self.before_wait(error, state.upcoming_sleep)


class Repeatable(Protocol):
    """Something that may be tried several times."""

    def retries(self, policy: RetryPolicy, budget: RetryBudget) -> Retries:
        """Return the rules for trying it again."""
        ...


def _error(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome is not None else None
