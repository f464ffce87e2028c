"""What is said of a character that was forgotten."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Final

from aurashot.characters._character import Moment  # noqa: TC001 - pydantic reads the annotations
from aurashot.models import WireModel

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aurashot.characters._character import Character

MAY_REMAIN: Final = (
    "The service's own copies: uploaded photos, and each generated image behind its URL",
    "Backups, snapshots and versioned buckets of the disk or the store that the library was on",
    "Zip files that the character was exported to, and images that were downloaded to places outside of the library",
    "Files outside of the library that links in the character's folder lead to: the links are removed",
    "Entries of ledgers: prompts, URLs and digests, but no image",
    "Search indexes of other machines that use the same object store, until they search again: texts, but no image",
)
"""What a library cannot reach."""


class RemovedFile(WireModel):
    """A file that was removed."""

    path: str
    """Relative to the library's root."""
    sha256: str | None = None
    """Of its content, hexadecimal; None for a partial file of a killed process, and for one that could not be read."""
    size: int | None = None
    """In bytes."""


class Receipt(WireModel):
    """What was removed when a character was forgotten, and what may remain."""

    character: str
    """The name of its folder."""
    id: str
    when: Moment
    """By the clock of this machine."""
    removed: tuple[RemovedFile, ...]
    records: tuple[str, ...] = ()
    """What was removed beside files, such as entries of a search index."""
    same_face: tuple[str, ...] = ()
    """Other characters of the library with the same photo or the same ID photo. They were not removed."""
    may_remain: tuple[str, ...] = MAY_REMAIN

    @property
    def sha256(self) -> str:
        """The digest of all that this receipt says: write it down elsewhere, and a changed receipt is found out."""
        content = json.dumps(self.model_dump(mode="json"), sort_keys=True, ensure_ascii=True, separators=(",", ":"))
        return hashlib.sha256(content.encode()).hexdigest()


def digests_of(character: Character) -> set[str]:
    """Return the digests of the images that a character's face is in."""
    return {image.sha256 for image in (character.anchor, character.face) if image is not None and image.sha256}


def same_face(character: Character, others: Iterable[Character]) -> tuple[str, ...]:
    """Return the names of the characters that have an image of a face in common with one."""
    own = digests_of(character)
    return tuple(each.slug for each in others if each.slug != character.slug and own & digests_of(each))
