"""The images of a character that are no results: its ID photo, its face reference, and its references."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aurashot.characters._lineage import Source
from aurashot.characters._links import keys_of_reference
from aurashot.characters._names import folder_of
from aurashot.characters._sidecar import Reference, digest_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aurashot.characters._character import Character
    from aurashot.characters._store import Store


def sources_of(store: Store, character: Character) -> list[tuple[Source, str]]:
    """Return the images that results of a character can have been made from, each with its path in the library.

    Raises:
        LibraryError: The library cannot be read.
    """
    return [*_of_profile(character), *_of_references(store, character)]


def _of_profile(character: Character) -> Iterator[tuple[Source, str]]:
    for image, is_anchor in ((character.anchor, True), (character.face, False)):
        if image is not None:
            keys = keys_of_reference(Reference.model_construct(sha256=image.sha256, url=image.url))
            yield Source(image.path.rpartition("/")[2], keys, is_anchor), f"{folder_of(character.slug)}/{image.path}"


def _of_references(store: Store, character: Character) -> Iterator[tuple[Source, str]]:
    for file in store.files(f"{folder_of(character.slug)}/references"):
        try:
            content = store.read(file.path)
        except FileNotFoundError:  # removed meanwhile
            continue
        yield Source(file.path.rpartition("/")[2], (f"sha256:{digest_of(content)}",)), file.path
