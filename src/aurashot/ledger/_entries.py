"""What comes out of a ledger: its entries, and their sum."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from aurashot.ledger._records import Payment

MICROSECONDS: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One request that may be on the bill, and what became of it."""

    number: int
    idempotency_key: str
    """What the request was sent under. A call that went out again after a lost answer has several entries under one."""
    operation: str
    outcome: Payment
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
    """SHA-256 of each picture's address, by the name of its field in the request."""
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    run: str = ""
    """Which run of a program it belongs to."""

    @property
    def is_finished(self) -> bool:
        """Whether its outcome was recorded."""
        return self.finished_at is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spend:
    """Images by what is known of their payment."""

    paid: int = 0
    not_paid: int = 0
    unknown: int = 0
    input_tokens: int = 0
    output_tokens: int = 0

    @property
    def at_most(self) -> int:
        """How many images may be on the bill."""
        return self.paid + self.unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary(Spend):
    """All entries, summed up."""

    by_operation: Mapping[str, Spend] = field(default_factory=dict[str, Spend])
    by_tag: Mapping[str, Mapping[str, Spend]] = field(default_factory=dict[str, Mapping[str, Spend]])
    """By name and value: `summary.by_tag["user"]["alice"].paid`."""


def entry_of(row: sqlite3.Row) -> Entry:
    """Return a row of the table as a record."""
    values: dict[str, Any] = {name: row[name] for name in row.keys()}  # noqa: SIM118  # a row iterates over values
    for name in ("urls", "reference_digests", "tags"):
        values[name] = json.loads(values[name])
    values["references"] = values.pop("reference_digests")
    values["urls"] = tuple(values["urls"])
    for name in ("started_at", "finished_at"):
        values[name] = None if values[name] is None else moment(values[name])
    return Entry(**values)


def microseconds(when: datetime) -> int:
    """Return a moment as it is stored."""
    return int(when.timestamp() * MICROSECONDS)


def moment(stored: int) -> datetime:
    """Return a moment as it is shown."""
    return datetime.fromtimestamp(stored / MICROSECONDS, UTC)


class _Sum:
    """A sum that is still growing."""

    def __init__(self) -> None:
        self._figures: dict[str, int] = {}

    def add(self, outcome: str, input_tokens: int, output_tokens: int) -> None:
        for name, more in ((outcome, 1), ("input_tokens", input_tokens), ("output_tokens", output_tokens)):
            self._figures[name] = self._figures.get(name, 0) + more

    def figures(self) -> dict[str, Any]:
        return self._figures


def summed(rows: Iterable[tuple[str, str, str, int | None, int | None]]) -> Summary:
    """Sum up rows of operation, outcome, tags, input tokens and output tokens."""
    total, operations, tags = _Sum(), dict[str, _Sum](), dict[tuple[str, str], _Sum]()
    for operation, outcome, stored, *tokens in rows:
        sums = [total, operations.setdefault(operation, _Sum())]
        sums += (tags.setdefault(pair, _Sum()) for pair in cast("dict[str, str]", json.loads(stored)).items())
        for each in sums:
            each.add(outcome, *(number or 0 for number in tokens))
    by_tag: dict[str, dict[str, Spend]] = {}
    for (name, value), each in sorted(tags.items()):
        by_tag.setdefault(name, {})[value] = Spend(**each.figures())
    by_operation = {name: Spend(**each.figures()) for name, each in sorted(operations.items())}
    return Summary(**total.figures(), by_operation=by_operation, by_tag=by_tag)
