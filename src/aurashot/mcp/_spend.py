"""What was spent, as every answer says it."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from aurashot.ledger import SpendCap

if TYPE_CHECKING:
    from aurashot.ledger import SQLiteLedger

Period: TypeAlias = Literal["day", "run"]


class Spend(BaseModel):
    """The images of this day or run, of all programs that use the ledger."""

    model_config = ConfigDict(frozen=True)

    per: Period = Field(description="`day`: since midnight UTC; `run`: since this server was started.")
    paid: int = Field(description="Images that are paid for.")
    unknown: int = Field(description="Images that may be on the bill: under way, or their outcome is unknown.")
    max_images: int | None = Field(description="The cap, which only the user can change; null if there is none.")
    left: int | None = Field(description="Images that may still be made; null if there is no cap.")

    def __str__(self) -> str:
        """Return it on one line."""
        when = "today" if self.per == "day" else "in this run"
        unknown = f", {self.unknown} more may be on the bill" if self.unknown else ""
        cap = "no cap" if self.max_images is None else f"the cap is {self.max_images}, {self.left} left"
        images = "1 image" if self.paid == 1 else f"{self.paid} images"
        return f"{images} paid {when}{unknown}; {cap}"


def spend_of(ledger: SQLiteLedger, per: Period, started_at: datetime) -> Spend:
    """Return what was spent in the period of the cap. Blocks on the disk.

    Args:
        ledger: Where it is recorded.
        per: The period.
        started_at: When this run began.

    Raises:
        LedgerError: The ledger cannot be read.
    """
    if per == "day":
        midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        counted = ledger.entries(since=midnight)
    else:
        counted = [entry for entry in ledger.entries(since=started_at) if entry.run == ledger.run]
    payments = Counter(entry.payment for entry in counted)
    unknown = payments["unknown"] + payments["pending"]
    most = ledger.cap.max_images if isinstance(ledger.cap, SpendCap) else None
    left = None if most is None else max(0, most - payments["paid"] - unknown)
    return Spend(per=per, paid=payments["paid"], unknown=unknown, max_images=most, left=left)
