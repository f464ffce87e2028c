"""What is written into a ledger, and what a ledger has to be able to do."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003  # dataclasses of the public API keep their annotations readable
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

Payment: TypeAlias = Literal["paid", "not_paid", "unknown"]
"""Whether a picture is on the bill.

`paid`: the service delivered. `not_paid`: it never had the request, or refused it before any work. `unknown`: nothing
proves either, and somebody has to look at the bill.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A billed request that is about to go out."""

    idempotency_key: str
    operation: str
    """`id_photo`, `generate`, `edit`, `virtual_try_on` or `pose_change`."""
    prompt: str | None = None
    references: Mapping[str, str] = field(default_factory=dict[str, str])
    """The address of each picture, by the name of its field in the request: `face`, `clothes`, `productImage` …"""
    tags: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What became of it."""

    outcome: Payment
    attempts: int
    """How many requests went out under this entry."""
    request_id: str | None = None
    urls: tuple[str, ...] = ()
    input_tokens: int | None = None
    output_tokens: int | None = None
    error: str | None = None
    """The name of the error's class, where one was raised."""


class Ledger(Protocol):
    """The write-ahead record of billed calls: what a client needs of one.

    Both methods block, are called from any thread, and have written for good when they return.
    """

    def reserve(self, intent: Intent, *, timeout: float) -> int:
        """Record a request before its first byte goes out, and return the number of the entry.

        An entry counts as `unknown` until it is settled.

        Args:
            intent: The request.
            timeout: Seconds to wait for others who are writing.

        Raises:
            LedgerError: It cannot be recorded, so it must not be sent.
            SpendCapError: It would exceed the cap.
        """
        ...

    def settle(self, entry: int, settlement: Settlement, *, timeout: float) -> None:
        """Record what became of it.

        Raises:
            LedgerError: It cannot be recorded; the entry stays `unknown`.
        """
        ...
