"""The folder of a character, and its `character.json`: the layout that the reference client has.

    avatars/<name>/profile/id-photo.png          the anchor
    avatars/<name>/profile/face-reference.png    the photo that it was made from
    avatars/<name>/profile/character.json
    avatars/<name>/gallery/…                     finished images
    avatars/<name>/references/…                  clothes and scenes

What this SDK knows beyond that is under one key of `character.json`, `aurashot`. Nothing that others have written is
lost: a change is made to the document as it is, key by key.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeAlias, cast
from uuid import NAMESPACE_URL, uuid5

from pydantic import JsonValue, ValidationError
from pydantic_core import from_json

from aurashot._reasons import reason_of
from aurashot.characters._character import (
    PROMPT_TEMPLATE,
    Character,
    Kind,
    media_type_of,
)
from aurashot.characters._names import folder_of, name_key
from aurashot.errors import LibraryError

if TYPE_CHECKING:
    from aurashot.models import WireModel

Document: TypeAlias = dict[str, JsonValue]
"""What `character.json` has in it."""

PROFILE: Final = "profile/character.json"
"""The file without which a folder is no character."""
FACE: Final = "face-reference"
ANCHOR: Final = "id-photo"
"""The names of a character's two images, without their extensions."""
OWN: Final = "aurashot"
"""The key of `character.json` under which this SDK keeps what the reference client does not know."""
FORMAT: Final = 1
_PATHS: Final = {"face": "faceReference", "anchor": "idPhoto"}
"""The key under which other tools keep the path of an image."""
KNOWN: Final = frozenset(
    {"name", "type", "description", "createdAt", "faceReference", "idPhoto", "preferredStyles", "preferredScenes", OWN}
)
"""The keys of `character.json` that have a meaning here; all others are a character's `extra`."""


def profile_of(slug: str) -> str:
    """Return the path of a character's `character.json`, relative to the library's root."""
    return f"{folder_of(slug)}/{PROFILE}"


def parsed(content: bytes, slug: str) -> Document:
    """Return what a `character.json` has in it.

    Raises:
        LibraryError: It is broken.
    """
    try:
        document = _from_json(content)
    except (ValueError, RecursionError) as error:
        raise _broken(slug, f"it is not valid JSON ({reason_of(error)})") from error
    if not isinstance(document, dict):
        raise _broken(slug, "it is no JSON object")
    return cast("Document", document)


def _from_json(content: bytes) -> object:
    """Return what JSON stands for, by the fast parser; what is too odd for it, by Python's own one."""
    try:
        return from_json(content)
    except ValueError:
        document: object = json.loads(content)
        return document


def serialised(document: Document) -> bytes:
    """Return a document as bytes: indented, in UTF-8, and with half characters escaped as they came."""
    try:
        return f"{json.dumps(document, ensure_ascii=False, indent=2)}\n".encode()
    except UnicodeEncodeError:
        return f"{json.dumps(document, indent=2)}\n".encode()


def character_from(document: Document, slug: str) -> Character:
    """Return the character that a document describes.

    Raises:
        LibraryError: What this SDK has written there is broken or of a newer version, or an image is outside of the
            character's folder.
    """
    own = _own(document, slug)
    created = _text(document.get("createdAt"))
    try:
        return Character.model_validate(
            {
                "name": _display_name(document.get("name"), slug),
                "slug": slug,
                "kind": _kind(document.get("type")),
                "description": _text(document.get("description")),
                "anchor": _image("anchor", document, own),
                "face": _image("face", document, own),
                "styles": _texts(document.get("preferredStyles")),
                "scenes": _texts(document.get("preferredScenes")),
                "prompt_template": _text(own.get("promptTemplate")) or PROMPT_TEMPLATE,
                "created_at": _moment(created),
                "consent": own.get("consent"),
                "calibration": own.get("calibration"),
                "id": _text(own.get("id")) or _derived_id(slug, created),
                "extra": {key: value for key, value in document.items() if key not in KNOWN},
            }
        )
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise _broken(slug, f"{place} under the key '{OWN}': {first['msg'].removeprefix('Value error, ')}") from error
    except ValueError as error:
        raise _broken(slug, reason_of(error)) from error


