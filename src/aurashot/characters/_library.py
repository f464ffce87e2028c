"""A library of characters."""

from __future__ import annotations

from contextlib import ExitStack
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO

from aurashot.characters import _drafts
from aurashot.characters._changes import UNCHANGED, Change, created, updated
from aurashot.characters._character import PROMPT_TEMPLATE, Character
from aurashot.characters._consent import check_consent
from aurashot.characters._gallery_library import GalleryLibrary
from aurashot.characters._layout import PROFILE, changed, document_of, parsed, profile_of, serialised
from aurashot.characters._names import folder_name, folder_of, name_key
from aurashot.characters._profiles import Profile, check_free, find, gone, loaded, taken
from aurashot.characters._store import about
from aurashot.characters._zip import MAX_BYTES, imported, opened

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping, Sequence

    from pydantic import JsonValue

    from aurashot.characters._changes import Unchanged
    from aurashot.characters._character import CalibrationNote, Consent, Kind
    from aurashot.images import ImageInput


class CharacterLibrary(GalleryLibrary):
    """Characters in a folder, or in an object store such as S3.

    The layout is that of the reference client, `<root>/avatars/<name>/profile/…`: folders that it or other tools have
    written can be used, and keep everything that is in them. A library may be used by several threads and processes at
    once.

        library = CharacterLibrary("characters")
        snow = library.create("Snow", face="selfie.jpg")

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

    def create(
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
        slug = folder_name(name)
        images = {"face": (face, face_url), "anchor": (anchor, anchor_url)}
        fields = {
            "kind": kind,
            "description": description,
            "styles": tuple(styles),
            "scenes": tuple(scenes),
            "prompt_template": prompt_template,
            "consent": consent,
            "calibration": calibration,
            "extra": dict(extra or {}),
        }
        return self._stored(created(slug, images, fields))

    def _stored(self, change: Change) -> Character:
        self._check_consent(change.character)
        profile = serialised(document_of(change.character))
        self._put_folder(change.character.slug, chain(change.writes.items(), [(PROFILE, profile)]))
        return self._own(change.character)

    def _put_folder(self, slug: str, files: Iterable[tuple[str, bytes]]) -> None:
        with about(slug), self.store.lock(name_key(slug)):
            check_free(self.store, slug)
            try:
                self.store.create_folder(folder_of(slug), files)
            except FileExistsError as error:
                raise taken(slug, slug) from error

    def _check_consent(self, character: Character) -> None:
        if self.require_consent:
            check_consent(character)

    def update(
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
        images = {"face": (face, face_url), "anchor": (anchor, anchor_url)}
        fields = {
            "kind": kind,
            "description": description,
            "styles": styles,
            "scenes": scenes,
            "prompt_template": prompt_template,
            "consent": consent,
            "calibration": calibration,
        }
        with self.locked(character) as profile:
            before = loaded(self.store, profile, examine=True)
            change = updated(before, images, fields)
            self._check_consent(change.character)
            self._write(profile, before, change)
        return self._own(change.character)

    def _write(self, profile: Profile, before: Character, change: Change) -> None:
        folder = folder_of(profile.slug)
        try:
            for path, content in change.writes.items():
                self.store.replace(f"{folder}/{path}", content)
            document = changed(profile.document, before, change.character)
            self.store.replace(profile_of(profile.slug), serialised(document))
        except FileNotFoundError as error:
            raise gone(profile.slug) from error
        for path in change.obsolete:
            self.store.remove(f"{folder}/{path}")

    def discard_draft(self, name: str) -> bool:
        """Forget that a character is being made, and return whether one was.

        Whatever was paid for it stays paid: look at your bill, or into the ledger, before you begin anew.

        Raises:
            InputError: The name cannot be that of a character.
            LibraryError: The draft cannot be removed.
        """
        return _drafts.end(self.store, folder_name(name))

    def rename(self, character: str | Character, name: str) -> Character:
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
        new = folder_name(name)
        old = character.slug if isinstance(character, Character) else character
        with ExitStack() as stack:
            for each in sorted({name_key(old), name_key(new)}):
                stack.enter_context(self.store.lock(each))
            profile = find(self.store, character)
            before = loaded(self.store, profile, examine=True)
            _drafts.finish(self.store, before)
            if profile.slug != new:
                check_free(self.store, new, besides=profile.slug)
                self._move(profile.slug, new)
            after = before.model_copy(update={"name": new, "slug": new})
            self._write(Profile(new, profile.content), before, Change(after, {}))
        return self._own(after)

    def _move(self, old: str, new: str) -> None:
        try:
            self.store.rename(folder_of(old), folder_of(new))
        except FileExistsError as error:
            raise taken(new, new) from error
        except FileNotFoundError as error:
            raise gone(old) from error

    def import_(
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
        with opened(source, max_bytes) as archive:
            slug = folder_name(archive.slug if name is None else name)
            content = archive.read(PROFILE)
            found = imported(parsed(content, slug), slug, archive)
            self._check_consent(found)
            self._put_folder(slug, chain(archive.images(), [(PROFILE, content)]))
        return self.get(slug)
