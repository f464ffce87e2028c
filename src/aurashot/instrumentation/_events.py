"""The event records."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class _OperationEvent:
    operation_id: str
    """The id of the method call; its errors, responses and ledger entries carry the same."""
    parent_id: str | None
    """What the operation is part of, as `with_options(parent_id=...)` says."""
    operation: str
    """The method: `id_photo`, `generate`, `edit`, `upload`, `download`, `read`, `show`, `virtual_try_on`, `pose_change`
    or `query`."""
    at: datetime = field(default_factory=_now)
    """When it happened; UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationStarted(_OperationEvent):
    """A method was called."""

    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationSucceeded(_OperationEvent):
    """A method returns."""

    elapsed: float
    """Seconds since it was called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationFailed(_OperationEvent):
    """A method raises."""

    error: BaseException
    """An `AuraShotError`, which says what it cost, or what interrupted the method: a cancellation, or Ctrl-C."""
    elapsed: float
    """Seconds since it was called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _RequestEvent(_OperationEvent):
    number: int
    """Which request of the operation it is, every attempt counted; with the operation's id it names the request."""
    request: str
    """What is asked for: `upload`, `id_photo`, `generate`, `edit`, `virtual_try_on`, `pose_change`, `query`, or
    `download`."""
    attempt: int
    """How often this request was tried, this time included."""
    billable: bool
    idempotency_key: str | None
    """What a billed request is sent under."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestStarted(_RequestEvent):
    """A request is about to be sent; every attempt is one."""

    bytes_sent: int
    """The size of its body; of an upload, that of the image."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestSucceeded(_RequestEvent):
    """A request succeeded."""

    status_code: int
    bytes_received: int
    """The size of the response's body."""
    elapsed: float
    """Seconds since the request started."""
    images: int = 0
    """How many images the response has; those of a billable request are paid for."""
    request_id: str | None = None
    """The service's identifier, if the response has one."""
    model: str | None = None
    """The model that did the work, if the response says so."""
    input_tokens: int | None = None
    """The tokens that the service counted, if the response says so."""
    output_tokens: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFailed(_RequestEvent):
    """A request failed."""

    error: BaseException
    """An `AuraShotError`, or what interrupted the request."""
    elapsed: float
    """Seconds since the request started."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryScheduled(_RequestEvent):
    """A failed request will be retried."""

    error: BaseException
    retry_in: float
    """Seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityChecked(_OperationEvent):
    """An image was compared with its face reference, by an `IdentityPolicy`."""

    attempt: int
    """Which attempt it was; the first is 1."""
    verdict: str
    """`same`, `different` or `unsure`."""
    similarity: float | None
    """0 to 1; None if there was nothing to compare."""
    accepted: bool
    """Whether it is returned; otherwise the image is generated again, or the operation fails."""
    images_paid: int
    """How many images the operation has paid for so far."""
    idempotency_key: str | None
    """What the image was paid for under."""


Event: TypeAlias = (
    OperationStarted
    | OperationSucceeded
    | OperationFailed
    | RequestStarted
    | RequestSucceeded
    | RequestFailed
    | RetryScheduled
    | IdentityChecked
)


class Hook(Protocol):
    """Anything that can be called with an event."""

    def __call__(self, event: Event, /) -> None:
        """Handle an event."""


class PromptHook(Hook, Protocol):
    """A hook that is also given the prompts, which no event holds."""

    @property
    def wants_prompts(self) -> bool:
        """Whether to call `on_prompt`; looked at when a client is made with the hook."""
        ...

    def on_prompt(self, event: RequestStarted, prompt: str, /) -> None:
        """Handle the prompt of a billed request, after the hooks were called with its `RequestStarted`."""
