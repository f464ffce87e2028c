"""What a library has in it, and what it should have in it after a change."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from lab.characters.images import face_of, image_of
from lab.characters.service import key_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aurashot.characters import CharacterLibrary
    from lab.characters.program import Change

_ENDING: Final = ".json"
"""What the name of a sidecar has after that of its image."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a character.

    Attributes:
        mark: The key that its ID photo was paid under.
        description: What it was updated to.
        saved: The keys of the images in its gallery that have a sidecar.
    """

    mark: str
    description: str
    saved: frozenset[str] = frozenset()


State: TypeAlias = dict[str, Known]
"""A library: what is known of each character, by the name of its folder."""


def after(state: State, change: Change) -> State:
    """Return what a library is after a change."""
    name, mark = change["name"], change["mark"]
    others = {each: known for each, known in state.items() if each != name}
    match change["change"]:
        case "create":
            return others | {name: Known(mark, mark)}
        case "update":
            return others | {name: replace(state[name], description=mark)}
        case "save":
            return others | {name: replace(state[name], saved=state[name].saved | {mark})}
        case "rename":
            return others | {change["new"]: state[name]}
        case _:
            return others


def state_of(library: CharacterLibrary, problems: list[str], under_way: Change | None = None) -> State:
    """Return what a library is, and note what is half done in it.

    Args:
        library: The library.
        problems: What is half done is added to it.
        under_way: The change within which the program was killed: its image may be without a sidecar.
    """
    problems += [str(error) for error in library.check()]
    alone = under_way["mark"] if under_way is not None and under_way["change"] == "save" else None
    state: State = {}
    for slug in library.store.folders("avatars"):
        character = library.get(slug)
        mark = key_of(character.anchor.url or "") if character.anchor is not None else ""
        if not mark or (character.read_face(), character.read_anchor()) != (face_of(mark), image_of(mark)):
            problems.append(f"{slug} has images of another character")
        state[slug] = Known(mark, character.description, frozenset(_saved(library, slug, problems, alone)))
    return state


def _saved(library: CharacterLibrary, slug: str, problems: list[str], alone: str | None) -> Iterator[str]:
    """Yield the keys of the images of a gallery that have sidecars, and note what is wrong with it.

    Args:
        library: The library.
        slug: The character.
        problems: What is wrong is added to it.
        alone: The key of an image that may be without a sidecar.
    """
    files = {file.path for file in library.store.files(f"avatars/{slug}/gallery")}
    for path in sorted(files):
        key = PurePosixPath(path).stem
        if path.endswith(_ENDING):
            problems += [] if path.removesuffix(_ENDING) in files else [f"{path} has no image"]
        elif f"{path}{_ENDING}" in files:
            problems += _faults(library, path, key)
            yield key
        elif key != alone:
            problems.append(f"{path} has no sidecar")


def _faults(library: CharacterLibrary, image: str, key: str) -> list[str]:
    """Return what is wrong with an image that has a sidecar."""
    facts: dict[str, Any] = json.loads(library.store.read(f"{image}{_ENDING}"))
    digests = {"sha256": library.store.read(image), "receivedSha256": image_of(key)}
    found = [f"the sidecar of {image} has another key"] if facts.get("idempotencyKey") != key else []
    return found + [
        f"{name} in the sidecar of {image} is that of another image"
        for name, content in digests.items()
        if facts.get(name) != hashlib.sha256(content).hexdigest()
    ]
