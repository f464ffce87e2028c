"""The finished images of a library's characters: saved, listed, searched, traced and made again."""

from __future__ import annotations

import os
from itertools import chain
from typing import TYPE_CHECKING, TypeAlias

from aurashot.characters import _gallery, _lineage, _reproduction
from aurashot.characters._gallery_image import GalleryImage
from aurashot.characters._index import GalleryIndex, index_path
from aurashot.characters._leaving import LeavableLibrary
from aurashot.characters._names import folder_of
from aurashot.characters._origins import sources_of
from aurashot.characters._profiles import find, gone, loaded
from aurashot.characters._saving import content_of, sidecar_for
from aurashot.characters._sidecar import Sidecar
from aurashot.errors import LibraryError
from aurashot.models import Generation

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from pathlib import Path
    from typing import Any

    from aurashot import AuraShot
    from aurashot.characters._character import Character
    from aurashot.characters._gallery import VerdictFilter
    from aurashot.characters._lineage import Lineage
    from aurashot.characters._reproduction import Reproduction
    from aurashot.characters._saving import Shot
    from aurashot.characters._store import Store
    from aurashot.images import ImageInput

Known: TypeAlias = "GalleryImage | Generation | str"
"""An image of a gallery: itself, the response that it came from, or its path relative to the library's root."""


