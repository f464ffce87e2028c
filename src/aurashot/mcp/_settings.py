"""What whoever starts the server decides: folders, the spend cap, and what answers hold."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aurashot.errors import ConfigurationError
from aurashot.ledger import SpendCap

if TYPE_CHECKING:
    from aurashot.mcp._spend import Period

DEFAULT_MAX_IMAGES: Final = 20
"""Images that may be on the bill, unless whoever starts the server sets another cap."""
LONGEST_ANSWER: Final = 50.0
"""Seconds after which a paid tool answers whatever the generation takes: most clients give up after 60."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """The settings of a server. No tool can change them.

    Attributes:
        folder: Where everything is written: characters in `avatars`, other images in `images`.
        roots: The folders, with all that is below them, that tools may read images from, beside `folder`. Default: the
            working directory.
        ledger: The file of the ledger. Default: `spend.db` in `folder`.
        max_images: The most images that may be on the bill; None for no cap.
        per: Whether the cap is for a calendar day (UTC), by all programs that use the ledger, or for one run of the
            server: `day` or `run`.
        previews: Whether answers hold a small image, of at most 512 pixels and 60 kB.
        resource_links: Whether answers hold resource links. Not every client passes these on to a model.
        require_consent: Whether characters of real people need a consent note.
        answer_within: Seconds after which a paid tool answers `running`, at most 50. Set it lower for clients that wait
            for less.
        grace: Seconds that calls under way are awaited when the server ends. Most clients kill a server after 2.

    Raises:
        ConfigurationError: A value is invalid.
    """

    folder: Path = Path()
    roots: tuple[Path, ...] = ()
    ledger: Path | None = None
    max_images: int | None = DEFAULT_MAX_IMAGES
    per: Period = "day"
    previews: bool = True
    resource_links: bool = False
    require_consent: bool = False
    answer_within: float = LONGEST_ANSWER
    grace: float = 1.5

    def __post_init__(self) -> None:
        """Check the values."""
        _ = self.cap
        if not 0 < self.answer_within <= LONGEST_ANSWER:
            raise ConfigurationError(
                f"answer_within must be more than 0 and at most {LONGEST_ANSWER:g} seconds, not {self.answer_within!r}"
            )
        if self.grace < 0:
            raise ConfigurationError(f"grace must be a number of seconds of at least 0, not {self.grace!r}")

    @property
    def cap(self) -> SpendCap | None:
        """The cap of the ledger."""
        return None if self.max_images is None else SpendCap(max_images=self.max_images, per=self.per)

    @property
    def ledger_path(self) -> Path:
        """The file of the ledger."""
        return self.ledger or self.folder / "spend.db"
