"""The ledger: whether it can be opened and written to, and what in it is unresolved."""

from __future__ import annotations

import shlex
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aurashot._reasons import reason_of
from aurashot.diagnostics._finding import Finding, problem
from aurashot.errors import AuraShotError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from aurashot.ledger import Entry

_PATIENCE: Final = 2.0
"""Seconds to wait for another process that writes: one that writes for longer is in the way."""


def ledger(path: str | os.PathLike[str]) -> Iterator[Finding]:
    """Check a ledger; it is neither made nor changed."""
    from aurashot.ledger import SQLiteLedger

    place = Path(path).expanduser()
    try:
        if not place.exists():
            summary = f"There is no ledger at {place} yet; the first billed call makes it"
            yield Finding(check="ledger", level="note", summary=summary)
            return
        with SQLiteLedger(place, create=False) as opened:
            entries = opened.unresolved()
        _check_lock(place)
    except AuraShotError as error:
        yield problem("ledger", error)
    except OSError as trouble:
        summary = f"The ledger {place} cannot be looked for ({reason_of(trouble)})"
        yield Finding(check="ledger", level="error", summary=summary, fix="choose another path")
    else:
        yield from _contents(place, entries)


def _check_lock(path: Path) -> None:
    """Begin to write, as a call does, and take it back.

    Raises:
        LedgerError: Another process writes and does not end, or the file cannot be written to.
    """
    from aurashot.ledger._file import connect, troubles

    connection, _ = connect(path, _PATIENCE, create=False)
    with troubles(path), closing(connection):
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")


def _contents(path: Path, unresolved: list[Entry]) -> Iterator[Finding]:
    yield Finding(check="ledger", level="ok", summary=f"The ledger {path} can be read and written to")
    waiting = [entry for entry in unresolved if entry.is_under_way]
    if waiting:
        yield Finding(check="ledger", level="note", summary=f"{len(waiting)} billed requests are under way")
    if number := len(unresolved) - len(waiting):
        requests = (
            "1 request may be on the bill and is" if number == 1 else f"{number} requests may be on the bill and are"
        )
        command = shlex.join(["aurashot", "spend", str(path), "--unresolved"])
        fix = f"list them with {command}, look at your bill, and resolve each"
        yield Finding(check="ledger", level="warning", summary=f"{requests} not resolved", fix=fix)
