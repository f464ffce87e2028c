"""Libraries of characters, as options name them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aurashot import _atomic
from aurashot.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from aurashot.characters import CharacterLibrary


def opened(place: str, *, require_consent: bool = False) -> CharacterLibrary:
    """Return the library at a place: a folder, or the address of an object store.

    Raises:
        ConfigurationError: It is neither.
        LibraryError: It is a file.
    """
    from aurashot.characters import CharacterLibrary

    return CharacterLibrary(place, require_consent=require_consent)


def place_of(library: CharacterLibrary) -> str:
    """Return where the characters of a library are, for messages."""
    return str(library.store.local("avatars") or repr(library.store))


def free_path(path: Path, slug: str, *, force: bool) -> Path:
    """Return where a character is exported to.

    Args:
        path: A file, or a folder for a file that is named after the character.
        slug: The name of the character's folder.
        force: Whether an earlier file is replaced.

    Raises:
        InputError: There is a file, or it cannot be the path of one.
    """
    if fault := _atomic.path_fault(str(path)):
        raise InputError(f"FILE: {fault}; pass a file or a folder", argument="FILE")
    target = path / f"{slug}.zip" if path.is_dir() else path
    if target.exists() and not force:
        raise InputError(f"FILE: '{target}' exists; choose another one, or add --force", argument="FILE")
    return target