class GalleryLibrary(LeavableLibrary):
    """The part of a library that keeps finished images."""

    def __init__(
        self,
        root: str | os.PathLike[str] | Store,
        *,
        require_consent: bool = False,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(root, require_consent=require_consent, options=options)
        address = os.fsdecode(root) if isinstance(root, str | os.PathLike) else repr(root)
        self._index = GalleryIndex(self.store, index_path(self.store, address))
        self.on_forget(self._forget_in_index)

    def save(
        self,
        character: str | Character,
        shot: Shot,
        *,
        image: ImageInput | None = None,
        client: AuraShot | None = None,
        name: str | None = None,
        description: str = "",
        tags: Mapping[str, str] | None = None,
        metadata: bool = True,
    ) -> GalleryImage:
        """Put an image into a character's gallery, with the facts about it beside it, and return it.

        The facts are how it was made and from what, whether it shows the right face, and what is known of the payment.
        The pixels stay as they are, and no file is replaced.

        Args:
            character: The character, or its name.
            shot: The response that the image came with, or the image itself: a path, bytes, …
            image: The image of the response, if it was downloaded already.
            client: What downloads it otherwise; by default, a client with the settings of the environment. `download`
                of a client does the same: `client.download(shot, snow)`.
            name: What to call the file, without an extension; by default its description or its prompt.
            description: What the image shows, in your words.
            tags: Labels to find it by, beside those of the call.
            metadata: Whether the facts are written into the file as well, for example the IPTC's note that a model made
                it. A file to which nothing can be added is stored as it is.

        Raises:
            InputError: An argument is invalid.
            InvalidImageError: It is not a complete JPEG, PNG, WebP or GIF image.
            DownloadError: It could not be downloaded.
            CharacterNotFoundError: There is no such character.
            LibraryError: It cannot be written.
        """
        content = content_of(shot, image, client)
        with self.locked(character) as profile:
            owner = loaded(self.store, profile, examine=False)
            sidecar = sidecar_for(shot, content, owner, description=description, tags=tags)
            try:
                saved = _gallery.save(self.store, owner.slug, content, sidecar, name=name, metadata=metadata)
            except FileNotFoundError as error:
                raise gone(owner.slug) from error
        self._index.note(owner.slug)
        return self.image(saved.path)

    def image(self, path: str) -> GalleryImage:
        """Return the image at a path that is relative to the library's root.

        Raises:
            LibraryError: There is none.
        """
        found = self._image(path)
        if found is None:
            raise LibraryError(f"The library has no image '{path}'", path=path)
        return found

    def _image(self, path: str) -> GalleryImage | None:
        top, slug, *_ = [*path.split("/"), ""]
        if folder_of(slug) != f"{top}/{slug}":
            return None
        files = {file.path: file for file in self.store.files(path.rpartition("/")[0])}
        found = [pair for pair in _gallery.pairs(files.values()) if pair[0].path == path]
        return _gallery.read_image(self.store, slug, *found[0]) if found else None

    def read(self, image: GalleryImage) -> bytes:
        """Return the bytes of an image of a gallery; they can be passed wherever an image goes.

        Raises:
            LibraryError: It is not there any more, or cannot be read.
        """
        try:
            return self.store.read(image.path)
        except FileNotFoundError as error:
            raise LibraryError(
                f"The image '{image.path}' of the character '{image.character}' is not there any more",
                character=image.character,
                path=image.path,
            ) from error

    def path(self, image: GalleryImage) -> Path | None:
        """Return where an image of a gallery is on this machine; None in an object store."""
        return self.store.local(image.path)

    def gallery(
        self,
        character: str | Character,
        *,
        verdict: VerdictFilter | None = None,
        since: datetime | None = None,
        tag: str | None = None,
    ) -> tuple[GalleryImage, ...]:
        """Return the finished images of a character, the newest first; also those that other tools have put there.

        Args:
            character: The character, or its name.
            verdict: Only those with this verdict; `unchecked` are those whose face was not compared.
            since: Only those that were made at this time or later; a time with a zone.
            tag: Only those with this tag: its name, or `name=value`.

        Raises:
            InputError: An argument is invalid.
            CharacterNotFoundError: There is no such character.
            LibraryError: The library cannot be read.
        """
        slug = self._slug(character)
        return tuple(_gallery.gallery(self.store, slug, verdict=verdict, since=since, tag=tag))

    def search(
        self,
        text: str = "",
        *,
        character: str | Character | None = None,
        verdict: VerdictFilter | None = None,
        since: datetime | None = None,
        tag: str | None = None,
        limit: int | None = 100,
        refresh: bool = True,
    ) -> tuple[GalleryImage, ...]:
        """Return the images of all galleries that match, the newest first.

        An index makes this fast. It is made from the files, in the folder `.aurashot` of the library or, for a library
        in an object store, in the user's cache folder; it can be deleted at any time.

        Args:
            text: Words that all have to be in the prompt, the description, the tags or the names of file and character.
            character: Only those of this character.
            verdict: Only those with this verdict; `unchecked` are those whose face was not compared.
            since: Only those that were made at this time or later; a time with a zone.
            tag: Only those with this tag: its name, or `name=value`.
            limit: How many at most; None for all.
            refresh: Whether to look first for what has changed. Other machines' changes to an object store are seen
                within five minutes.

        Raises:
            InputError: An argument is invalid.
            CharacterNotFoundError: There is no such character.
            LibraryError: The library cannot be read.
        """
        slug = None if character is None else self._slug(character)
        found = self._index.search(
            text, character=slug, verdict=verdict, since=since, tag=tag, limit=limit, refresh=refresh
        )
        return tuple(found)

    def rebuild_index(self) -> None:
        """Make the index of `search` anew from the files.

        Raises:
            LibraryError: The library cannot be read.
        """
        self._index.rebuild()

    def stale(self, character: str | Character) -> tuple[GalleryImage, ...]:
        """Return the images that were made from an ID photo that was replaced since, the newest first.

        Args:
            character: The character, or its name.

        Raises:
            CharacterNotFoundError: There is no such character.
            LibraryError: The library cannot be read.
        """
        owner = self.get(character)
        anchor = owner.anchor.sha256 if owner.anchor is not None else None
        return tuple(_gallery.stale(self.gallery(owner), anchor))

    def lineage(self, shot: Known) -> Lineage:
        """Return what an image was made from and what was made from it, as a tree; `str` draws it.

        Args:
            shot: The image of a gallery, the response that it came from, or its path.

        Raises:
            LibraryError: The library has no such image, or cannot be read.
        """
        image = self._known_image(shot)
        sources = sources_of(self.store, self.get(image.character))
        return _lineage.lineage(image, self._index.images(), [source for source, _ in sources])

    def reproduce(self, shot: Known | Sidecar) -> Reproduction:
        """Return the call that makes an image again; sending it is billed anew.

        Args:
            shot: The image of a gallery, the response that it came from, its path, or the facts about it.

        Raises:
            LibraryError: The library has no such image, or an image that it was made from cannot be read.
        """
        sidecar = shot if isinstance(shot, Sidecar) else self._facts(self._known_image(shot))
        used = {each.character for each in sidecar.references.values() if each.character is not None}
        there = [each for each in self.list() if each.slug in used]
        found = chain.from_iterable(sources_of(self.store, self.get(each)) for each in there)
        sources = {key: path for source, path in found for key in source.keys}
        return _reproduction.reproduce(
            sidecar, _reproduction.at_hand(self.store, sidecar, self._index.images(), sources)
        )

    def _facts(self, image: GalleryImage) -> Sidecar:
        sidecar = _gallery.sidecar_beside(self.store, image.path)
        if sidecar is None:
            raise LibraryError(
                f"There are no facts about the image '{image.path}' beside it: there is no file "
                f"'{image.sidecar_path}' that can be read",
                character=image.character,
                path=image.sidecar_path,
            )
        return sidecar

    def _known_image(self, shot: Known) -> GalleryImage:
        if isinstance(shot, GalleryImage):
            return shot
        if isinstance(shot, str):
            return self.image(shot)
        key = f"request:{shot.request_id}"
        found = next((image for image in self._index.images() if key in image.keys), None)
        if found is None:
            raise LibraryError(f"The library has no image of the request {shot.request_id}; save it first")
        return found

    def _slug(self, character: str | Character) -> str:
        return find(self.store, character).slug

    def _forget_in_index(self, character: Character) -> Iterable[str]:
        return ("Its entries of the search index",) if self._index.forget(character.slug) else ()
