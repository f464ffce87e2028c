"""Find images among thousands by what they show, by tag, verdict and character.

The files are the truth, and the index is only faster: it can be deleted at any time, and is made again. Before a
search, the folders that have changed are read again. A folder that was changed within the last two seconds is always
read, as the clocks of file systems tick slowly. In a library of up to 2,000 images and characters every file is looked
at, so that a sidecar which another program has written over in place is noticed as well; in a larger one that is when
something else in its folder changes, or with `refresh(full=True)`. A remote library is listed every five minutes at
most; a search for one character lists its images each time.

Words are found anywhere in a text, in any script, whatever their case: the texts are searched from end to end, which
takes less than 100 ms for 100,000 images and needs no rules for where Chinese words begin.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from aurashot.characters._gallery import check_filters
from aurashot.characters._gallery_image import gallery_folder
from aurashot.characters._index_file import BusyError, IndexFile
from aurashot.characters._index_queries import (
    PAGE,
    Question,
    chosen,
    known,
    listed_at,
    number,
    page,
    plain,
    stamps,
    words_of,
)
from aurashot.characters._index_rows import Scan, is_text, scanned, write
from aurashot.characters._names import AVATARS
from aurashot.characters._sidecar import digest_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator, Mapping, Sequence, Set as AbstractSet
    from datetime import datetime

    from aurashot.characters._gallery import VerdictFilter
    from aurashot.characters._gallery_image import GalleryImage
    from aurashot.characters._index_file import Used
    from aurashot.characters._store import Store, StoredFile

T = TypeVar("T")

_FEW: Final = 2_000
"""Images and characters up to which every file is looked at before a search."""
_SETTLED: Final = 2.0
"""Seconds after which a folder's time of change says that nothing has changed since."""
_FRESH: Final = 300.0
"""Seconds for which the list of a remote library is good."""
_BATCH: Final = 100
"""Characters that are written at once."""
_ATTEMPTS: Final = 3
"""How often a question is asked while other processes make the index anew."""


def index_path(store: Store, address: str) -> Path:
    """Return where the index of a library is: in its root, or for a remote one in the user's cache.

    Args:
        store: The library's store.
        address: What the library was opened with.
    """
    avatars = store.local(AVATARS)
    if avatars is not None:
        return avatars.parent / ".aurashot" / "index.db"
    home = os.path.expanduser("~")  # noqa: PTH111 - Path.home raises where there is none
    cache = os.environ.get("XDG_CACHE_HOME") or f"{home}/.cache"
    return Path(cache) / "aurashot" / "libraries" / digest_of(address.encode())[:32] / "index.db"


