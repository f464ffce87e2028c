"""Single entries of a ledger: in lines, as data, and the errors about keys that have none."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from aurashot.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aurashot.cli._screen import Screen
    from aurashot.ledger import Entry, SQLiteLedger

OPEN: Final = {"unknown", "pending", "blocked"}
"""The payments of entries that can be resolved."""
_UNFINISHED: Final = {True: "under way", False: "its program ended", None: "under way, or its program ended"}
"""The state of an entry without an outcome, by whether the process that wrote it is running."""
_FINISHED: Final = {
    "unknown": "its response was lost",
    "pending": "no image came",
    "blocked": "its content was refused",
}
_UNITS: Final = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))
_MOST_ENTRIES: Final = 50
_COMPARED: Final = 2000
"""Keys that are compared with one that has no entry."""


def command(*words: str | Path) -> str:
    """Return a command as it can be pasted into a shell; a path is not taken for an option."""
    texts = (f"./{word}" if isinstance(word, Path) and str(word).startswith("-") else str(word) for word in words)
    return shlex.join(["aurashot", "spend", *texts])


def resolve_command(path: Path, key: str) -> str:
    """Return the command that resolves the entries of a key."""
    return command("resolve", "--ledger", path, *(["--"] if key.startswith("-") else []), key, "not_paid")


def why(entry: Entry) -> str:
    """Return how an entry ended, or that it did not."""
    if entry.is_finished:
        return entry.error or _FINISHED.get(entry.payment, "")
    return _UNFINISHED[entry.owner_lives]


def age(entry: Entry) -> str:
    """Return how long ago an entry was made, in its largest unit."""
    seconds = _seconds(entry)
    size, unit = next((each for each in _UNITS if seconds >= each[0]), _UNITS[-1])
    return f"{seconds // size} {unit}"


def _seconds(entry: Entry) -> int:
    return max(0, int((datetime.now(UTC) - entry.started_at).total_seconds()))


def tags(entry: Entry) -> str:
    """Return the tags of an entry on one line."""
    return ", ".join(f"{name}={value}" for name, value in entry.tags.items())


def data_of(entry: Entry, *, urls: bool = False) -> dict[str, Any]:
    """Return an entry as JSON data; the URLs of its images, which are secrets, only if that is wanted."""
    data: dict[str, Any] = {
        "idempotency_key": entry.idempotency_key,
        "operation": entry.operation,
        "payment": entry.payment,
        "started_at": entry.started_at.isoformat(),
        "finished_at": entry.finished_at and entry.finished_at.isoformat(),
        "age_seconds": _seconds(entry),
        "is_finished": entry.is_finished,
        "owner_lives": entry.owner_lives,
        "attempts": entry.attempts,
        "error": entry.error,
        "request_id": entry.request_id,
        "operation_id": entry.operation_id,
        "images": len(entry.urls),
        "tags": dict(entry.tags),
        "notes": dict(entry.notes),
    }
    return data | ({"urls": list(entry.urls)} if urls else {})


def describe(entries: Sequence[Entry], screen: Screen, path: Path, *, urls: bool) -> None:
    """Print all that is known of some entries, one line for each fact."""
    for number, entry in enumerate(entries[-_MOST_ENTRIES:]):
        if number:
            screen.say()
        for name, value in _facts(entry, urls=urls):
            if value:
                screen.row(name, value)
    if len(entries) > _MOST_ENTRIES:
        screen.say()
        screen.say(f"Only the newest {_MOST_ENTRIES} of {len(entries):,} entries are shown; --json prints all")
    keys = [entry.idempotency_key for entry in entries if entry.payment in OPEN]
    if keys:
        screen.say()
        screen.say("Look at the bill or ask support, then record what became of it, as paid or not_paid:")
        screen.say(f"  {resolve_command(path, keys[0])}")


def _facts(entry: Entry, *, urls: bool) -> list[tuple[str, str]]:
    return [
        ("Key", entry.idempotency_key),
        ("Operation", entry.operation),
        ("Payment", entry.payment),
        ("Started", f"{entry.started_at:%Y-%m-%d %H:%M:%S} UTC, {age(entry)} ago"),
        ("Ended", f"{entry.finished_at:%Y-%m-%d %H:%M:%S} UTC" if entry.finished_at else ""),
        ("State", why(entry)),
        ("Attempts", str(entry.attempts) if entry.attempts else ""),
        ("Request", entry.request_id or ""),
        ("Call", entry.operation_id),
        ("Tags", tags(entry)),
        ("Notes", ", ".join(f"{name}={value}" for name, value in entry.notes.items())),
        ("Tokens", f"{entry.output_tokens:,}" if entry.output_tokens else ""),
        *([("Image", url) for url in entry.urls] if urls else [("Images", str(len(entry.urls) or ""))]),
    ]


def tell_resolved(before: Sequence[Entry], number: int, payment: str, screen: Screen) -> None:
    """Print what was recorded."""
    key = before[0].idempotency_key
    noun = "entry" if number == 1 else "entries"
    screen.say(f"Recorded as {payment}: {number} {noun} under {key}")
    for entry in before:
        if entry.is_under_way and entry.owner:
            screen.say(f"Process {entry.owner.pid} is still working on it; the outcome that it records replaces this")


def not_recorded(key: str, keys: Iterable[str]) -> InputError:
    """Return the error about a key without an entry."""
    return _error(f"nothing is recorded under {key!r}", key, keys, "check the key, and the path of the ledger")


def check_unresolved(key: str, entries: Sequence[Entry], ledger: SQLiteLedger, path: Path) -> None:
    """Check that the entries of a key have something to resolve.

    Raises:
        InputError: They have not, or there are none.
    """
    if any(entry.payment in OPEN for entry in entries):
        return
    if entries:
        known = f"{key!r} is recorded as {entries[-1].payment}, so there is nothing to resolve"
        raise InputError(f"KEY: {known}; see {command('show', '--ledger', path, key)}", argument="key")
    keys = [entry.idempotency_key for entry in ledger.unresolved()]
    hint = f"list what is unresolved with {command(path, '--unresolved')}" if keys else "nothing is unresolved here"
    raise _error(f"nothing is recorded under {key!r}", key, keys, hint)


def _error(what: str, key: str, keys: Iterable[str], hint: str) -> InputError:
    near = _near(key, dict.fromkeys(keys))
    fix = f"near it are {', '.join(map(repr, near))}" if near else hint
    return InputError(f"KEY: {what}; {fix}", argument="key")


def _near(key: str, keys: Iterable[str]) -> list[str]:
    """Return at most five keys that one may be meant to be: those that it begins, or else similar ones."""
    known = list(keys)
    begun = list(islice((each for each in known if key and each.lower().startswith(key.lower())), 5))
    return begun or get_close_matches(key, known[-_COMPARED:], n=5)
