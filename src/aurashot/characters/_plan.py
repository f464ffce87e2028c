"""What making a character would cost."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CharacterPlan:
    """What `create_character` would do, if it were called now."""

    name: str
    """The name of the character's folder."""
    images: int
    """How many images would be billed at most: 1, or 0 if an interrupted call has paid already."""
    resumes: str | None = None
    """The idempotency key of the interrupted call that it would go on with."""
