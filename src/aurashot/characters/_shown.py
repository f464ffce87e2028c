"""What a notebook shows of a character: who it is, and its ID photo if that is in a folder of this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aurashot._card import Card
from aurashot.characters._local_store import LocalStore
from aurashot.errors import LibraryError
from aurashot.images._preview import preview

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aurashot.characters._character import Character


def card_of(character: Character, *, read: bool = False) -> Card:
    """Return the card of a character.

    Args:
        character: The character.
        read: Whether the image is read wherever the library is; otherwise, from a folder of this machine only.

    Raises:
        LibraryError: `read` is set, and the image cannot be read.
    """
    title, rows = f"Character {character.name}", [*_facts(character)]
    if character.reference is None:
        return Card(title, (*rows, ("Image", "none")))
    if not read and not isinstance(character.store, LocalStore):
        return Card(title, (*rows, ("Image", "not loaded; client.show loads and shows it")))
    try:
        content = character.read_anchor() if character.anchor else character.read_face()
    except LibraryError as error:
        if read:
            raise
        return Card(title, (*rows, ("Image", error.message)))
    return preview(title, rows, character.name, content)


def local_file(character: Character, path: str) -> Path | None:
    """Return where a file of a character's library is on this machine; None if it is elsewhere."""
    return character.store.local(path) if isinstance(character.store, LocalStore) else None


def _facts(character: Character) -> Iterator[tuple[str, str]]:
    if character.description:
        yield "Description", character.description
    if character.slug != character.name:
        yield "Folder", character.slug
    yield "Kind", character.kind
    yield "ID photo", "yes" if character.anchor else "not yet; the face reference is shown"
    if character.kind == "real":
        yield "Consent", "noted for this face" if character.has_consent else "no note for this face"
    if character.calibration is not None:
        yield "Face", f"own line at a cosine of {character.calibration.same:.2f}"
    for name, values in (("Styles", character.styles), ("Scenes", character.scenes)):
        if values:
            yield name, ", ".join(values)
