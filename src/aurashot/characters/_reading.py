"""What a library offers to those who only read it."""

from __future__ import annotations

import gc
import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, cast

from aurashot.characters._character import Character
from aurashot.characters._layout import profile_of
from aurashot.characters._names import AVATARS, name_key
from aurashot.characters._opening import open_store
from aurashot.characters._profiles import Profile, faults, find, loaded
from aurashot.characters._store import about
from aurashot.errors import LibraryError

if TYPE_CHECKING:
    import os
    from collections.abc import Generator, Mapping

    from aurashot.characters._library import CharacterLibrary
    from aurashot.characters._store import Store

_AT_ONCE: Final = 16
"""Profiles that are fetched from an object store at the same time."""

logger: Final = logging.getLogger("aurashot")


@contextmanager
def _no_collection() -> Generator[None]:
    """Keep the garbage collector from looking at thousands of new characters again and again, none of which can go.

    It takes an eighth of the time of a list.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class ReadableLibrary:
    """The part of a library that changes nothing."""

    def __init__(
        self,
        root: str | os.PathLike[str] | Store,
        *,
        require_consent: bool = False,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self.store: Store = open_store(root, options)
        self.require_consent: bool = require_consent

    def __repr__(self) -> str:
        """Say where it is."""
        return f"{type(self).__name__}({self.store!r})"

    def get(self, name: str | Character) -> Character:
        """Load a character by its name, or once more. Case and composition of the letters do not count.

        A URL of an image is dropped if the image's file was replaced by another tool.

        Raises:
            InputError: The name cannot be that of a character.
            CharacterNotFoundError: There is none of that name.
            LibraryError: Its `character.json` is broken, or a file cannot be read.
        """
        return self._own(loaded(self.store, find(self.store, name), examine=True))

    def _own(self, character: Character) -> Character:
        """Tell a character that it is one of this library."""
        return character.attach(self.store, cast("CharacterLibrary", self))

    def list(self) -> tuple[Character, ...]:
        """Load all characters, sorted by the names of their folders, without looking at their images.

        Folders that are broken or no characters are left out; `check` says what is wrong with them.

        Raises:
            LibraryError: The library cannot be read.
        """
        slugs = self.store.folders(AVATARS)
        if self.store.local(AVATARS) is not None:
            with _no_collection():
                return tuple(filter(None, map(self._listed, slugs)))
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            return tuple(filter(None, threads.map(self._listed, slugs)))

    def _listed(self, slug: str) -> Character | None:
        try:
            profile = Profile(slug, self.store.read(profile_of(slug)))
            return loaded(self.store, profile, examine=False, library=cast("CharacterLibrary", self))
        except FileNotFoundError:
            return None
        except LibraryError as error:
            logger.warning("A character is left out of the list: %s", error)
            return None

    def check(self) -> tuple[LibraryError, ...]:
        """Return what is wrong with the library: broken profiles, and images that are missing or were replaced.

        All images of all profiles are read.

        Raises:
            LibraryError: The library cannot be read.
        """
        return tuple(chain.from_iterable(faults(self.store, slug) for slug in self.store.folders(AVATARS)))

    @contextmanager
    def locked(self, character: str | Character) -> Generator[Profile]:
        """Keep others from changing, renaming or removing a character while a block runs.

        Raises:
            CharacterNotFoundError: There is none, or another one has the name by now.
            LibraryError: Another process has it, and does not let go.
        """
        name = character.slug if isinstance(character, Character) else character
        with about(name), self.store.lock(name_key(name)):
            yield find(self.store, character)
