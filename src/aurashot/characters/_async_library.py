"""A library of characters for async code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

from aurashot.characters._async_gallery import AsyncGalleryLibrary, in_thread
from aurashot.characters._changes import UNCHANGED
from aurashot.characters._character import PROMPT_TEMPLATE, Character
from aurashot.characters._library import CharacterLibrary
from aurashot.characters._zip import MAX_BYTES

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pydantic import JsonValue

    from aurashot.characters._changes import Unchanged
    from aurashot.characters._character import CalibrationNote, Consent, Kind
    from aurashot.characters._forget import Receipt
    from aurashot.characters._leaving import ForgetHook
    from aurashot.characters._store import Store
    from aurashot.errors import LibraryError
    from aurashot.images import ImageInput


class AsyncCharacterLibrary(AsyncGalleryLibrary):
    """Characters in a folder, or in an object store such as S3.

    The layout is that of the reference client, `<root>/avatars/<name>/profile/…`: folders that it or other tools have
    written can be used, and keep everything that is in them. A library may be used by several threads and processes at
    once.

        library = AsyncCharacterLibrary("characters")
        snow = await library.create("Snow", face="selfie.jpg")

    Args:
        root: The folder that has `avatars` in it, which is created when it is needed; or an address that obstore knows,
            such as `s3://bucket/folder`, which needs the extra `characters`; or a store of your own.
        require_consent: Whether characters of real people need a consent note for their face reference.
        options: What obstore's `from_url` takes by keyword, for an object store: credentials, region, endpoint, …

    Attributes:
        store: Where the files are.
        require_consent: As given.

    Raises:
        ConfigurationError: The root or an option is invalid, or the extra `characters` is missing.
        LibraryError: The root is a file.
    """

    def __init__(
        self,
        root: str | os.PathLike[str] | Store,
        *,
        require_consent: bool = False,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self._library: CharacterLibrary = CharacterLibrary(root, require_consent=require_consent, options=options)
        self.store: Store = self._library.store
        self.require_consent: bool = require_consent

    @property
    def blocking(self) -> CharacterLibrary:
        """The same library, with methods that block."""
        return self._library

    def __repr__(self) -> str:
        """Say where it is."""
        return f"{type(self).__name__}({self.store!r})"

    async def create(
        self,
        name: str,
        *,
        kind: Kind = "real",
        face: ImageInput | None = None,
        anchor: ImageInput | None = None,
        face_url: str | None = None,
        anchor_url: str | None = None,
        description: str = "",
        styles: Sequence[str] = (),
        scenes: Sequence[str] = (),
        prompt_template: str = PROMPT_TEMPLATE,
        consent: Consent | None = None,
        calibration: CalibrationNote | None = None,
        extra: Mapping[str, JsonValue] | None = None,
    ) -> Character:
        """Create a character: all of it is there when this returns, and nothing if it raises.

        The name may be in any script, and becomes the name of the folder. `kind` is `real` for a real person and
        `virtual` for an invented one. The images may be paths, bytes, Pillow images, …, but no URLs, and are kept as
        they are; where the service has them, pass `face_url` and `anchor_url`. The prompt template must have `{prompt}`
        in it. Leave out the `face_sha256` of a consent note: it is filled in. `extra` has further keys for
        `character.json`.

        Raises:
            InputError: The name or a value is invalid, or a consent note is missing.
            InvalidImageError: An image cannot be read.
            CharacterExistsError: The name is taken, also if only case or composition of its letters differ.
            LibraryError: It cannot be written.
        """
        return await in_thread(
            self._library.create,
            name,
            kind=kind,
            face=face,
            anchor=anchor,
            face_url=face_url,
            anchor_url=anchor_url,
            description=description,
            styles=styles,
            scenes=scenes,
            prompt_template=prompt_template,
            consent=consent,
            calibration=calibration,
            extra=extra,
        )

    async def get(self, name: str | Character) -> Character:
        """Load a character by its name, or once more. Case and composition of the letters do not count.

        A URL of an image is dropped if the image's file was replaced by another tool.

        Raises:
            InputError: The name cannot be that of a character.
            CharacterNotFoundError: There is none of that name.
            LibraryError: Its `character.json` is broken, or a file cannot be read.
        """
        return await in_thread(self._library.get, name)

    async def list(self) -> tuple[Character, ...]:
        """Load all characters, sorted by the names of their folders, without looking at their images.

        Folders that are broken or no characters are left out; `check` says what is wrong with them.

        Raises:
            LibraryError: The library cannot be read.
        """
        return await in_thread(self._library.list)

    async def check(self) -> tuple[LibraryError, ...]:
        """Return what is wrong with the library: broken profiles, and images that are missing or were replaced.

        All images of all profiles are read.

        Raises:
            LibraryError: The library cannot be read.
        """
        return await in_thread(self._library.check)

    async def update(
        self,
        character: str | Character,
        *,
        kind: Kind | Unchanged = UNCHANGED,
        face: ImageInput | Unchanged | None = UNCHANGED,
        anchor: ImageInput | Unchanged | None = UNCHANGED,
        face_url: str | Unchanged | None = UNCHANGED,
        anchor_url: str | Unchanged | None = UNCHANGED,
        description: str | Unchanged = UNCHANGED,
        styles: Sequence[str] | Unchanged = UNCHANGED,
        scenes: Sequence[str] | Unchanged = UNCHANGED,
        prompt_template: str | Unchanged = UNCHANGED,
        consent: Consent | Unchanged | None = UNCHANGED,
        calibration: CalibrationNote | Unchanged | None = UNCHANGED,
    ) -> Character:
        """Change a character, and return it as it is now.

        What is left out stays as it is in the library, also if another process has changed it meanwhile. None removes
        an image, a URL, a consent note or a calibration. A new image has no URL unless one is passed with it; a URL
        alone is one of the present image. The other arguments are those of `create`.

        Raises:
            InputError: A value is invalid, or a consent note is missing.
            InvalidImageError: An image cannot be read.
            CharacterNotFoundError: There is none, or another one has the name by now.
            LibraryError: A file is broken or cannot be written.
        """
        return await in_thread(
            self._library.update,
            character,
            kind=kind,
            face=face,
            anchor=anchor,
            face_url=face_url,
            anchor_url=anchor_url,
            description=description,
            styles=styles,
            scenes=scenes,
            prompt_template=prompt_template,
            consent=consent,
            calibration=calibration,
        )

    async def discard_draft(self, name: str) -> bool:
        """Forget that a character is being made, and return whether one was.

        Whatever was paid for it stays paid: look at your bill, or into the ledger, before you begin anew.

        Raises:
            InputError: The name cannot be that of a character.
            LibraryError: The draft cannot be removed.
        """
        return await in_thread(self._library.discard_draft, name)

    async def rename(self, character: str | Character, name: str) -> Character:
        """Give a character another name. The old or the new folder is complete at any time.

        Args:
            character: The character, or its name.
            name: The new name.

        Raises:
            InputError: The new name is invalid.
            CharacterExistsError: It is taken.
            CharacterNotFoundError: There is no such character, or another one has the name by now.
            LibraryError: It cannot be renamed.
        """
        return await in_thread(self._library.rename, character, name)

    async def remove(self, character: str | Character) -> None:
        """Remove a character with all of its files. `forget` also says what was removed.

        Args:
            character: The character, or its name.

        Raises:
            CharacterNotFoundError: There is none, or another one has the name by now.
            LibraryError: It cannot be removed.
        """
        await in_thread(self._library.remove, character)

    async def export(self, character: str | Character, target: str | os.PathLike[str]) -> Path:
        """Write a character with all of its files into one zip file, and return its path.

        The file has the images of the face in it, and URLs of images. An earlier file is replaced.

        Args:
            character: The character, or its name.
            target: The path of the file, or a folder for a file that is named after the character.

        Raises:
            CharacterNotFoundError: There is none, or another one has the name by now.
            LibraryError: A file cannot be read, or the zip file cannot be written.
        """
        return await in_thread(self._library.export, character, target)

    async def import_(
        self, source: str | os.PathLike[str] | BinaryIO, *, name: str | None = None, max_bytes: int = MAX_BYTES
    ) -> Character:
        """Create a character from a zip file that `export` has written, or from one of such a folder.

        The file may come from anybody: nothing in it is written outside of the character's folder.

        Args:
            source: The path of the file, or the file, opened in binary mode.
            name: The character's name, if not that of the folder in the zip file.
            max_bytes: The most that is unpacked.

        Raises:
            InputError: It is no such file, is broken or too large, or a consent note is missing.
            CharacterExistsError: The name is taken.
            LibraryError: Its `character.json` is broken, or it cannot be read or written.
        """
        return await in_thread(self._library.import_, source, name=name, max_bytes=max_bytes)

    async def forget(self, character: str | Character) -> Receipt:
        """Remove every file of a character, also partial ones of killed programs, and return a receipt.

        Call it again if it raises. It works also if the character's `character.json` is broken or missing, and for one
        whose creation was interrupted.

        Args:
            character: The character, or its name.

        Raises:
            CharacterNotFoundError: There is none, or another one has the name by now.
            LibraryError: Something cannot be removed.
        """
        return await in_thread(self._library.forget, character)

    def on_forget(self, hook: ForgetHook) -> None:
        """Call a function for each character that is forgotten, before its files are removed.

        Args:
            hook: Removes what is known of the character elsewhere, such as the entries of an index, and returns a line
                about each for the receipt. If it raises, nothing is removed, and `forget` can be called again.
        """
        self._library.on_forget(hook)
