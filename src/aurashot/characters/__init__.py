"""Characters: the same person kept as an object, in a folder, in an object store, or in your database.

    from aurashot.characters import CharacterLibrary

    library = CharacterLibrary("characters")
    snow = library.create("Snow", face="selfie.jpg")

Folders that the reference client and other tools have written can be used, and keep what is in them. A library in a
folder needs no extra; one in an object store, such as S3, needs the extra `characters`.
"""

from typing import TYPE_CHECKING

from aurashot import _late

if TYPE_CHECKING:
    from aurashot.characters._async_library import AsyncCharacterLibrary
    from aurashot.characters._cards import CharacterCard, new_card, read_card, with_card, without_card
    from aurashot.characters._changes import UNCHANGED, CharacterDetails, Unchanged
    from aurashot.characters._character import PROMPT_TEMPLATE, CalibrationNote, Character, Consent, Kind, StoredImage
    from aurashot.characters._consent import check_consent, consent_fault
    from aurashot.characters._forget import Receipt, RemovedFile
    from aurashot.characters._gallery import VerdictFilter
    from aurashot.characters._gallery_image import GalleryImage
    from aurashot.characters._leaving import ForgetHook
    from aurashot.characters._library import CharacterLibrary
    from aurashot.characters._lineage import Lineage
    from aurashot.characters._local_store import LocalStore
    from aurashot.characters._metadata import ImageMetadata, metadata_of, with_metadata
    from aurashot.characters._names import folder_name
    from aurashot.characters._object_store import ObjectStore
    from aurashot.characters._plan import CharacterPlan
    from aurashot.characters._reproduction import Reproduction
    from aurashot.characters._sidecar import IdentityNote, Reference, Sidecar, read_sidecar
    from aurashot.characters._similar import SimilarCharacter, similar_characters
    from aurashot.characters._store import Store, StoredFile

__all__ = [
    "PROMPT_TEMPLATE",
    "UNCHANGED",
    "AsyncCharacterLibrary",
    "CalibrationNote",
    "Character",
    "CharacterCard",
    "CharacterDetails",
    "CharacterLibrary",
    "CharacterPlan",
    "Consent",
    "ForgetHook",
    "GalleryImage",
    "IdentityNote",
    "ImageMetadata",
    "Kind",
    "Lineage",
    "LocalStore",
    "ObjectStore",
    "Receipt",
    "Reference",
    "RemovedFile",
    "Reproduction",
    "Sidecar",
    "SimilarCharacter",
    "Store",
    "StoredFile",
    "StoredImage",
    "Unchanged",
    "VerdictFilter",
    "check_consent",
    "consent_fault",
    "folder_name",
    "metadata_of",
    "new_card",
    "read_card",
    "read_sidecar",
    "similar_characters",
    "with_card",
    "with_metadata",
    "without_card",
]

_HOMES = {
    name: f"aurashot.characters.{module}"
    for module, names in {
        "_async_library": ("AsyncCharacterLibrary",),
        "_cards": ("CharacterCard", "new_card", "read_card", "with_card", "without_card"),
        "_changes": ("UNCHANGED", "CharacterDetails", "Unchanged"),
        "_character": ("PROMPT_TEMPLATE", "CalibrationNote", "Character", "Consent", "Kind", "StoredImage"),
        "_consent": ("check_consent", "consent_fault"),
        "_forget": ("Receipt", "RemovedFile"),
        "_gallery": ("VerdictFilter",),
        "_gallery_image": ("GalleryImage",),
        "_leaving": ("ForgetHook",),
        "_library": ("CharacterLibrary",),
        "_lineage": ("Lineage",),
        "_local_store": ("LocalStore",),
        "_metadata": ("ImageMetadata", "metadata_of", "with_metadata"),
        "_names": ("folder_name",),
        "_object_store": ("ObjectStore",),
        "_plan": ("CharacterPlan",),
        "_reproduction": ("Reproduction",),
        "_sidecar": ("IdentityNote", "Reference", "Sidecar", "read_sidecar"),
        "_similar": ("SimilarCharacter", "similar_characters"),
        "_store": ("Store", "StoredFile"),
    }.items()
    for name in names
}


if not TYPE_CHECKING:  # for type checkers, only real names exist

    def __getattr__(name: str) -> object:
        return _late.named(__name__, name, _HOMES)


def __dir__() -> list[str]:
    return _late.listed(__name__, _HOMES)
