"""The protocols of rate limiters."""

from __future__ import annotations

import inspect
from typing import Literal, Protocol, TypeAlias

from aurashot.errors import ConfigurationError


class RateLimiter(Protocol):
    """Decides when the sync client may send its next request.

    It is called before every request of the API, including each retry and each upload, but not before downloads.
    Several threads may call it at once.
    """

    def acquire(self, request: str, /, *, billable: bool, timeout: float) -> None:
        """Return as soon as the request may be sent.

        If this raises, the request is not sent: the error becomes a `NotSentError`, or a `DeadlineExceededError` when
        the deadline has passed.

        Args:
            request: `upload`, `id_photo`, `generate`, `edit`, `virtual_try_on`, `pose_change` or `query`.
            billable: Whether the service bills it.
            timeout: Seconds until the call's deadline.
        """
        ...


class AsyncRateLimiter(Protocol):
    """Decides when the async client may send its next request."""

    async def acquire(self, request: str, /, *, billable: bool, timeout: float) -> None:
        """Return as soon as the request may be sent; the arguments and errors are those of `RateLimiter.acquire`."""
        ...


AnyRateLimiter: TypeAlias = RateLimiter | AsyncRateLimiter


def check_rate_limiter(given: object, wanted: Literal["RateLimiter", "AsyncRateLimiter"]) -> None:
    """Check that a rate limiter is of the right kind.

    Raises:
        ConfigurationError: It has no `acquire`, or one for the other client.
    """
    if given is None:
        return
    acquire = getattr(given, "acquire", None)
    is_async = inspect.iscoroutinefunction(acquire)
    if not callable(acquire) or is_async != (wanted == "AsyncRateLimiter"):
        kind = "an async one" if is_async else "one that blocks" if callable(acquire) else "none"
        raise ConfigurationError(
            f"rate_limiter= takes a {wanted}, not {type(given).__name__}; of the method acquire it has {kind}"
        )
