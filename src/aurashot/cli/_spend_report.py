"""The summary of a ledger, and the list of what is unresolved."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Any, Final, TypeVar

from aurashot.cli._spend_entries import age, command, data_of, resolve_command, tags, why
from aurashot.ledger import Spend

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import datetime

    from aurashot.cli._screen import Screen
    from aurashot.ledger import Entry, SQLiteLedger, Summary

T = TypeVar("T")

_HEAD: Final = ("", "paid", "unknown", "pending", "blocked", "not paid", "tokens out")


class Report:
    """What `aurashot spend` shows of a ledger.

    Attributes:
        since: Only entries since then, as it was given on the command line.
    """

    def __init__(self, ledger: SQLiteLedger, since: str | None, moment: datetime | None) -> None:
        self.since = since
        self._ledger = ledger
        self._moment = moment

    def data(self) -> dict[str, Any]:
        """Return the totals and the unresolved entries as a document."""
        unresolved = [data_of(entry) for entry in self._unresolved()]
        return {**asdict(self._ledger.summary(self._moment)), "unresolved": unresolved}

    def keys(self) -> list[str]:
        """Return the idempotency keys of the unresolved entries."""
        return [entry.idempotency_key for entry in self._unresolved()]

    def show_summary(self, most: int | None, screen: Screen) -> None:
        """Print the totals: all, by operation and by tag.

        Args:
            screen: Where they are printed.
            most: How many tags, and how many values of each, are shown; None for all.
        """
        summary = self._ledger.summary(self._moment)
        names = _largest(summary.by_tag, most, _at_most)
        screen.table(_HEAD, _rows(summary, names, most))
        hidden = len(summary.by_tag) - len(names)
        if hidden or any(_is_long(summary.by_tag[name], most) for name in names):
            more = f"{hidden:,} more tags are not shown; show" if hidden else "Show"
            screen.say()
            screen.say(f"{more} all with: {self._command('--all')}")
        number = summary.unknown + summary.pending
        if number:
            screen.say()
            screen.say(f"{number:,} may be on the bill and are not resolved; list them with:")
            screen.say(f"  {self._command('--unresolved')}")

    def show_unresolved(self, most: int | None, screen: Screen) -> None:
        """Print a line for each entry that may be on the bill, and how one is resolved.

        Args:
            screen: Where they are printed.
            most: How many entries are shown, from the oldest; None for all.
        """
        entries = self._unresolved()
        if not entries:
            screen.say("Nothing is unresolved.")
            return
        head = ("started (UTC)", "age", "operation", "how it ended", "tags", "idempotency key")
        shown = entries[:most]
        screen.table(head, map(_line, shown))
        screen.say()
        if len(shown) < len(entries):
            screen.say(f"{len(entries) - len(shown):,} more are not shown; show all with:")
            screen.say(f"  {self._command('--unresolved', '--all')}")
        screen.say("Look at the bill or ask support, then record what became of one, as paid or not_paid:")
        screen.say(f"  {resolve_command(self._ledger.path, entries[0].idempotency_key)}")

    def _command(self, *options: str) -> str:
        since = [] if self.since is None else ["--since", self.since]
        return command(self._ledger.path, *options, *since)

    def _unresolved(self) -> list[Entry]:
        since = self._moment
        return [entry for entry in self._ledger.unresolved() if since is None or entry.started_at >= since]


def _line(entry: Entry) -> tuple[str, ...]:
    started = f"{entry.started_at:%Y-%m-%d %H:%M:%S}"
    return started, age(entry), entry.operation, why(entry), tags(entry), entry.idempotency_key


def _rows(summary: Summary, names: Iterable[str], most: int | None) -> Iterator[tuple[str, ...]]:
    yield _row("all", summary)
    for operation, part in summary.by_operation.items():
        yield _row(f"  {operation}", part)
    for name in names:
        values = summary.by_tag[name]
        shown = _largest(values, most, _images)
        for value in shown:
            yield _row(f"  {name}={value}", values[value])
        if _is_long(values, most):
            yield _row(f"  {name}: and {len(values) - len(shown):,} more", _rest(values, set(shown)))


def _largest(parts: Mapping[str, T], most: int | None, size: Callable[[T], int]) -> list[str]:
    """Return the names of the largest parts, or of all of them, in the order of names."""
    if most is None or len(parts) <= most:
        return list(parts)
    return sorted(parts, key=lambda name: (-size(parts[name]), name))[:most]


def _images(part: Spend) -> int:
    return part.at_most


def _at_most(values: Mapping[str, Spend]) -> int:
    return sum(part.at_most for part in values.values())


def _is_long(values: Mapping[str, Spend], most: int | None) -> bool:
    return most is not None and len(values) > most


def _rest(values: Mapping[str, Spend], shown: set[str]) -> Spend:
    others = [part for value, part in values.items() if value not in shown]
    return Spend(**{each.name: sum(getattr(part, each.name) for part in others) for each in fields(Spend)})


def _row(name: str, part: Spend) -> tuple[str, ...]:
    numbers = (part.paid, part.unknown, part.pending, part.blocked, part.not_paid, part.output_tokens)
    return name, *(f"{number:,}" for number in numbers)
