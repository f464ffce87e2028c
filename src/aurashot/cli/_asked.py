"""What a command asks for: an operation, its prompt and its images."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from aurashot.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aurashot import AuraShot, Generation, IdentityPolicy
    from aurashot.characters import Character
    from aurashot.images import ImageInput

Operation: TypeAlias = Literal["id_photo", "generate", "edit"]

SERVICE: Final = "https://www.aurashot.art"
_IMAGES: Final = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".heic", ".avif", ".bmp", ".tif", ".tiff"}
_LONGEST_NAME: Final = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One call of the client."""

    operation: Operation
    prompt: str | None = None
    images: Mapping[str, ImageInput] = field(default_factory=dict[str, "ImageInput"])
    """By argument, as they were given: paths and URLs as text, or a character."""
    character: Character | None = None
    """Whose gallery the images are saved in."""

    def make(
        self, client: AuraShot, *, key: str, tags: Mapping[str, str], identity: IdentityPolicy | None
    ) -> Generation:
        """Make one image; billed."""
        common: dict[str, Any] = {"idempotency_key": key, "tags": tags, "identity": identity, "wait_for_result": True}
        if self.operation == "id_photo":
            return client.id_photo(self.images["face"], prompt=self.prompt, **common)
        call: Any = client.generate if self.operation == "generate" else client.edit
        made: Generation = call(self.prompt or "", **self.images, **common)
        return made

    def described(self) -> list[dict[str, Any]]:
        """Return what would be sent of each image, after reading and checking it here.

        Raises:
            InputError: One is not an image, or its URL cannot be sent.
        """
        return [described(name, image) for name, image in self.images.items()]


def described(name: str, image: ImageInput) -> dict[str, Any]:
    """Return what would be sent of an image, after reading and checking it here.

    Raises:
        InputError: It is not an image, or its URL cannot be sent.
    """
    from aurashot.images import ImageRules, locate, prepare

    rules = ImageRules(own_origin=os.environ.get("AURASHOT_BASE_URL", ""))
    shown = getattr(image, "name", None) or str(image)
    try:
        found = locate(image, rules)
        if isinstance(found, str):
            return {"argument": name, "source": shown, "upload": False, "media_type": None, "bytes": None}
        payload = prepare(found, rules)
    except InputError as error:
        raise error.about(name) from error
    return {
        "argument": name,
        "source": shown,
        "upload": True,
        "media_type": payload.media_type,
        "bytes": payload.size,
    }


def prompt_in(given: str) -> str:
    """Return a prompt, from standard input if it is `-`.

    Raises:
        InputError: There is none, it is not text, or it is the path of an image.
    """
    text = _read() if given == "-" else given
    if not text.strip():
        raise InputError("PROMPT: it is empty; describe in words what the image should show", argument="prompt")
    if "\0" in text:
        raise InputError("PROMPT: it is not text; describe in words what the image should show", argument="prompt")
    if Path(text).suffix.lower() in _IMAGES and (given == "-" or _is_file(text)):
        message = (
            f"PROMPT: {text!r} is an image; pass images with options such as --face, and describe the scene in words"
        )
        raise InputError(message, argument="prompt")
    return text


def _is_file(text: str) -> bool:
    return len(text) <= _LONGEST_NAME and Path(text).is_file()


def _read() -> str:
    if sys.stdin.isatty():
        sys.stderr.write("Type the prompt, then Ctrl-D:\n")
    try:
        return sys.stdin.read().strip()
    except UnicodeDecodeError:
        raise InputError("PROMPT: standard input is not text; pass the prompt as text", argument="prompt") from None


def character_in(library: str, name: str) -> Character:
    """Return a character of a library.

    Raises:
        CharacterNotFoundError: There is none of that name.
    """
    from aurashot.characters import CharacterLibrary

    return CharacterLibrary(library).get(name)


def face_of(face: str | None, name: str | None, library: str) -> tuple[str | Character | None, Character | None]:
    """Return the face that `--face` or `--as` says, and the character if it is one.

    Raises:
        InputError: Both are given.
    """
    if face is not None and name is not None:
        raise InputError("--face and --as exclude each other; leave one out", argument="face")
    if name is None:
        return face, None
    character = character_in(library, name)
    return character, character
