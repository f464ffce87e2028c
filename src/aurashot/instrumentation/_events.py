"""The event records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from aurashot.errors import AuraShotError


@dataclass(frozen=True, slots=True, kw_only=True)
class CallStarted:
    """A call is about to send its first request."""

    operation: str
    """`upload`, `id_photo`, `generate`, `edit`, `virtual_try_on`, `pose_change` or `query`."""
    billed: bool
    idempotency_key: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptFailed:
    """A request failed and will be sent again."""

    operation: str
    attempt: int
    error: AuraShotError
    retry_in: float
    """Seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallSucceeded:
    """A call has its answer."""

    operation: str
    billed: bool
    idempotency_key: str | None
    attempts: int
    elapsed: float
    """Seconds from the first request to the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFailed:
    """A call ends with an error, which says what it cost."""

    operation: str
    error: AuraShotError
    elapsed: float
    """Seconds from the first request to the error."""


Event: TypeAlias = CallStarted | AttemptFailed | CallSucceeded | CallFailed


class Hook(Protocol):
    """Anything that can be called with an event."""

    def __call__(self, event: Event, /) -> None:
        """Take note of an event."""
