"""Whether a character may be kept in a library that requires consent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aurashot.errors import InputError

if TYPE_CHECKING:
    from aurashot.characters._character import Character


def bound(character: Character) -> Character:
    """Return a character whose consent note says which face it is for.

    Raises:
        InputError: It says another one.
    """
    if character.consent is None or character.face is None or character.has_consent:
        return character
    if character.consent.face_sha256 is not None:
        raise InputError(
            f"consent: the note is for another face than the face reference of '{character.name}'; ask again, and "
            "leave out face_sha256",
            argument="consent",
        )
    consent = character.consent.model_copy(update={"face_sha256": character.face.sha256})
    return character.model_copy(update={"consent": consent})


def consent_fault(character: Character) -> str | None:
    """Return why a library that requires consent must not keep or use a character, or None if it may."""
    if character.kind == "virtual" or character.has_consent:
        return None
    if character.face is None:
        return "a real person needs a face reference, which a consent note can be for"
    if character.consent is None:
        return "a real person needs a consent note; pass consent=Consent(who=…, purpose=…)"
    return "the consent note is for another face reference; ask again, and pass a new one"


def check_consent(character: Character) -> None:
    """Check that a library that requires consent may keep or use a character.

    Raises:
        InputError: It may not.
    """
    if fault := consent_fault(character):
        raise InputError(
            f"consent: '{character.name}' cannot be used in this library, since {fault}", argument="consent"
        )
