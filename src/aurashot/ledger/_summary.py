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


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary(Spend):
    """The sums of all entries."""

    by_operation: Mapping[str, Spend] = field(default_factory=dict[str, Spend])
    by_tag: Mapping[str, Mapping[str, Spend]] = field(default_factory=dict[str, Mapping[str, Spend]])
    """By name and value: `summary.by_tag["user"]["alice"].paid`."""


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
    by_tag: dict[str, dict[str, Spend]] = {}
    for (name, value), each in sorted(tags.items()):
        by_tag.setdefault(name, {})[value] = Spend(**each.figures())
    by_operation = {name: Spend(**each.figures()) for name, each in sorted(operations.items())}
    return Summary(**total.figures(), by_operation=by_operation, by_tag=by_tag)
