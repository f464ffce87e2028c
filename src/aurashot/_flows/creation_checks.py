"""What is looked at before a character's ID photo is paid for: its name, its details, its photo, and its face."""

from __future__ import annotations

import logging
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from aurashot.characters import CharacterDetails, _drafts, check_consent, similar_characters
from aurashot.characters._changes import created
from aurashot.errors import AuraShotError, CharacterExistsError, CharacterNotFoundError, InputError, InvalidImageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aurashot.characters import Character, CharacterLibrary, Kind, SimilarCharacter
    from aurashot.identity import FaceReference
    from aurashot.images import ImageInput

logger: Final = logging.getLogger("aurashot")

_MOST: Final = 200
"""Characters whose faces a new one is compared with: each costs some 50 milliseconds."""


class Wanted(NamedTuple):
    """What a caller wants to be made.

    Attributes:
        library: Where the character is kept.
        name: Its name.
        kind: Whether it is a real person.
        face: The photo, or another image of the face.
        prompt: A style for the ID photo.
        check: Whether the photo and the ID photo are looked at, where faces can be found.
        details: What the library keeps beside the images.
    """

    library: CharacterLibrary
    name: str
    kind: Kind
    face: ImageInput
    prompt: str | None
    check: bool
    details: CharacterDetails


def check(wanted: Wanted, face: bytes) -> None:
    """Check the name, the details, the consent note, the photo, and whether the face is another character's.

    Raises:
        InputError: A value is invalid, a consent note is missing, or the face is that of another character.
        CharacterExistsError: The name is taken.
        InvalidImageError: The photo is not good enough.
    """
    library = wanted.library
    if unknown := wanted.details.keys() - CharacterDetails.__annotations__.keys():
        raise TypeError(f"create_character() got an unexpected keyword argument '{min(unknown)}'")
    _check_free(library, wanted.name)
    new = created(wanted.name, {"face": (face, None)}, {"kind": wanted.kind, **wanted.details}).character
    if library.require_consent:
        check_consent(new)
    if wanted.check and wanted.kind == "real":
        _check_photo(face)
    if wanted.check:
        _check_others(library, new, face)


def _check_free(library: CharacterLibrary, name: str) -> None:
    try:
        library.get(name)
        with library.locked(name):  # in an object store, a killed program may have left it half renamed or removed
            there = library.get(name)
            _drafts.finish(library.store, there)
    except CharacterNotFoundError:
        return
    raise CharacterExistsError(
        f"The library has a character '{there.slug}' already; get it, or choose another name", character=there.slug
    )


def _check_photo(face: bytes) -> None:
    preflight = identity_tool("preflight")
    findings = preflight(face).findings if preflight else ()
    if findings:
        reasons = "; ".join(f"{each.sentence}: {each.fix}" for each in findings)
        raise InvalidImageError(
            f"face: the photo is not good enough for an ID photo ({reasons}); pass another one, or check=False",
            argument="face",
        )


def _check_others(library: CharacterLibrary, new: Character, face: bytes) -> None:
    """Check that the face is not that of another character of the library.

    Raises:
        InputError: It is.
    """
    others = library.list()
    same_photo = next((each for each in others if _digest(each) == _digest(new)), None)
    if same_photo is not None:
        raise _taken(f"it is the photo of the character '{same_photo.slug}' already (similarity 1.00)")
    reference_class = identity_tool("FaceReference")
    if reference_class is None or not others:
        return
    if len(others) > _MOST:
        logger.info("The face of '%s' is not compared with %d characters, as these are many", new.slug, len(others))
        return
    own: FaceReference = reference_class.from_images(face)
    found = similar_characters(own, _references(others, reference_class)) if own.faces else ()
    for each in found:
        if each.is_same:
            raise _taken(_lower(each))
        likeness = (new.slug, each.name, each.similarity)
        logger.warning("The face of '%s' is like that of the character '%s' (similarity %.2f)", *likeness)


def _lower(found: SimilarCharacter) -> str:
    return f"it is the face of the character '{found.name}' already (similarity {found.similarity:.2f})"


def _taken(what: str) -> InputError:
    return InputError(f"face: {what}; use that character, or pass check=False", argument="face")


def _digest(character: Character) -> str | None:
    return character.face.sha256 if character.face is not None else None


def _references(others: Sequence[Character], reference_class: type[FaceReference]) -> dict[str, FaceReference]:
    """Return the faces of other characters; those that cannot be read say nothing."""
    found: dict[str, FaceReference] = {}
    for each in others:
        try:
            content = each.read_anchor() if each.anchor is not None else each.read_face()
            found[each.slug] = reference_class.from_images(content)
        except AuraShotError as error:
            logger.info("The face of '%s' cannot be compared: %s", each.slug, error)
    return found


def identity_tool(name: str) -> Any:
    """Return a function or a class of `aurashot.identity`; None if faces cannot be found here."""
    if find_spec("cv2") is None:
        return None
    from aurashot import identity

    return getattr(identity, name)
