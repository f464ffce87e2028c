"""The images that the sandbox stores: files in a temporary folder, named by the digest of their content."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
import tempfile
import threading
import time
import weakref
from contextlib import suppress
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
_PREFIX = "aurashot-sandbox-"
_LOCK = ".lock"
_YOUNG = 60.0
MOST_BYTES = 4 * 1024**3
"""Bytes that the images of a sandbox may take on disk."""


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
    """A temporary folder of immutable images, removed by `close` or with the object.

    Folders of killed sandboxes are removed when the next one starts: nobody holds the lock in them.

    Args:
        most: Bytes that all images may take; beyond that, the oldest are removed.
    """

    def __init__(self, most: int = MOST_BYTES) -> None:
        _sweep()
        self.folder: Path = Path(tempfile.mkdtemp(prefix=_PREFIX))
        self._lock = _locked(self.folder / _LOCK, os.O_CREAT)
        self._most = most
        self._sizes: dict[Path, int] = {}
        self._counting = threading.Lock()
        self._remove = weakref.finalize(self, _remove, self.folder, self._lock)

    def count(self, path: Path) -> None:
        """Count a file that was stored, and remove the oldest ones when there is too much."""
        size = path.stat().st_size
        with self._counting:
            self._sizes.pop(path, None)
            self._sizes[path] = size
            total = sum(self._sizes.values())
            for oldest in list(self._sizes)[:-1]:
                if total <= self._most:
                    return
                total -= self._sizes.pop(oldest)
                oldest.unlink(missing_ok=True)

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
        self.count(self.folder / name)
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


def _locked(path: Path, flags: int = 0) -> int | None:
    """Open and lock a file, and return its descriptor; None if another user owns it or a living process holds the lock.

    Raises:
        OSError: It is a link, or cannot be opened.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        return None
    descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | flags, 0o600)
    state = os.fstat(descriptor)
    if state.st_uid == os.geteuid() and stat.S_ISREG(state.st_mode):
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
    os.close(descriptor)
    return None


def _sweep() -> None:
    """Remove the folders that killed sandboxes of this user have left."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError):
            state = folder.lstat()
            is_own = not hasattr(os, "geteuid") or state.st_uid == os.geteuid()
            is_young = time.time() - state.st_mtime < _YOUNG  # its sandbox may be about to lock it
            if not stat.S_ISDIR(state.st_mode) or not is_own or is_young:
                continue
            descriptor = _locked(folder / _LOCK)
            if descriptor is not None:
                _remove(folder, descriptor)


def _remove(folder: Path, lock: int | None) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    if lock is not None:
        os.close(lock)
