"""The entries of a ledger."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Self

from aurashot.ledger._owner import Owner, lives, this_process

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from aurashot.ledger._records import Intent, Payment, Scalar, Settlement

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)
CONTENT: Final = "sha256:"
"""Begins a reference that is the digest of an image's content already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One request that may be on the bill, and its outcome."""

    number: int
    idempotency_key: str
    """What the request was sent with. A call that was retried after a lost response has several entries with it."""
    operation: str
    payment: Payment
    started_at: datetime
    """When it was recorded, just before it went out; UTC."""
    finished_at: datetime | None = None
    """When its outcome was recorded; None while it is under way, and for ever if the program ended first."""
    attempts: int = 0
    request_id: str | None = None
    urls: tuple[str, ...] = ()
    input_tokens: int | None = None
    output_tokens: int | None = None
    error: str | None = None
    """The name of the error's class, where the call ended with one."""
    prompt_digest: str | None = None
    """SHA-256 of the prompt, in hexadecimal."""
    prompt: str | None = None
    """The prompt itself, where the ledger keeps prompts."""
    references: Mapping[str, str] = field(default_factory=dict[str, str])
    """SHA-256 of each image's URL, or of its content where it was local, by the name of its field in the
    request."""
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    run: str = ""
    """Which run of a program it belongs to."""
    operation_id: str = ""
    """The id of the public call that made the request."""
    parent_id: str | None = None
    """The id of what that call was part of."""
    request_digest: str | None = None
    """SHA-256 of what was asked for, in hexadecimal."""
    result: str | None = field(default=None, repr=False)
    """The whole response as JSON, where it was recorded."""
    notes: Mapping[str, Scalar] = field(default_factory=dict[str, "Scalar"])
    """What `annotate` added."""
    owner: Owner | None = None
    """The process that wrote the entry; None if it was written by a version that did not say."""

    @property
    def is_finished(self) -> bool:
        """Whether its outcome was recorded."""
        return self.finished_at is not None

    @property
    def owner_lives(self) -> bool | None:
        """Whether the process that wrote it still runs; None if that cannot be told, as on another machine."""
        return None if self.owner is None else lives(self.owner)

    @property
    def is_under_way(self) -> bool:
        """Whether a process that certainly still runs has not recorded its outcome yet."""
        return self.payment == "unknown" and not self.is_finished and self.owner_lives is True

    @classmethod
    def begin(cls, intent: Intent, *, number: int, run: str = "", keep_prompt: bool = False) -> Self:
        """Return the entry of a request that is about to be sent: `unknown`, at this time and by this process.

        Args:
            intent: The request.
            number: The entry's number, which the ledger gives.
            run: A name for the run of the program.
            keep_prompt: Whether the prompt is kept, and not only its digest.
        """
        return cls(
            number=number,
            idempotency_key=intent.idempotency_key,
            operation=intent.operation,
            payment="unknown",
            started_at=datetime.now(UTC),
            prompt_digest=prompt_digest(intent),
            prompt=intent.prompt if keep_prompt else None,
            references={name: _reference(value) for name, value in intent.references.items()},
            tags=dict(intent.tags),
            run=run,
            operation_id=intent.operation_id,
            parent_id=intent.parent_id,
            request_digest=intent.request_digest,
            owner=this_process(),
        )

    def settled(self, settlement: Settlement) -> Self:
        """Return the entry with the outcome of the request."""
        return replace(
            self,
            payment=settlement.payment,
            finished_at=datetime.now(UTC),
            attempts=settlement.attempts,
            request_id=settlement.request_id,
            urls=tuple(settlement.urls),
            input_tokens=settlement.input_tokens,
            output_tokens=settlement.output_tokens,
            error=settlement.error,
            result=settlement.result,
        )

    def annotated(self, notes: Mapping[str, Scalar]) -> Self:
        """Return the entry with more notes."""
        return replace(self, notes={**self.notes, **notes})


def numbered(entry: Entry, number: int) -> Entry:
    """Give an entry that nobody else has yet the number of its row; `replace` would set all 23 fields again."""
    object.__setattr__(entry, "number", number)
    return entry


def prompt_digest(intent: Intent) -> str | None:
    """Return SHA-256 of a request's prompt, in hexadecimal."""
    return None if intent.prompt is None else digest(intent.prompt)


def digest(text: str) -> str:
    """Return SHA-256 of a text, in hexadecimal; a lone surrogate does not stop a call."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _reference(value: str) -> str:
    return value.removeprefix(CONTENT) if value.startswith(CONTENT) else digest(value)


_PARSED: Final[dict[str, type]] = {"urls": list, "reference_digests": dict, "tags": dict, "notes": dict}
"""The columns that are JSON, and what they are in Python."""


def _parsed(text: str, kind: type) -> Any:
    value = json.loads(text)
    if not isinstance(value, kind):
        raise TypeError(f"a {kind.__name__} is needed, not {type(value).__name__}")
    return value


def _owner(*, host: str, pid: int, started: str) -> Owner:
    return Owner(str(host), int(pid), str(started))


def entry_of(row: sqlite3.Row) -> Entry:
    """Return a row of the table as a record."""
    values: dict[str, Any] = {name: row[name] for name in row.keys() if name != "again"}  # noqa: SIM118  # a row iterates over values
    for name, kind in _PARSED.items():
        values[name] = _parsed(values[name], kind)
    values["references"], values["payment"] = values.pop("reference_digests"), values.pop("outcome")
    values["urls"] = tuple(values["urls"])
    values["owner"] = values["owner"] and _owner(**json.loads(values["owner"]))
    for name in ("started_at", "finished_at"):
        values[name] = None if values[name] is None else moment(values[name])
    return Entry(**values)


def microseconds(when: datetime) -> int:
    """Return a time as it is stored."""
    return (when - EPOCH) // MICROSECOND


def moment(stored: int) -> datetime:
    """Return a time as it is shown."""
    return EPOCH + stored * MICROSECOND
