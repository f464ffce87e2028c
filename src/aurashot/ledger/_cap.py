"""How much may be spent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal, TypeAlias

from aurashot.errors import ConfigurationError

Period: TypeAlias = Literal["day", "run"]

PERIODS: Final = ("day", "run")


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendCap:
    """The most images that may be on the bill.

    Everything counts that is not certainly unpaid: delivered pictures, those under way, and those whose outcome nobody
    knows until you resolve it.

    Attributes:
        max_images: The most; 1 or more.
        per: `day`, a calendar day in UTC, or `run`, the entries of one run of a program.

    Raises:
        ConfigurationError: The numbers cannot work.
    """

    max_images: int
    per: Period = "day"

    def __post_init__(self) -> None:
        """Refuse what caps nothing."""
        if not _is_count(self.max_images):
            raise ConfigurationError(f"max_images must be a whole number of at least 1, not {self.max_images!r}")
        if self.per not in PERIODS:
            raise ConfigurationError(f"per must be one of {', '.join(PERIODS)}, not {self.per!r}")


def _is_count(number: object) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and number >= 1


def today() -> datetime:
    """Return the beginning of this day, in UTC."""
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
