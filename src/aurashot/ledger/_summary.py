"""The sums of a ledger's entries."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True, kw_only=True)
class Spend:
    """Numbers of images by payment."""

    paid: int = 0
    not_paid: int = 0
    unknown: int = 0
    pending: int = 0
    blocked: int = 0
    input_tokens: int = 0
    output_tokens: int = 0

    @property
    def at_most(self) -> int:
        """How many images may be on the bill."""
        return self.paid + self.unknown + self.pending + self.blocked


class SpendByName(dict[str, Spend]):
    """Sums by name. A name without an entry has spent nothing; only those that have one are iterated over."""

    def __missing__(self, name: str) -> Spend:
        """Return the sum of no entries."""
        return Spend()


class SpendByTag(dict[str, Mapping[str, Spend]]):
    """Sums by the name of a tag, then by its value."""

    def __missing__(self, name: str) -> Mapping[str, Spend]:
        """Return the sums of a tag that no entry has."""
        return SpendByName()


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary(Spend):
    """The sums of all entries."""

    by_operation: Mapping[str, Spend] = field(default_factory=SpendByName)
    """By operation: `summary.by_operation["generate"].paid`, which is 0 before the first one."""
    by_tag: Mapping[str, Mapping[str, Spend]] = field(default_factory=SpendByTag)
    """By name and value: `summary.by_tag["user"]["alice"].paid`, which is 0 before Alice's first call."""


class _Sum:
    """A sum that is being computed."""

    def __init__(self) -> None:
        self._figures: dict[str, int] = {}

    def add(self, payment: str, input_tokens: int, output_tokens: int) -> None:
        for name, more in ((payment, 1), ("input_tokens", input_tokens), ("output_tokens", output_tokens)):
            self._figures[name] = self._figures.get(name, 0) + more

    def figures(self) -> dict[str, Any]:
        return self._figures


def summed(rows: Iterable[tuple[str, str, str, int | None, int | None]]) -> Summary:
    """Sum up rows of operation, payment, tags, input tokens and output tokens."""
    total, operations, tags = _Sum(), dict[str, _Sum](), dict[tuple[str, str], _Sum]()
    for operation, payment, stored, *tokens in rows:
        sums = [total, operations.setdefault(operation, _Sum())]
        sums += (tags.setdefault(pair, _Sum()) for pair in cast("dict[str, str]", json.loads(stored)).items())
        for each in sums:
            each.add(payment, *(number or 0 for number in tokens))
    by_tag: dict[str, SpendByName] = {}
    for (name, value), each in sorted(tags.items()):
        by_tag.setdefault(name, SpendByName())[value] = Spend(**each.figures())
    by_operation = SpendByName({name: Spend(**each.figures()) for name, each in sorted(operations.items())})
    return Summary(**total.figures(), by_operation=by_operation, by_tag=SpendByTag(by_tag))
