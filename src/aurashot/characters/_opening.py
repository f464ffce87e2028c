"""From what a user passes as the root of a library to its store."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote, urlsplit

from aurashot._atomic import path_fault
from aurashot.characters._local_store import LocalStore
from aurashot.errors import ConfigurationError, LibraryError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aurashot.characters._store import Store


def open_store(root: str | os.PathLike[str] | Store, options: Mapping[str, Any] | None) -> Store:
    """Return the store that a library is in.

    Raises:
        ConfigurationError: It is neither a path nor an address, or the extra `characters` is missing.
        LibraryError: The root is a file.
    """
    if isinstance(root, str) and "://" in root and not root.startswith("file://"):
        return _object_store(root, options)
    if options:
        raise ConfigurationError("options= is for object stores; leave it out for a library in a folder")
    if not isinstance(root, str | os.PathLike):
        return _checked(root)
    text = os.fsdecode(root)
    path = unquote(urlsplit(text).path) if text.startswith("file://") else text
    if fault := path_fault(path):
        raise ConfigurationError(f"root: {path[:200]!r} cannot be the folder of a library: {fault}")
    folder = Path(path).expanduser().absolute()
    if folder.exists() and not folder.is_dir():
        raise LibraryError(f"'{folder}' is a file, and a library is a folder; pass the folder that has 'avatars' in it")
    return LocalStore(folder)


def _checked(given: object) -> Store:
    if not hasattr(given, "create_folder"):
        raise ConfigurationError(f"root: it must be a folder, an address or a store, not {type(given).__name__}")
    return cast("Store", given)


def _object_store(address: str, options: Mapping[str, Any] | None) -> Store:
    from aurashot.characters._object_store import LOCK_SECONDS, ObjectStore
    from aurashot.characters._objects import Objects

    return ObjectStore(Objects.at(address, options or {}, LOCK_SECONDS / 2))
