"""The time that `--since` names."""

from __future__ import annotations

from datetime import UTC, datetime

from aurashot.errors import InputError


def moment(text: str | None) -> datetime | None:
    """Return the time that `--since` names; without a zone it is in UTC.

    Raises:
        InputError: It is no date or time.
    """
    if text is None:
        return None
    try:
        since = datetime.fromisoformat(text)
    except ValueError:
        message = f"--since: {text!r} is not a date or time; pass one like 2026-03-16T09:00"
        raise InputError(message, argument="since") from None
    return since if since.tzinfo else since.replace(tzinfo=UTC)
