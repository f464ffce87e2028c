"""What is written into a ledger, and the `Ledger` protocol."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence  # the public API keeps its annotations readable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, Protocol, TypeAlias, cast

from aurashot.errors import AuraShotError, InputError

if TYPE_CHECKING:
    from aurashot.ledger._entries import Entry

Payment: TypeAlias = Literal["paid", "not_paid", "unknown", "pending", "blocked"]
"""Whether an image is on the bill.

`paid`: the service delivered. `not_paid`: it never had the request, or refused it before any work. Of the others
nothing is proved, and somebody has to look at the bill. `pending`: the service accepted the request and responded
without an image, which cannot be fetched later. `blocked`: it refused the content. `unknown`: everything else.
"""

Scalar: TypeAlias = str | int | float | bool | None
"""What a note may be: a JSON value that holds no others."""

PATIENCE: Final = 5.0
"""Seconds to wait for others who write, where the caller does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A billable request that is about to be sent."""

    idempotency_key: str
    operation: str
    """`id_photo`, `generate`, `edit`, `virtual_try_on` or `pose_change`."""
    operation_id: str = ""
    """The id of the public call that makes the request. A call that sends its own request again is not stopped by
    its earlier entry; an empty id is never the same as another."""
    parent_id: str | None = None
    """The id of what that call is part of."""
    request_digest: str | None = None
    """SHA-256 of what is asked for, in hexadecimal. The same key with another digest is refused."""
    prompt: str | None = None
    references: Mapping[str, str] = field(default_factory=dict[str, str])
    """What identifies each image, by the name of its field in the request (`face`, `clothes`, `productImage` …): its
    URL, or `sha256:` and the digest of a local image's content in hexadecimal."""
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    pay_once: bool = True
    """Whether the key pays once. False: the caller wants another image, whatever was paid under the key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What became of it."""

    payment: Payment
    attempts: int
    """How many requests went out under this entry."""
    request_id: str | None = None
    urls: tuple[str, ...] = ()
    input_tokens: int | None = None
    output_tokens: int | None = None
    error: str | None = None
    """The name of the error's class, where one was raised."""
    result: str | None = None
    """The whole response as JSON, so that it can be returned again."""


@dataclass(frozen=True, slots=True)
class Reserve:
    """Record a request before its first byte is sent."""

    intent: Intent


@dataclass(frozen=True, slots=True)
class Settle:
    """Record the outcome of a request."""

    number: int
    """Of the entry."""
    settlement: Settlement


@dataclass(frozen=True, slots=True)
class Annotate:
    """Add notes to an entry; a note of the same name is replaced.

    Raises:
        InputError: A name is not a string, or a value is not a JSON scalar: str, int, finite float, bool or None.
    """

    number: int
    """Of the entry."""
    notes: Mapping[str, Scalar]

    def __post_init__(self) -> None:
        """Check that the notes can be written as JSON."""
        if not isinstance(cast("object", self.notes), Mapping):
            raise InputError(f"notes: names and values are needed, not {type(self.notes).__name__}", argument="notes")
        for name, value in cast("Mapping[object, object]", self.notes).items():
            if not isinstance(name, str) or not _is_scalar(value):
                raise InputError(
                    f"notes: {name!r} is a {type(value).__name__}; strings, finite numbers, booleans and None can be "
                    "noted under a string",
                    argument="notes",
                )


def _is_scalar(value: object) -> bool:
    return value is None or isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value))


Write: TypeAlias = Reserve | Settle | Annotate


class Ledger(Protocol):
    """The write-ahead record of billed calls: what a client needs of one.

    A store of another kind subclasses this and implements `recall` and `write`; both block, and are called from any
    thread. `check_key` decides what a key may be used for; `Entry.begin`, `Entry.settled` and `Entry.annotated` make
    the entries.
    """

    def recall(self, intent: Intent, *, timeout: float) -> Entry | None:
        """Return what was paid under the key of a request; write nothing.

        Args:
            intent: The request that is about to be sent.
            timeout: Seconds to wait for concurrent writers.

        Returns:
            The paid entry, whose result is to be returned; None if the request may be sent, and
            always where `intent.pay_once` is False.

        Raises:
            UnresolvedError: A request under the key may be on the bill.
            InputError: The key was used for another request; `argument` is `idempotency_key`.
            LedgerError: The ledger cannot be read.
        """
        ...

    def write(self, writes: Sequence[Write], *, timeout: float) -> list[Entry | AuraShotError | None]:
        """Write all of it durably, in one step; when this returns, it survives a power failure.

        Each write succeeds or fails by itself, and has its place in the result:

        * `Reserve`: the new entry, which is `unknown` and not finished. Or the earlier entry that was paid under the
          same key: then nothing may be sent. Or an error as `recall` raises it, or a `SpendCapError`; then nothing was
          written.
        * `Settle` and `Annotate`: None, or the error for which it was not written.

        The check of the key and the new entry must be one step also for other threads and processes: of two that
        reserve the same key at once, one has the new entry.

        Args:
            writes: What to write, in this order.
            timeout: Seconds to wait for concurrent writers.

        Raises:
            LedgerError: None of it was written: the ledger is busy, closed, full or damaged.
        """
        ...

    def reserve(self, intent: Intent, *, timeout: float = PATIENCE) -> Entry:
        """Record one request before its first byte is sent, and return its entry.

        Returns:
            The new entry; or the earlier one that was paid under the same key: then nothing may be sent.

        Raises:
            UnresolvedError: A request under the key may be on the bill.
            InputError: The key was used for another request; `argument` is `idempotency_key`.
            SpendCapError: It would exceed the cap.
            LedgerError: It cannot be recorded, so it must not be sent.
        """
        return cast("Entry", _one(self.write([Reserve(intent)], timeout=timeout)))

    def settle(self, entry: Entry | int, settlement: Settlement, *, timeout: float = PATIENCE) -> None:
        """Record the outcome of one request.

        Args:
            entry: The entry, or its number.
            settlement: Its outcome.
            timeout: Seconds to wait for concurrent writers.

        Raises:
            LedgerError: It cannot be recorded, or there is no such entry; the entry stays as it is.
        """
        _one(self.write([Settle(_number(entry), settlement)], timeout=timeout))

    def annotate(self, entry: Entry | int, notes: Mapping[str, Scalar], *, timeout: float = PATIENCE) -> None:
        """Add notes to one entry; a note of the same name is replaced.

        Args:
            entry: The entry, or its number.
            notes: Strings, finite numbers, booleans and None, by name.
            timeout: Seconds to wait for concurrent writers.

        Raises:
            InputError: The notes are something else.
            LedgerError: They cannot be recorded, or there is no such entry.
        """
        _one(self.write([Annotate(_number(entry), notes)], timeout=timeout))


def _one(results: list[Entry | AuraShotError | None]) -> Entry | None:
    (result,) = results
    if isinstance(result, AuraShotError):
        raise result
    return result


def _number(entry: Entry | int) -> int:
    return entry if isinstance(entry, int) else entry.number