def document_of(character: Character) -> Document:
    """Return the document for a new character."""
    return {
        "name": character.name,
        "type": character.kind,
        "description": character.description,
        "createdAt": None if character.created_at is None else _written(character.created_at),
        "faceReference": None if character.face is None else character.face.path,
        "idPhoto": None if character.anchor is None else character.anchor.path,
        "preferredStyles": list[JsonValue](character.styles),
        "preferredScenes": list[JsonValue](character.scenes),
        **character.extra,
        OWN: {
            "format": FORMAT,
            "id": character.id,
            "promptTemplate": character.prompt_template,
            "face": _dumped(character.face),
            "anchor": _dumped(character.anchor),
            "consent": _dumped(character.consent),
            "calibration": _dumped(character.calibration),
        },
    }


def changed(document: Document, before: Character, after: Character) -> Document:
    """Return a document with what is different between two states of its character; all else stays as it was."""
    old, new = document_of(before), document_of(after)
    result = document | {key: value for key, value in new.items() if key != OWN and old.get(key) != value}
    own, old_own, new_own = (cast("Document", each.get(OWN) or {}) for each in (document, old, new))
    fixed: Document = {"format": FORMAT, "id": after.id}
    result[OWN] = own | fixed | {key: value for key, value in new_own.items() if old_own.get(key) != value}
    return result


def _own(document: Document, slug: str) -> Document:
    own = document.get(OWN)
    if own is None:
        return {}
    if not isinstance(own, dict):
        raise _broken(slug, f"the value of '{OWN}' is no JSON object")
    written = own.get("format", FORMAT)
    if not isinstance(written, int) or written > FORMAT:
        raise LibraryError(
            f"The file '{profile_of(slug)}' of the character '{slug}' was written by a newer version of aurashot "
            f"(format {written!r}); install that version",
            character=slug,
            path=profile_of(slug),
        )
    return own


def _broken(slug: str, fault: str) -> LibraryError:
    path = profile_of(slug)
    return LibraryError(
        f"The file '{path}' of the character '{slug}' is broken: {fault}; repair it, or restore it from a backup",
        character=slug,
        path=path,
    )


def _display_name(given: JsonValue, slug: str) -> str:
    """Return what a character is called: what its file says, unless the folder was renamed to something else."""
    is_same = given == slug or (isinstance(given, str) and name_key(given) == name_key(slug))
    return given if isinstance(given, str) and is_same else slug


def _kind(given: JsonValue) -> Kind:
    return "virtual" if isinstance(given, str) and given.strip().casefold() == "virtual" else "real"


def _text(given: JsonValue) -> str:
    return given if isinstance(given, str) else ""


def _texts(given: JsonValue) -> tuple[str, ...]:
    if isinstance(given, str):
        return (given,) if given.strip() else ()
    return tuple(each for each in given if isinstance(each, str)) if isinstance(given, list) else ()


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _derived_id(slug: str, created: str) -> str:
    """Return an id for a character that another tool has made: the same each time, until one is written."""
    return str(uuid5(NAMESPACE_URL, f"aurashot:{slug}:{created}"))


def _image(which: str, document: Document, own: Document) -> Document | None:
    """Return an image: where other tools expect it, and what was recorded of the file at that place."""
    given = document.get(_PATHS[which])
    if not isinstance(given, str) or not given.strip() or "://" in given:
        return None
    path = inner_path(given)
    details = own.get(which)
    if isinstance(details, dict) and details.get("path") == path:
        return details
    return {"path": path, "mediaType": media_type_of(path)}


@lru_cache(maxsize=64)  # nearly all characters have the same two
def inner_path(given: str) -> str:
    """Return a path within a character's folder in its usual form.

    Raises:
        ValueError: It leads out of the folder.
    """
    path = given.replace("\\", "/").removeprefix("./")
    parts = path.split("/")
    if "" in parts or "." in parts or ".." in parts or "\0" in path or parts[0].endswith(":"):
        raise ValueError(f"the path {given[:100]!r} leads out of the character's folder")
    return path


def _dumped(model: WireModel | None) -> JsonValue:
    return None if model is None else cast("JsonValue", model.model_dump(mode="json", by_alias=True))
