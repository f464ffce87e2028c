"""What a check has found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from aurashot.errors import AuraShotError

Level: TypeAlias = Literal["ok", "note", "warning", "error"]
"""`error`: calls fail until it is fixed. `warning`: calls work, and something should be done. `note`: something is not
used here, or was not checked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a check has found; nothing in it is secret.

    Attributes:
        check: What was checked: `python`, `key`, `key_file`, `base_url`, `proxy`, `certificates`, `service`,
            `account`, `clock`, `extra`, `face_models` or `ledger`.
        level: How bad it is.
        summary: What was found, in one sentence without a full stop.
        fix: What to do; empty if there is nothing to do.
    """

    check: str
    level: Level
    summary: str
    fix: str = ""


def problem(check: str, error: AuraShotError, level: Level = "error", fix: str = "") -> Finding:
    """Return an error as a finding: its message says after a semicolon what to do."""
    summary, _, advice = error.message.partition("; ")
    return Finding(check=check, level=level, summary=summary, fix=fix or advice)
