"""Where the result of a call was saved."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from aurashot._card import Card

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class _Stamp(NamedTuple):
    """What tells a file from the one that was there before or after it."""

    inode: int
    size: int
    modified: int


class SavedImage:
    """Where a result of this process was saved.

    It takes no part in comparisons, and is not pickled: a file of this machine says nothing to another.

    Args:
        path: The file.
    """

    __slots__ = ("_path", "_stamp")

    def __init__(self, path: Path) -> None:
        self._path = path.absolute()
        self._stamp = _stamp_of(self._path)

    @property
    def name(self) -> str:
        """The name of the file."""
        return self._path.name

    def read(self) -> bytes | None:
        """Return the file as it was saved; None if it is gone, or was changed since."""
        if self._stamp is None or self._stamp != _stamp_of(self._path):
            return None
        with suppress(OSError):
            return self._path.read_bytes()
        return None

    def card(self, title: str, rows: Iterable[tuple[str, str]], alt: str) -> Card:
        """Return a card with the image from the file."""
        content = self.read()
        if content is None:
            return Card(title, (*rows, ("File", f"{self.name}, which is gone or was changed")))

        from aurashot.images._preview import preview

        return preview(title, (*rows, ("File", self.name)), alt, content)

    def __eq__(self, other: object) -> bool:
        return other is None or isinstance(other, SavedImage)

    def __hash__(self) -> int:
        return hash(None)

    def __deepcopy__(self, _: object) -> SavedImage:
        return self

    def __reduce__(self) -> tuple[type[None], tuple[()]]:
        """Become None elsewhere."""
        return type(None), ()


def _stamp_of(path: Path) -> _Stamp | None:
    with suppress(OSError, ValueError):
        found = path.stat()
        return _Stamp(found.st_ino, found.st_size, found.st_mtime_ns)
    return None