class GalleryIndex:
    """An index of all finished images of a library. One object serves any number of threads.

    Args:
        store: The library's store.
        path: The file of the index.
    """

    def __init__(self, store: Store, path: Path) -> None:
        self._store = store
        self._file = IndexFile(path)

    def search(
        self,
        text: str = "",
        *,
        character: str | None = None,
        verdict: VerdictFilter | None = None,
        since: datetime | None = None,
        tag: str | None = None,
        limit: int | None = 100,
        refresh: bool = True,
    ) -> list[GalleryImage]:
        """Return the images that match, the newest first.

        Args:
            text: Words that all have to be in the prompt, the description, the tags or the names of file and character.
            character: Only those of this character, by its folder name.
            verdict: Only those with this verdict; `unchecked` are those whose face was not compared.
            since: Only those that were made at this time or later; a time with a zone.
            tag: Only those with this tag: its name, or `name=value`.
            limit: How many at most; None for all.
            refresh: Whether to look first for what has changed.

        Raises:
            InputError: An argument is invalid.
            LibraryError: The library cannot be read.
        """
        check_filters(verdict, since)
        question = Question(words_of(text), character, verdict, since, tag, limit)
        if limit is not None and limit < 1:
            return []
        return self._asked(partial(chosen, question=question), character, refresh=refresh)

    def images(self, character: str | None = None, *, refresh: bool = True) -> Iterator[GalleryImage]:
        """Yield all images, or those of one character, a page at a time: memory does not grow with their number.

        Raises:
            LibraryError: The library cannot be read.
        """
        last = -1
        while True:
            images, last = self._asked(
                partial(page, character=character, last=last), character, refresh=refresh and last < 0
            )
            yield from images
            if len(images) < PAGE:
                return

    def refresh(self, *, character: str | None = None, full: bool | None = None) -> None:
        """Bring the index up to date with the files.

        Args:
            character: Only that of one character.
            full: Whether to look at every file. By default, that is done where there are few.

        Raises:
            LibraryError: The library cannot be read.
        """
        with suppress(BusyError):  # another process writes the same: what it has not written is found the next time
            self._refresh(character, full=full)

    def note(self, character: str) -> None:
        """Take notice of what was saved for a character, where a search would not see it at once."""
        if self._store.local(AVATARS) is None and self._file.is_there:
            self.refresh(character=character)

    def forget(self, character: str) -> bool:
        """Remove all that the index knows of a character, and return whether there is an index.

        It is overwritten in the file.
        """
        if not self._file.is_there:
            return False
        try:
            self._remove({plain(character)})
        except BusyError:  # all of it goes, and is made again from what is still there
            self._file.discard()
        return True

    def rebuild(self) -> None:
        """Make the index anew from the files.

        Raises:
            LibraryError: The library cannot be read.
        """
        self._file.discard()
        self._file.close()
        self.refresh(full=True)

    def close(self) -> None:
        """Give up what is kept in memory; the file stays."""
        self._file.close()

    def _asked(self, work: Callable[[sqlite3.Connection], T], character: str | None, *, refresh: bool) -> T:
        """Return what the index says; one that was made anew meanwhile, by whatever process, is filled first."""
        for _ in range(_ATTEMPTS):
            made = None
            with suppress(BusyError):
                made = self._refresh(character, full=None) if refresh else None
            used = self._used(work)
            if used is None:
                self._file.discard()
            elif made in {None, used.made}:
                return used.result
        return self._file.use(work).result

    def _used(self, work: Callable[[sqlite3.Connection], T]) -> Used[T] | None:
        """Ask, and wait longer for another process than a refresh does; None if it has not let go."""
        for _ in range(_ATTEMPTS):
            with suppress(BusyError):
                return self._file.use(work)
        return None

    def _refresh(self, character: str | None, *, full: bool | None) -> float:
        """Bring the index up to date, and return which one it is."""
        avatars = self._store.local(AVATARS)
        made = 0.0
        for _ in range(_ATTEMPTS):
            before = self._file.use(stamps)
            if avatars is None:
                self._refresh_remote(before.result, character, full=bool(full))
            else:
                self._refresh_local(before.result, str(avatars), character, full=full)
            made = before.made
            if self._file.use(number).made == made:
                break
        return made

    def _refresh_local(
        self, before: Mapping[str, str], avatars: str, character: str | None, *, full: bool | None
    ) -> None:
        there = [character] if character is not None else list(self._store.folders(AVATARS))
        there = [each for each in there if is_text(each)]
        if full is None:
            full = character is not None or len(there) + self._file.use(number).result <= _FEW
        limit = time.time() - _SETTLED
        now = {each: _stamp(f"{avatars}/{each}/gallery", before.get(each, ""), limit) for each in there}
        changed = [each for each in there if full or not now[each] or before.get(each) != now[each]]
        for batch in _batches(changed):
            self._rescan({each: list(self._store.files(gallery_folder(each))) for each in batch}, now)
        if character is None:
            self._remove(before.keys() - set(there))

    def _refresh_remote(self, before: Mapping[str, str], character: str | None, *, full: bool) -> None:
        """List the files of a remote library, unless that was done a moment ago, by whatever process."""
        if character is not None:
            self._rescan({character: list(self._store.files(gallery_folder(character)))}, {})
            return
        age = time.time() - self._file.use(listed_at).result
        if not full and 0 <= age < _FRESH:
            return
        there: dict[str, list[StoredFile]] = {}
        for file in self._store.files(AVATARS):
            _, name, folder, rest = [*file.path.split("/", 3), "", "", ""][:4]
            if rest and folder == "gallery" and is_text(name):
                there.setdefault(name, []).append(file)
        for batch in _batches(list(there)):
            self._rescan({name: there[name] for name in batch}, {})
        self._remove(before.keys() - there.keys(), listed=time.time())

    def _rescan(self, files: Mapping[str, Sequence[StoredFile]], now: Mapping[str, str]) -> None:
        rows = self._file.use(lambda connection: {each: known(connection, each) for each in files}).result
        scans = [scanned(self._store, each, files[each], rows[each], now.get(each, "")) for each in files]
        pending = [scan for scan in scans if not scan.is_unchanged]
        if pending:
            self._file.use(lambda connection: write(connection, pending))

    def _remove(self, characters: AbstractSet[str], *, listed: float | None = None) -> None:
        gone = [Scan(each, stamp=None) for each in characters]
        if gone or listed is not None:
            self._file.use(lambda connection: write(connection, gone, listed_at=listed))


def _batches(characters: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(characters), _BATCH):
        yield characters[start : start + _BATCH]


def _stamp(folder: str, before: str, limit: float) -> str:
    """Return when a gallery's folders were changed last; empty if that was after the limit, so that it is not sure.

    Folders within it are those that the stamp before names: a new one changes the folder that it is in.
    """
    inner = [line.rpartition(" ")[0] for line in before.splitlines()[1:]] if "\n" in before else []
    lines: list[str] = []
    for name in ("", *inner):
        try:
            changed = os.stat(f"{folder}/{name}").st_mtime_ns  # noqa: PTH116 - for thousands
        except (OSError, ValueError):
            changed = 0
        if changed / 1e9 > limit:
            return ""
        lines.append(f"{name} {changed}")
    return "\n".join(lines)
