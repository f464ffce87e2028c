"""What a rate limiter has to be able to do."""

from __future__ import annotations

import inspect
from typing import Literal, Protocol, TypeAlias

from aurashot.errors import ConfigurationError


class RateLimiter(Protocol):
    """Something that says when the blocking client may send its next request.

    It is asked before every request of the API, each attempt and each upload included; downloads are not asked for.
    Several threads may ask at once.
    """

    def acquire(self, request: str, /, *, billable: bool, timeout: float) -> None:
        """Return when the request may be sent.

        What this raises keeps the request here: it becomes a `NotSentError`, or a `DeadlineExceededError` when the
        call's time is over.

        Args:
            request: `upload`, `id_photo`, `generate`, `edit`, `virtual_try_on`, `pose_change` or `query`.
            billable: Whether the service bills it.
            timeout: Seconds that are left of the call's time.
        """
        ...


class AsyncRateLimiter(Protocol):
    """Something that says when the async client may send its next request."""

    async def acquire(self, request: str, /, *, billable: bool, timeout: float) -> None:
        """Return when the request may be sent; the arguments and errors are those of `RateLimiter.acquire`."""
        ...


AnyRateLimiter: TypeAlias = RateLimiter | AsyncRateLimiter


def check_rate_limiter(given: object, wanted: Literal["RateLimiter", "AsyncRateLimiter"]) -> None:
    """Refuse what is not the kind of rate limiter that is wanted.

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
