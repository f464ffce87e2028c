"""What a library in a folder of this machine does with folders as a whole."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from aurashot._folder import Folder
from aurashot.characters._store import StoredFile, checked_path, lock_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_IS_THERE: Final = {errno.EEXIST, errno.ENOTEMPTY}
_PIECE: Final = 1 << 20
_EPOCH: Final = datetime.fromtimestamp(0, UTC)


def content_of(descriptor: int) -> bytes:
    """Return the content of an open file, if it is a regular one."""
    state = os.fstat(descriptor)
    if not stat.S_ISREG(state.st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file")
    content = os.read(descriptor, state.st_size + 1)
    if len(content) == state.st_size:
        return content
    pieces = [content]  # it grows, or is larger than one call can read
    while piece := os.read(descriptor, _PIECE):
        pieces.append(piece)
    return b"".join(pieces)


def walk(place: str, path: str, *, hidden: bool) -> Iterator[StoredFile]:
    """Return the files below a folder, sorted; links to folders are not followed."""
    try:
        entries = sorted(os.scandir(place), key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        if entry.name.startswith(".") and not hidden:
            continue
        inner = f"{path}/{entry.name}"
        if entry.is_dir(follow_symlinks=False):
            yield from walk(entry.path, inner, hidden=hidden)
        elif (found := _file(entry, inner)) is not None:
            yield found


def _file(entry: os.DirEntry[str], path: str) -> StoredFile | None:
    try:
        state = entry.stat()
    except OSError:  # removed meanwhile, or a link to nowhere
        return None
    if not stat.S_ISREG(state.st_mode):
        return None
    return StoredFile(path, state.st_size, _moment(state.st_mtime))


def _moment(seconds: float) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OSError, OverflowError, ValueError):  # file systems can hold years that Python cannot
        return _EPOCH


def folder_names(place: str) -> list[str]:
    """Return the names of the folders in a folder, sorted, without hidden ones."""
    try:
        entries = os.scandir(place)
    except (FileNotFoundError, NotADirectoryError):
        return []
    with entries:
        return sorted(entry.name for entry in entries if not entry.name.startswith(".") and entry.is_dir())


def names_in(place: str) -> list[str]:
    """Return the names of all that is in a folder; none if it is not there."""
    try:
        return os.listdir(place)  # noqa: PTH208  # names, not paths
    except FileNotFoundError:
        return []


def build(folder: Path, files: Iterable[tuple[str, bytes]]) -> None:
    """Write a new folder, and wait until all of it is on the disk."""
    folder.mkdir()
    made = [folder]
    for relative, content in files:
        place = folder / checked_path(relative)
        for above in reversed(place.relative_to(folder).parents[:-1]):
            if not (folder / above).is_dir():
                (folder / above).mkdir()
                made.append(folder / above)
        with place.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    for each in made:
        sync(each)


def rename_folder(source: Path, target: Path) -> None:
    """Rename a folder, and wait until the disk knows its new name."""
    try:
        os.rename(source, target)  # noqa: PTH104  # one call of the system, and no more
    except OSError as error:
        if error.errno in _IS_THERE:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from error
        raise
    sync(target.parent)


def is_same(source: Path, target: Path) -> bool:
    """Whether two names are one for the file system: only the case or the composition of the letters differs."""
    try:
        return source.samefile(target) and lock_name(source.name) == lock_name(target.name)
    except OSError:
        return False


def remove_tree(place: Path, path: str) -> list[str]:
    """Remove a folder, and return the files that were in it as if it still had the path that it was removed from."""
    files = [path + entry[len(str(place)) :].replace(os.sep, "/") for entry in _everything(str(place))]
    shutil.rmtree(place)
    return files


def _everything(place: str) -> Iterator[str]:
    with os.scandir(place) as entries:
        for entry in sorted(entries, key=lambda each: each.name):
            if entry.is_dir(follow_symlinks=False):
                yield from _everything(entry.path)
            else:
                yield entry.path


def sync(place: Path) -> None:
    """Wait until the names in a folder are on the disk."""
    folder = Folder(place)
    try:
        folder.sync()
    finally:
        folder.close()
