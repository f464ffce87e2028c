"""`aurashot spend`: summarise a ledger."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from aurashot.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aurashot.ledger import Entry, Spend, SQLiteLedger, Summary


_UNFINISHED: Final = {True: "under way", False: "its program ended", None: "under way, or its program ended"}
"""The state of an entry without an outcome, by whether the process that wrote it is running."""


def spend(
    path: Annotated[Path, typer.Argument(metavar="LEDGER", help="The file of the ledger.", envvar="AURASHOT_LEDGER")],
    since: Annotated[
        str | None, typer.Option(metavar="DATE", help="Only calls since this date or time, such as 2026-03-16, in UTC.")
    ] = None,
    unresolved: Annotated[
        bool, typer.Option("--unresolved", help="List the calls that may be on the bill and are not resolved.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what was spent, and which calls are unresolved.

    Reads a ledger that a program writes with SQLiteLedger, during or after the run.
    """
    import json

    from aurashot.ledger import SQLiteLedger

    with SQLiteLedger(path, create=False) as ledger:
        if as_json:
            typer.echo(json.dumps(_as_data(ledger, _moment(since)), indent=2, ensure_ascii=False))
        elif unresolved:
            _show_entries(_unresolved(ledger, _moment(since)))
        else:
            _show_summary(ledger.summary(_moment(since)))


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(f"--since: {text!r} is not a date or time; pass one like 2026-03-16T09:00") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _unresolved(ledger: "SQLiteLedger", since: datetime | None) -> "list[Entry]":
    return [entry for entry in ledger.unresolved() if _is_since(entry, since)]


def _is_since(entry: "Entry", since: datetime | None) -> bool:
    return since is None or entry.started_at >= since


def _as_data(ledger: "SQLiteLedger", since: datetime | None) -> dict[str, Any]:
    """Return the totals and the unresolved entries, without the URLs of images, which are secrets."""
    unresolved = [
        {
            "idempotency_key": entry.idempotency_key,
            "operation": entry.operation,
            "started_at": entry.started_at.isoformat(),
            "is_finished": entry.is_finished,
            "owner_lives": entry.owner_lives,
            "error": entry.error,
            "tags": dict(entry.tags),
        }
        for entry in ledger.unresolved()
        if _is_since(entry, since)
    ]
    return {**asdict(ledger.summary(since)), "unresolved": unresolved}


def _show_summary(summary: "Summary") -> None:
    from aurashot.cli._screen import Screen

    screen = Screen()
    screen.table(("", "paid", "unknown", "not paid", "tokens out"), _rows(summary))
    if summary.unknown:
        screen.say()
        screen.say(f"{summary.unknown} may be on the bill and are not resolved; list them with --unresolved")


def _rows(summary: "Summary") -> "Iterator[tuple[str, ...]]":
    yield _row("all", summary)
    for operation, part in summary.by_operation.items():
        yield _row(f"  {operation}", part)
    for name, values in summary.by_tag.items():
        for value, part in values.items():
            yield _row(f"  {name}={value}", part)


def _row(name: str, part: "Spend") -> tuple[str, ...]:
    return name, *(f"{number:,}" for number in (part.paid, part.unknown, part.not_paid, part.output_tokens))


def _show_entries(entries: "list[Entry]") -> None:
    from aurashot.cli._screen import Screen

    screen = Screen()
    if not entries:
        screen.say("Nothing is unresolved.")
        return
    rows = (
        (f"{entry.started_at:%Y-%m-%d %H:%M:%S}", entry.operation, _why(entry), entry.idempotency_key)
        for entry in entries
    )
    screen.table(("started (UTC)", "operation", "how it ended", "idempotency key"), rows)


def _why(entry: "Entry") -> str:
    return entry.error or _UNFINISHED[entry.owner_lives]
