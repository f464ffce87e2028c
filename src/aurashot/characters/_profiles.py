"""Read the profiles of a library: find a character by its name, and load it."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, NamedTuple

from aurashot.characters._character import Character, StoredImage, media_type_of
from aurashot.characters._images import examined, found_images
from aurashot.characters._layout import OWN, character_from, parsed, profile_of
from aurashot.characters._names import AVATARS, checked_text, escape_fault, folder_name, folder_of, name_key
from aurashot.errors import CharacterExistsError, CharacterNotFoundError, LibraryError

if TYPE_CHECKING:
    from aurashot.characters._layout import Document
    from aurashot.characters._library import CharacterLibrary
    from aurashot.characters._store import Store


class Profile(NamedTuple):
    """The profile of a character as it is in a store.

    Attributes:
        slug: The name of its folder.
        content: The bytes of its `character.json`.
    """

    slug: str
    content: bytes

    @property
    def document(self) -> Document:
        """What is in `character.json`.

        Raises:
            LibraryError: It is broken.
        """
        return parsed(self.content, self.slug)


def find(store: Store, character: str | Character) -> Profile:
    """Return the profile of a character; case and composition of its name do not count.

    Raises:
        InputError: The name cannot be that of a character.
        CharacterNotFoundError: There is none, or another one has the name by now.
        LibraryError: It cannot be read.
    """
    name = character.slug if isinstance(character, Character) else checked_text(character)
    if escape_fault(name):
        folder_name(name)  # raises, and says what is wrong
    profile = _exact(store, name) or _alike(store, name)
    if profile is None:
        folder_name(name)
        raise CharacterNotFoundError(
            f"The library has no character '{name}'{_hint(store, name)}", character=name, path=folder_of(name)
        )
    if isinstance(character, Character):
        _check_same(profile, character)
    return profile


def _exact(store: Store, name: str) -> Profile | None:
    if _folds_case(store):  # there, any spelling opens the file, and the folder's own one is wanted
        return None
    for slug in dict.fromkeys((name, unicodedata.normalize("NFC", name))):
        if (profile := _read(store, slug)) is not None:
            return profile
    return None


def _folds_case(store: Store) -> bool:
    upper = store.local(AVATARS.upper())
    return upper is not None and upper.exists()


def _alike(store: Store, name: str) -> Profile | None:
    key = name_key(name)
    for slug in store.folders(AVATARS):
        if name_key(slug) == key and (profile := _read(store, slug)) is not None:
            return profile
    return None


def _read(store: Store, slug: str) -> Profile | None:
    try:
        return Profile(slug, store.read(profile_of(slug)))
    except FileNotFoundError:
        return None


def _hint(store: Store, name: str) -> str:
    is_there = next(store.files(folder_of(name)), None) is not None
    return "; its folder is there, and has no profile/character.json" if is_there else ""


def _check_same(profile: Profile, character: Character) -> None:
    """Check that the name is still that of the character that the caller has."""
    own = profile.document.get(OWN)
    written = own.get("id") if isinstance(own, dict) else None
    if isinstance(written, str) and written != character.id:
        raise CharacterNotFoundError(
            f"The character '{character.slug}' was removed or renamed, and its name is another one's by now; get the "
            "one that you mean",
            character=profile.slug,
            path=profile_of(profile.slug),
        )


def check_free(store: Store, slug: str, *, besides: str | None = None) -> None:
    """Check that no folder has a name, in any spelling.

    Args:
        store: Where the folders are.
        slug: The name.
        besides: The folder that may have it: the one that is renamed.

    Raises:
        CharacterExistsError: One has.
    """
    key = name_key(slug)
    other = next((each for each in store.folders(AVATARS) if each != besides and name_key(each) == key), None)
    if other is not None:
        raise taken(slug, other)


def taken(slug: str, other: str) -> CharacterExistsError:
    """Return the error for a name that a folder has."""
    spelled = "" if slug == other else f", spelled '{other}'"
    return CharacterExistsError(
        f"The library has a folder of the name '{slug}' already{spelled}; get that character, or choose another name",
        character=slug,
        path=folder_of(other),
    )


def gone(slug: str) -> CharacterNotFoundError:
    """Return the error for a character that was removed while it was being used."""
    return CharacterNotFoundError(
        f"The character '{slug}' was removed or renamed meanwhile", character=slug, path=folder_of(slug)
    )


def loaded(store: Store, profile: Profile, *, examine: bool, library: CharacterLibrary | None = None) -> Character:
    """Return the character of a profile.

    Args:
        store: Where its images are.
        profile: The profile.
        examine: Whether its images are looked at, so that their digests are known and right.
        library: The library that it is one of.

    Raises:
        LibraryError: Its `character.json` is broken, or an image cannot be read.
    """
    character = character_from(profile.document, profile.slug)
    if character.anchor is None or character.face is None:
        character = _with_found(store, character)
    if examine:
        character = examined(store, character)
    return character.attach(store, library)


def _with_found(store: Store, character: Character) -> Character:
    """Add the images of which `character.json` says nothing, and which are where they belong."""
    found = found_images(store, character.slug)
    missing = {
        which: StoredImage(path=path, media_type=media_type_of(path))
        for which, path in found.items()
        if getattr(character, which) is None
    }
    return character.model_copy(update=missing) if missing else character


def faults(store: Store, slug: str) -> list[LibraryError]:
    """Return what is wrong with a character: its profile is broken, or images are missing or were replaced."""
    try:
        content = store.read(profile_of(slug))
        recorded = character_from(parsed(content, slug), slug).attach(store)
    except FileNotFoundError:
        fault = f"The folder '{folder_of(slug)}' has no profile/character.json, and is no character"
        return [LibraryError(fault, character=slug, path=profile_of(slug))]
    except LibraryError as error:
        return [error]
    found: list[LibraryError] = []
    for image, read in ((recorded.face, recorded.read_face), (recorded.anchor, recorded.read_anchor)):
        try:
            if image is not None:
                read()
        except LibraryError as error:
            found.append(error)
    return found
