"""How characters leave a library: exported, removed or forgotten."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from aurashot._part import Part, sweep
from aurashot._reasons import reason_of
from aurashot.characters import _drafts
from aurashot.characters._character import Character
from aurashot.characters._forget import Receipt, RemovedFile, same_face
from aurashot.characters._names import folder_of, name_key
from aurashot.characters._profiles import find, gone, loaded
from aurashot.characters._reading import ReadableLibrary
from aurashot.characters._store import about
from aurashot.characters._zip import write_zip
from aurashot.errors import CharacterNotFoundError, LibraryError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping
    from typing import Any

    from aurashot.characters._store import Store, StoredFile

ForgetHook: TypeAlias = Callable[[Character], Iterable[str]]
"""Removes what is known of a character beside its folder, and says what that was."""


class LeavableLibrary(ReadableLibrary):
    """The part of a library by which characters leave it."""

    def __init__(
        self,
        root: str | os.PathLike[str] | Store,
        *,
        require_consent: bool = False,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(root, require_consent=require_consent, options=options)
        self._hooks: list[ForgetHook] = []

    def export(self, character: str | Character, target: str | os.PathLike[str]) -> Path:
        """Write a character with all of its files into one zip file, and return its path.

        The file has the images of the face in it, and URLs of images. An earlier file is replaced.

        Args:
            character: The character, or its name.
            target: The path of the file, or a folder for a file that is named after the character.

        Raises:
            CharacterNotFoundError: There is none, or another one has the name by now.
            LibraryError: A file cannot be read, or the zip file cannot be written.
        """
        with self.locked(character) as profile:
            path = Path(target)
            if path.is_dir():
                path /= f"{profile.slug}.zip"
            try:
                self._export(profile.slug, path)
            except OSError as error:
                raise LibraryError(
                    f"The character '{profile.slug}' cannot be exported to '{path}': {reason_of(error)}",
                    character=profile.slug,
                    path=str(path),
                ) from error
        return path

    def _export(self, slug: str, path: Path) -> None:
        sweep(path.parent)
        with Part(path.parent, path.name, replaces=True) as part:
            write_zip(part.file, slug, self._contents(slug))
            part.set_mode(part.mode)
            part.sync()
            part.replace(path.name)

    def _contents(self, slug: str) -> Iterator[tuple[str, datetime, bytes]]:
        folder = folder_of(slug)
        for file in self.store.files(folder):
            try:
                content = self.store.read(file.path)
            except FileNotFoundError as error:
                raise gone(slug) from error
            yield file.path.removeprefix(f"{folder}/"), file.modified, content

    def remove(self, character: str | Character) -> None:
        """Remove a character with all of its files. `forget` also says what was removed.

        Args:
            character: The character, or its name.

        Raises:
            CharacterNotFoundError: There is none, or another one has the name by now.
            LibraryError: It cannot be removed.
        """
        with self.locked(character) as profile:
            with suppress(LibraryError):  # a broken profile
                _drafts.finish(self.store, loaded(self.store, profile, examine=False))
            self.store.remove_folder(folder_of(profile.slug))

    def on_forget(self, hook: ForgetHook) -> None:
        """Call a function for each character that is forgotten, before its files are removed.

        Args:
            hook: Removes what is known of the character elsewhere, such as the entries of an index, and returns a line
                about each for the receipt. If it raises, nothing is removed, and `forget` can be called again.
        """
        self._hooks.append(hook)

    def forget(self, character: str | Character) -> Receipt:
        """Remove every file of a character, also partial ones of killed programs, and return a receipt.

        Call it again if it raises. It works also if the character's `character.json` is broken or missing, and for one
        whose creation was interrupted.

        Args:
            character: The character, or its name.

        Raises:
            CharacterNotFoundError: There is none, or another one has the name by now.
            LibraryError: Something cannot be removed.
        """
        name = character.slug if isinstance(character, Character) else character
        with about(name), self.store.lock(name_key(name)):
            known = self._known(character)
            others = same_face(known, self.list())
            records = tuple(line for hook in self._hooks for line in hook(known))
            if _drafts.erase(self.store, known.slug):
                records = (*records, "The draft of an interrupted creation")
            removed = self._removed(folder_of(known.slug))
        return Receipt(
            character=known.slug,
            id=known.id,
            when=datetime.now(UTC),
            removed=tuple(removed),
            records=records,
            same_face=others,
        )

    def _known(self, character: str | Character) -> Character:
        """Return what is known of a character that may be broken."""
        try:
            profile = find(self.store, character)
        except CharacterNotFoundError:
            if isinstance(character, Character) or not self._has_traces(character):
                raise
            return Character(name=character, slug=character)
        try:
            return loaded(self.store, profile, examine=True)
        except LibraryError:
            return Character(name=profile.slug, slug=profile.slug)

    def _has_traces(self, slug: str) -> bool:
        return self._has_files(slug) or bool(_drafts.files_of(self.store, slug))

    def _has_files(self, slug: str) -> bool:
        return next(self.store.files(folder_of(slug), hidden=True), None) is not None

    def _removed(self, folder: str) -> list[RemovedFile]:
        """Remove a folder and what killed processes have left, and return the files with their digests."""
        known = {each.path: each for each in map(self._described, self.store.files(folder, hidden=True))}
        paths = [*self.store.remove_folder(folder), *self.store.sweep()]
        if self._has_files(folder.rpartition("/")[2]):
            raise LibraryError(
                f"Another program has put files into '{folder}' while it was removed; call forget again",
                character=folder.rpartition("/")[2],
                path=folder,
            )
        return [known.get(path) or RemovedFile(path=path) for path in dict.fromkeys(paths)]

    def _described(self, file: StoredFile) -> RemovedFile:
        try:
            content = self.store.read(file.path)
        except (FileNotFoundError, LibraryError):  # what cannot be read may still be removed
            return RemovedFile(path=file.path, size=file.size)
        return RemovedFile(path=file.path, sha256=hashlib.sha256(content).hexdigest(), size=len(content))
