"""The finished images of a library's characters, for async code."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from anyio import to_thread

from aurashot.characters._saving import is_remote

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from pathlib import Path

    from aurashot import AsyncAuraShot
    from aurashot.characters._character import Character
    from aurashot.characters._gallery import VerdictFilter
    from aurashot.characters._gallery_image import GalleryImage
    from aurashot.characters._gallery_library import Known
    from aurashot.characters._library import CharacterLibrary
    from aurashot.characters._lineage import Lineage
    from aurashot.characters._reproduction import Reproduction
    from aurashot.characters._saving import Shot
    from aurashot.characters._sidecar import Sidecar
    from aurashot.images import ImageInput

P = ParamSpec("P")
T = TypeVar("T")


async def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Wait for a function in a thread. It comes to its end also if its caller is cancelled."""
    return await to_thread.run_sync(partial(function, *args, **kwargs))


class AsyncGalleryLibrary:
    """The part of an async library that keeps finished images."""

    _library: CharacterLibrary

    async def save(
        self,
        character: str | Character,
        shot: Shot,
        *,
        image: ImageInput | None = None,
        client: AsyncAuraShot | None = None,
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
        content = image if image is not None else await _content(shot, client)
        return await in_thread(
            self._library.save,
            character,
            shot,
            image=content,
            name=name,
            description=description,
            tags=tags,
            metadata=metadata,
        )

    async def image(self, path: str) -> GalleryImage:
        """Return the image at a path that is relative to the library's root.

        Raises:
            LibraryError: There is none.
        """
        return await in_thread(self._library.image, path)

    async def read(self, image: GalleryImage) -> bytes:
        """Return the bytes of an image of a gallery; they can be passed wherever an image goes.

        Raises:
            LibraryError: It is not there any more, or cannot be read.
        """
        return await in_thread(self._library.read, image)

    def path(self, image: GalleryImage) -> Path | None:
        """Return where an image of a gallery is on this machine; None in an object store."""
        return self._library.path(image)

    async def gallery(
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
        return await in_thread(self._library.gallery, character, verdict=verdict, since=since, tag=tag)

    async def search(
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
        return await in_thread(
            self._library.search,
            text,
            character=character,
            verdict=verdict,
            since=since,
            tag=tag,
            limit=limit,
            refresh=refresh,
        )

    async def rebuild_index(self) -> None:
        """Make the index of `search` anew from the files.

        Raises:
            LibraryError: The library cannot be read.
        """
        await in_thread(self._library.rebuild_index)

    async def stale(self, character: str | Character) -> tuple[GalleryImage, ...]:
        """Return the images that were made from an ID photo that was replaced since, the newest first.

        Args:
            character: The character, or its name.

        Raises:
            CharacterNotFoundError: There is no such character.
            LibraryError: The library cannot be read.
        """
        return await in_thread(self._library.stale, character)

    async def lineage(self, shot: Known) -> Lineage:
        """Return what an image was made from and what was made from it, as a tree; `str` draws it.

        Args:
            shot: The image of a gallery, the response that it came from, or its path.

        Raises:
            LibraryError: The library has no such image, or cannot be read.
        """
        return await in_thread(self._library.lineage, shot)

    async def reproduce(self, shot: Known | Sidecar) -> Reproduction:
        """Return the call that makes an image again; sending it is billed anew.

        Args:
            shot: The image of a gallery, the response that it came from, its path, or the facts about it.

        Raises:
            LibraryError: The library has no such image, or an image that it was made from cannot be read.
        """
        return await in_thread(self._library.reproduce, shot)


async def _content(shot: Shot, client: AsyncAuraShot | None) -> ImageInput:
    """Return an image, downloaded if that is needed."""
    if not is_remote(shot):
        return shot
    if client is not None:
        return await client.read(shot)

    from aurashot import AsyncAuraShot

    async with AsyncAuraShot() as own:
        return await own.read(shot)
