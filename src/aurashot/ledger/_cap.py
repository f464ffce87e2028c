"""How much may be spent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, cast

from aurashot.errors import ConfigurationError, SpendCapError

Period: TypeAlias = Literal["day", "run"]

PERIODS: Final = ("day", "run")


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendCap:
    """The most images that may be on the bill.

    Every image counts that is not certainly unpaid: delivered images, those under way, and those that are unknown or
    pending until you resolve them. Only requests that were blocked for their content do not count.

    Attributes:
        max_images: The most; 1 or more.
        per: `day`, a calendar day in UTC, or `run`, the entries of one run of a program.
        by: The name of a tag: each of its values may have this many images. A call without that tag is not limited by
            this cap; give the ledger a second one for everything.

    Raises:
        ConfigurationError: A value is invalid.
    """

    max_images: int
    per: Period = "day"
    by: str | None = None

    def __post_init__(self) -> None:
        """Check the values."""
        if not _is_count(self.max_images):
            raise ConfigurationError(f"max_images must be a whole number of at least 1, not {self.max_images!r}")
        if self.per not in PERIODS:
            raise ConfigurationError(f"per must be one of {', '.join(PERIODS)}, not {self.per!r}")
        if self.by is not None and not (isinstance(cast("object", self.by), str) and self.by):
            raise ConfigurationError(f"by must be the name of a tag, not {self.by!r}")


def _is_count(number: object) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and number >= 1


def caps_of(given: object) -> tuple[SpendCap, ...]:
    """Return the caps of a ledger: none, one or several.

    Raises:
        ConfigurationError: It is something else.
    """
    if given is None:
        return ()
    caps: tuple[object, ...] = tuple(cast("Sequence[object]", given)) if _is_sequence(given) else (given,)
    for cap in caps:
        if not isinstance(cap, SpendCap):
            raise ConfigurationError(f"cap= takes a SpendCap, or a sequence of them, not {type(cap).__name__}")
    return cast("tuple[SpendCap, ...]", caps)


def _is_sequence(given: object) -> bool:
    return isinstance(given, Sequence) and not isinstance(given, str | bytes)


def check_cap(cap: SpendCap, value: str | None, spent: int) -> None:
    """Raise if one more image would exceed a cap.

    Args:
        cap: The cap.
        value: The value of its tag, where it has one.
        spent: How many may be on the bill.

    Raises:
        SpendCapError: The cap is reached.
    """
    if spent < cap.max_images:
        return
    whom = "" if cap.by is None else f" for {cap.by}={value!r}"
    error = SpendCapError(
        f"The cap of {cap.max_images} images a {cap.per}{whom} is reached: {spent} are paid, under way or "
        "unresolved; raise it, resolve what is not on the bill (ledger.unresolved() lists it), or wait"
    )
    error.max_images, error.per, error.spent = cap.max_images, cap.per, spent
    error.by, error.value = cap.by, value
    raise error
