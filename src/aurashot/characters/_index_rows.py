"""What is written into an index: which images of a character are new, changed or gone."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias
from unicodedata import normalize

from aurashot.characters._gallery import pairs, read_image
from aurashot.characters._gallery_image import gallery_folder, microseconds
from aurashot.characters._index_file import transaction

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping, Sequence

    from aurashot.characters._gallery_image import GalleryImage
    from aurashot.characters._store import Store, StoredFile

_AT_ONCE: Final = 16
"""Sidecars that are read at once from a store that is far away."""
Marks: TypeAlias = tuple[int, ...]
"""The size and time of an image and of its sidecar, by which a change is noticed."""


@dataclass(frozen=True, slots=True)
class Scan:
    """What is to be written for one character.

    Attributes:
        character: Its folder name.
        stamp: When its folders were changed last; None if all of it goes.
        changed: New and changed images, each with what its row is recognised by.
        gone: The names of images that are gone.
        is_unchanged: Whether nothing is to be written.
    """

    character: str
    stamp: str | None
    changed: tuple[tuple[GalleryImage, Marks], ...] = ()
    gone: tuple[str, ...] = ()
    is_unchanged: bool = False


def scanned(
    store: Store,
    character: str,
    files: Sequence[StoredFile],
    known: tuple[Mapping[str, Marks], str | None],
    stamp: str,
) -> Scan:
    """Compare the files of a character with its rows, and read the sidecars of those that differ."""
    rows, known_stamp = known
    prefix = gallery_folder(character) + "/"
    found = {image.path.removeprefix(prefix): (image, beside) for image, beside in pairs(files)}
    there = {name: pair for name, pair in found.items() if is_text(name)}
    marks = {name: _marks(image, beside) for name, (image, beside) in there.items()}
    differing = [name for name, mark in marks.items() if rows.get(name) != mark]
    images = _read(store, character, [there[name] for name in differing])
    gone = tuple(rows.keys() - there.keys())
    full_stamp = _with_inner_folders(stamp, [file.path.removeprefix(prefix) for file in files])
    is_unchanged = not differing and not gone and full_stamp == known_stamp
    changed = tuple(zip(images, (marks[name] for name in differing), strict=True))
    return Scan(character, full_stamp, changed, gone, is_unchanged=is_unchanged)


def _with_inner_folders(stamp: str, names: Iterable[str]) -> str:
    """Return a stamp if it says something about all folders with images; else an empty one, so that they are read."""
    inner = sorted({name.rpartition("/")[0] for name in names if "/" in name})
    parents = {"/".join(folder.split("/")[:depth]) for folder in inner for depth in range(1, folder.count("/") + 2)}
    stamped = {line.rpartition(" ")[0] for line in stamp.splitlines()}
    if not stamp or parents <= stamped:
        return stamp
    return "\n".join([stamp.splitlines()[0], *(f"{folder} 0" for folder in sorted(parents))])


def _read(store: Store, character: str, found: Sequence[tuple[StoredFile, StoredFile | None]]) -> list[GalleryImage]:
    if len(found) < 2 or store.local(found[0][0].path) is not None:
        return [read_image(store, character, image, beside) for image, beside in found]
    files, sidecars = [image for image, _ in found], [beside for _, beside in found]
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        return list(threads.map(partial(read_image, store, character), files, sidecars))


def _marks(image: StoredFile, beside: StoredFile | None) -> Marks:
    if beside is None:
        return image.size, microseconds(image.modified), -1, 0
    return image.size, microseconds(image.modified), beside.size, microseconds(beside.modified)


def write(connection: sqlite3.Connection, scans: Iterable[Scan], *, listed_at: float | None = None) -> None:
    """Write what was found about some characters, all of it or nothing."""
    with transaction(connection):
        for scan in scans:
            _write_scan(connection, scan)
        if listed_at is not None:
            connection.execute("INSERT OR REPLACE INTO notes VALUES ('listed_at', ?)", [listed_at])


def _write_scan(connection: sqlite3.Connection, scan: Scan) -> None:
    character = scan.character
    if scan.stamp is None:
        _remove(connection, "character = ?", [character])
        connection.execute("DELETE FROM folders WHERE character = ?", [character])
        return
    for name in scan.gone:
        _remove(connection, "character = ? AND name = ?", [character, name])
    for image, marks in scan.changed:
        name = image.row[1]
        _remove(connection, "character = ? AND name = ?", [character, name])
        tags = json.dumps(dict(image.tags), ensure_ascii=False) if image.tags else ""
        cursor = connection.execute(_INSERT, [*image.row, tags, *marks])
        text = [cursor.lastrowid, image.row[2], _searched(image, name)]
        connection.execute("INSERT INTO texts VALUES (?, ?, ?)", text)
    connection.execute("INSERT OR REPLACE INTO folders VALUES (?, ?)", [character, scan.stamp])


def _remove(connection: sqlite3.Connection, which: str, values: Sequence[str]) -> None:
    rows = f"SELECT id FROM images WHERE {which}"  # noqa: S608 - one of two constants
    connection.execute(f"DELETE FROM texts WHERE id IN ({rows})", values)  # noqa: S608 - as above
    connection.execute(f"DELETE FROM images WHERE {which}", values)  # noqa: S608 - as above


_INSERT: Final = f"INSERT INTO images VALUES (NULL, {', '.join('?' * 10)})"  # noqa: S608 - placeholders


def _searched(image: GalleryImage, name: str) -> str:
    tags = " ".join(word for pair in image.tags.items() for word in pair)
    return folded("\n".join(filter(None, (image.character, name, image.prompt, image.description, tags))))


def folded(text: str) -> str:
    """Return a text in the form in which it is searched: case and the width of letters do not count."""
    return normalize("NFKC", text).casefold()


def is_text(name: str) -> bool:
    """Whether a file name is text; on Linux it can be any bytes, and SQLite holds none that are no text."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
