"""Characters as images: their bytes are in a library, and the service may have them at a URL that expires."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from aurashot.images._input import LocalImage


class StoredFace(Protocol):
    """A `Character`: an image in a library, which the service may have at a URL, too."""

    @property
    def slug(self) -> str:
        """What it is called in its library."""
        ...

    @property
    def reference_sha256(self) -> str | None:
        """The digest of the image, as far as it is known."""
        ...

    def live_url(self) -> str | None:
        """Return where the service has the image; None if it has not, or if the URL has expired."""
        ...

    def read_reference(self) -> bytes:
        """Return the bytes of the image, from the library."""
        ...


class StoredURL(str):
    """A URL that may have expired, and the image itself, to be uploaded if the service refuses the URL."""

    __slots__ = ("local",)

    local: LocalImage


class StoredFile:
    """A character's image as a file that is read from its library when its bytes are needed."""

    def __init__(self, character: StoredFace) -> None:
        self._character = character
        self._content: io.BytesIO | None = None

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes."""
        if self._content is None:
            self._content = io.BytesIO(self._character.read_reference())
        return self._content.read(size)
