"""Characters and their images as documents, and in lines for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aurashot.cli._library import place_of
from aurashot.cli._output import Output

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from aurashot.characters import Character, CharacterLibrary, GalleryImage, StoredImage
    from aurashot.cli._screen import Screen


def document_of(character: Character, *, urls: bool = False) -> dict[str, Any]:
    """Return a character as a document; the URLs of its images, which are secrets, only if that is wanted."""
    return {
        "name": character.name,
        "kind": character.kind,
        "description": character.description,
        "id": character.id,
        "created_at": _iso(character.created_at),
        "anchor": _image(character, character.anchor, urls=urls),
        "face": _image(character, character.face, urls=urls),
        "styles": list(character.styles),
        "scenes": list(character.scenes),
        "prompt_template": character.prompt_template,
        "consent": None if character.consent is None else character.consent.model_dump(mode="json"),
        "has_consent": character.has_consent,
        "calibration": None if character.calibration is None else character.calibration.model_dump(mode="json"),
    }


def _image(character: Character, image: StoredImage | None, *, urls: bool) -> dict[str, Any] | None:
    if image is None:
        return None
    known = {
        "path": _path(character, image),
        "media_type": image.media_type,
        "sha256": image.sha256,
        "size": image.size,
    }
    return {**known, "url": image.url, "url_since": _iso(image.url_since)} if urls else known


def _path(character: Character, image: StoredImage) -> str:
    """Return where an image is: on this machine, or in the library if that is an object store."""
    path = f"avatars/{character.slug}/{image.path}"
    local = None if character.library is None else character.library.store.local(path)
    return path if local is None else str(local)


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def show_character(character: Character, *, urls: bool = False, verb: str = "") -> None:
    """Print all that is known of a character.

    Args:
        character: The character.
        urls: Whether the URLs of its images are printed.
        verb: What was done with it, such as `Created`; nothing by default.
    """
    document = document_of(character, urls=urls)
    output = Output()

    def human(screen: Screen) -> None:
        if verb:
            screen.say(f"{verb} {character.name}.")
        for name, value in _facts(character, document):
            screen.row(name, value)

    paths = [document[name]["path"] for name in ("anchor", "face") if document[name]]
    output.show(document, human, paths[:1] or [character.name])


def _facts(character: Character, document: dict[str, Any]) -> list[tuple[str, str]]:
    consent, calibration = character.consent, character.calibration
    anchor: dict[str, Any] = document["anchor"] or {}
    face: dict[str, Any] = document["face"] or {}
    for_this = "" if character.has_consent else "; it is for another photo"
    facts: list[tuple[str, str | None]] = [
        ("Name", character.name),
        ("Kind", character.kind),
        ("About", character.description),
        ("ID photo", anchor.get("path")),
        ("URL", anchor.get("url")),
        ("Photo", face.get("path")),
        ("Photo URL", face.get("url")),
        ("Styles", ", ".join(character.styles)),
        ("Scenes", ", ".join(character.scenes)),
        ("Template", character.prompt_template),
        ("Created", f"{character.created_at:%Y-%m-%d %H:%M} UTC" if character.created_at else None),
        ("Consent", f"{consent.who}: {consent.purpose} ({consent.when:%Y-%m-%d}){for_this}" if consent else None),
        ("Same face", f"from a cosine of {calibration.same:.3f} on, by its calibration" if calibration else None),
        ("Id", character.id),
    ]
    return [(name, value) for name, value in facts if value]


def show_list(library: CharacterLibrary) -> None:
    """Print the characters of a library."""
    characters, place = library.list(), place_of(library)
    rows = [
        {
            "name": each.name,
            "kind": each.kind,
            "has_anchor": each.anchor is not None,
            "has_consent": each.consent is not None,
            "created_at": _iso(each.created_at),
            "description": each.description,
        }
        for each in characters
    ]

    def human(screen: Screen) -> None:
        if not characters:
            screen.say(f"There are no characters in {place}; aurashot characters create makes one.")
            return
        table = (
            (each.name, each.kind, _yes(each.anchor), _yes(each.consent), _day(each.created_at), each.description)
            for each in characters
        )
        screen.table(("name", "kind", "ID photo", "consent", "created", "description"), table)

    Output().show({"library": place, "characters": rows}, human, [each.name for each in characters])


def _yes(thing: object) -> str:
    return "no" if thing is None else "yes"


def _day(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d}"


def show_gallery(library: CharacterLibrary, name: str, images: Sequence[GalleryImage]) -> None:
    """Print the finished images of a character."""
    paths = {image.path: str(library.path(image) or image.path) for image in images}
    rows = [
        {
            "path": paths[image.path],
            "created_at": _iso(image.created_at),
            "operation": image.operation,
            "verdict": image.verdict,
            "similarity": image.similarity,
            "prompt": image.prompt,
            "description": image.description,
            "tags": [f"{key}={value}" for key, value in image.tags.items()],
            "size": image.size,
            "sha256": image.sha256,
        }
        for image in images
    ]

    def human(screen: Screen) -> None:
        if not images:
            screen.say(f"There are no such images of {name}.")
            return
        table = (
            (f"{image.created_at:%Y-%m-%d %H:%M}", image.verdict or "unchecked", _tags(image), paths[image.path])
            for image in images
        )
        screen.table(("made (UTC)", "face", "tags", "file"), table)

    Output().show({"character": name, "images": rows}, human, paths.values())


def _tags(image: GalleryImage) -> str:
    return ", ".join(f"{key}={value}" for key, value in image.tags.items())


def show_renamed(before: Character, after: Character) -> None:
    """Print that a character has another name."""
    document = {"renamed": before.name, "name": after.name, "id": after.id}
    Output().show(document, lambda screen: screen.say(f"{before.name} is called {after.name} now."), [after.name])


def show_exported(character: Character, path: Path) -> None:
    """Print where a character was exported to."""
    document = {"exported": character.name, "path": str(path), "size": path.stat().st_size}
    Output().show(document, lambda screen: screen.say(f"{character.name} is exported to {path}."), [str(path)])
