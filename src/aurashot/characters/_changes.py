"""What becomes of a character when it is created or changed: pure, but for the clock and the reading of images."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import Enum
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final, NamedTuple, TypedDict

from pydantic import ValidationError

from aurashot.characters._character import Character, StoredImage
from aurashot.characters._consent import bound
from aurashot.characters._images import STEMS, given_image
from aurashot.characters._layout import KNOWN, PROFILE
from aurashot.characters._names import name_key
from aurashot.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import JsonValue

    from aurashot.characters._character import CalibrationNote, Consent
    from aurashot.images import ImageInput


class CharacterDetails(TypedDict, total=False):
    """What `client.create_character` keeps beside the images; the same arguments as of `CharacterLibrary.create`."""

    description: str
    styles: Sequence[str]
    scenes: Sequence[str]
    prompt_template: str
    consent: Consent | None
    calibration: CalibrationNote | None
    extra: Mapping[str, JsonValue]


class Unchanged(Enum):
    """The type of `UNCHANGED`."""

    UNCHANGED = "UNCHANGED"

    def __repr__(self) -> str:
        return self.value


UNCHANGED: Final = Unchanged.UNCHANGED
"""An argument of `update` that was left out; None removes what is there."""


class Change(NamedTuple):
    """What a character becomes, and what is to be written for that.

    Attributes:
        character: The character afterwards.
        writes: The content of each image that is to be written, by its path in the character's folder.
        obsolete: The paths in the folder of images of the profile that are not used any more.
    """

    character: Character
    writes: Mapping[str, bytes]
    obsolete: tuple[str, ...] = ()


def created(
    slug: str, images: Mapping[str, tuple[ImageInput | None, str | None]], fields: Mapping[str, object]
) -> Change:
    """Return a new character.

    Args:
        slug: Its name.
        images: The face reference and the anchor, each with the URL where the service has it.
        fields: Its other fields.

    Raises:
        InputError: A value or an image is invalid, or the consent note is for another face.
    """
    given = {which: given_image(which, image, url) for which, (image, url) in images.items() if image is not None}
    stored = {which: each.stored for which, each in given.items()}
    new = _checked({"name": slug, "slug": slug, "created_at": _now(), **stored, **fields})
    if known := KNOWN & new.extra.keys():
        raise InputError(
            f"extra: '{min(known)}' of character.json is written by the library; use the argument for it",
            argument="extra",
        )
    return Change(bound(new), {each.stored.path: each.content for each in given.values()})


def updated(
    before: Character,
    images: Mapping[str, tuple[ImageInput | Unchanged | None, str | Unchanged | None]],
    fields: Mapping[str, object],
) -> Change:
    """Return a character with other values.

    Args:
        before: The character.
        images: The face reference and the anchor, each with the URL where the service has it.
        fields: Its other fields.

    Raises:
        InputError: A value or an image is invalid, or the consent note is for another face.
    """
    values = {name: value for name, value in fields.items() if value is not UNCHANGED}
    writes: dict[str, bytes] = {}
    obsolete: list[str] = []
    for which, (image, url) in images.items():
        old = _stored(before, which)
        if image is UNCHANGED:
            values[which] = _with_url(old, url)
            continue
        if old is not None:
            obsolete.append(old.path)
        values[which] = None
        if image is not None:
            given = given_image(which, image, None if url is UNCHANGED else url)
            values[which], writes[given.stored.path] = given
    after = _checked({**dict(before), **values})
    after = bound(after) if "consent" in values else after
    kept = {name_key(path) for path in (*_paths(after), PROFILE)}
    return Change(after, writes, tuple(path for path in obsolete if _is_own(path) and name_key(path) not in kept))


def _is_own(path: str) -> bool:
    """Whether an image is in the profile: another tool may have pointed to a finished image or a reference."""
    return path.startswith(f"{PurePosixPath(PROFILE).parent}/")


def _now() -> datetime:
    """Return the time in milliseconds, as other tools write it."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1_000 * 1_000)


def _stored(character: Character, which: str) -> StoredImage | None:
    return character.face if which == "face" else character.anchor


def _paths(character: Character) -> set[str]:
    return {image.path for which in STEMS if (image := _stored(character, which)) is not None}


def _with_url(image: StoredImage | None, url: str | Unchanged | None) -> StoredImage | None:
    if image is None or url is UNCHANGED or url == image.url:
        return image
    return image.model_copy(update={"url": url, "url_since": None if url is None else datetime.now(UTC)})


def _checked(values: Mapping[str, object]) -> Character:
    try:
        return Character.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field, *_ = [*map(str, first["loc"]), "character"]
        raise InputError(f"{field}: {first['msg'].removeprefix('Value error, ')}", argument=field) from error
