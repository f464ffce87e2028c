"""The images that the sandbox stores: files in a temporary folder, named by the digest of their content."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal, TypeAlias

MediaType: TypeAlias = Literal["image/jpeg", "image/png", "image/webp", "image/gif"]

_SUFFIXES: dict[MediaType, str] = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/webp": ".webp",
    "image/gif": ".gif",
}
_MEDIA_TYPES: dict[str, MediaType] = {suffix: media_type for media_type, suffix in _SUFFIXES.items()}
_MAGIC: tuple[tuple[re.Pattern[bytes], MediaType], ...] = (
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"RIFF.{4}WEBP", re.DOTALL), "image/webp"),
    (re.compile(rb"GIF8[79]a"), "image/gif"),
)
_NAME = re.compile(r"([0-9a-f]{32})(\.[a-z]{3,4})")
_CHUNK = 1024 * 1024


def media_type_of(head: bytes) -> MediaType | None:
    """Return the media type that the first twelve bytes of a file show, None if the service does not accept it."""
    return next((media_type for magic, media_type in _MAGIC if magic.match(head)), None)


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One image on disk; it never changes, so its name can be its entity tag."""

    name: str
    path: Path
    media_type: MediaType

    @property
    def etag(self) -> str:
        """The strong entity tag, quoted as HTTP wants it."""
        return f'"{self.path.stem}"'


class FileStore:
    """A temporary folder of immutable images, removed by `close` or with the object."""

    def __init__(self) -> None:
        self.folder: Path = Path(tempfile.mkdtemp(prefix="aurashot-sandbox-"))
        self._remove = weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)

    def add(self, source: IO[bytes]) -> StoredFile:
        """Store the content of a binary file, from its current position.

        Raises:
            ValueError: Its first bytes are not those of a JPEG, PNG, WebP or GIF.
        """
        digest = hashlib.sha256()
        with tempfile.NamedTemporaryFile(dir=self.folder, prefix="part-", delete=False) as target:
            head = chunk = source.read(_CHUNK)
            while chunk:
                digest.update(chunk)
                target.write(chunk)
                chunk = source.read(_CHUNK)
        media_type = media_type_of(head[:12])
        if media_type is None:
            Path(target.name).unlink()
            raise ValueError("it is not a JPEG, PNG, WebP or GIF image")
        name = digest.hexdigest()[:32] + _SUFFIXES[media_type]
        # Replacing is atomic, so a file that is being served stays intact when the same bytes are stored again.
        os.replace(target.name, self.folder / name)  # noqa: PTH105 - the target is a name, not a Path
        return StoredFile(name, self.folder / name, media_type)

    def find(self, name: str) -> StoredFile | None:
        """Return a file by the name that `add` gave it."""
        match = _NAME.fullmatch(name)
        path = self.folder / name
        if match is None or not path.is_file():
            return None
        return StoredFile(name, path, _MEDIA_TYPES[match[2]])

    def close(self) -> None:
        """Remove the folder and everything in it."""
        self._remove()
