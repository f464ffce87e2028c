"""One character as a zip file, to be moved to another library.

A zip file may come from anybody: its names are checked before anything is read, and its sizes while it is unpacked.
"""

from __future__ import annotations

import os
import stat
import zipfile
import zlib
from contextlib import closing, contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO, Final

from aurashot._reasons import reason_of
from aurashot.characters._character import StoredImage
from aurashot.characters._layout import PROFILE, character_from
from aurashot.characters._names import escape_fault, name_key
from aurashot.errors import InputError, LibraryError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator
    from datetime import datetime

    from aurashot.characters._character import Character
    from aurashot.characters._layout import Document

MAX_FILES: Final = 20_000
MAX_BYTES: Final = 4 * 1024**3
"""The most that is unpacked: 4 GiB."""
_PIECE: Final = 1 << 20
_LONGEST: Final = 255
"""Bytes of a file's name."""
_DEEPEST: Final = 32
"""Folders within one another; no path is longer than systems allow."""
_EARLIEST: Final = 1980
_LATEST: Final = 2107
"""The years that zip files can hold."""
_PACKED: Final = (".json", ".txt", ".md")
"""Files that become smaller when they are compressed; images do not."""
_NO_FILES: Final = ("__MACOSX/", "Thumbs.db", ".DS_Store")
"""What file managers put into zip files."""


def write_zip(target: BinaryIO, slug: str, files: Iterable[tuple[str, datetime, bytes]]) -> None:
    """Write the files of a character into a zip file.

    Args:
        target: The open file.
        slug: The name of the one folder in it.
        files: The path of each file within that folder, when it was modified, and its content.
    """
    with zipfile.ZipFile(target, "w") as archive:
        for path, modified, content in files:
            member = zipfile.ZipInfo(f"{slug}/{path}", _when(modified))
            member.external_attr = 0o644 << 16
            member.compress_type = zipfile.ZIP_DEFLATED if path.endswith(_PACKED) else zipfile.ZIP_STORED
            archive.writestr(member, content)


def _when(moment: datetime) -> tuple[int, int, int, int, int, int]:
    if not _EARLIEST <= moment.year <= _LATEST:
        return (_EARLIEST, 1, 1, 0, 0, 0)
    return (moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second)


class CharacterZip:
    """A zip file with one character in it.

    Args:
        source: The open file.
        label: What it is called in messages.
        max_bytes: The most that may be unpacked from it.

    Attributes:
        slug: The name of the one folder in it.

    Raises:
        InputError: It is no zip file, is encrypted, or has something else in it than the folder of one character.
    """

    def __init__(self, source: BinaryIO, label: str, *, max_bytes: int = MAX_BYTES) -> None:
        self._label = label
        self._left = max_bytes
        self._max_bytes = max_bytes
        try:
            self._archive = zipfile.ZipFile(source)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            raise self._error(f"it is no zip file that can be read ({reason_of(error)})") from error
        self._members, self.slug = self._checked(list(filter(_is_wanted, self._archive.infolist())))

    def _error(self, fault: str) -> InputError:
        return InputError(f"{self._label} cannot be imported: {fault}", argument="source")

    def _checked(self, members: list[zipfile.ZipInfo]) -> tuple[dict[str, zipfile.ZipInfo], str]:
        """Return the files by their paths within the folder, and the name of the folder."""
        if len(members) > MAX_FILES:
            raise self._error(f"it has more than {MAX_FILES:,} files in it")
        if sum(each.file_size for each in members) > self._max_bytes:
            raise self._too_large()
        for member in members:
            if fault := _fault(member):
                raise self._error(f"{member.filename[:100]!r} in it {fault}")
        tops = {each.filename.partition("/")[0] for each in members}
        paths = {each.filename.partition("/")[2]: each for each in members}
        if len(tops) != 1 or PROFILE not in paths:
            raise self._error(f"it must have one folder in it, with the file {PROFILE}")
        if len(set(map(name_key, paths))) < len(members):
            raise self._error("it has several files in it whose names differ in case only, or not at all")
        folders = {name_key(str(each)) for path in paths for each in PurePosixPath(path).parents}
        if clash := next((path for path in paths if name_key(path) in folders), None):
            raise self._error(f"{clash[:100]!r} in it is a file and a folder")
        return paths, tops.pop()

    def _too_large(self) -> InputError:
        return self._error(f"it has more than {self._max_bytes:,} bytes in it; raise max_bytes if you trust it")

    def read(self, path: str) -> bytes:
        """Return the content of a file.

        Raises:
            InputError: It is broken, or more was unpacked by now than is allowed.
        """
        pieces: list[bytes] = []
        try:
            with self._archive.open(self._members[path]) as file:
                while piece := file.read(_PIECE):
                    self._left -= len(piece)
                    if self._left < 0:
                        raise self._too_large()
                    pieces.append(piece)
        except (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, NotImplementedError) as error:
            raise self._error(f"{path[:100]!r} in it is broken ({reason_of(error)})") from error
        return b"".join(pieces)

    def images(self) -> Iterator[tuple[str, bytes]]:
        """Return each file but `profile/character.json`, one after the other."""
        for path in self._members:
            if path != PROFILE:
                yield path, self.read(path)

    def has(self, path: str) -> bool:
        """Whether there is a file at a path."""
        return path in self._members

    def close(self) -> None:
        """Close it, but not the file that it was opened with."""
        self._archive.close()


@contextmanager
def opened(source: str | os.PathLike[str] | BinaryIO, max_bytes: int) -> Generator[CharacterZip]:
    """Open a zip file with a character in it.

    Raises:
        InputError: It is no such file.
        LibraryError: It cannot be read.
    """
    if not isinstance(source, str | os.PathLike):
        with closing(CharacterZip(source, "The zip file", max_bytes=max_bytes)) as archive:
            yield archive
        return
    path = Path(source)
    try:
        file = path.open("rb")
    except OSError as error:
        raise LibraryError(f"The zip file '{path}' cannot be read: {reason_of(error)}", path=str(path)) from error
    with file, closing(CharacterZip(file, f"The zip file '{path}'", max_bytes=max_bytes)) as archive:
        yield archive


def imported(document: Document, slug: str, archive: CharacterZip) -> Character:
    """Return the character in a zip file, with the digests of its images.

    Raises:
        LibraryError: Its `character.json` is broken.
        InputError: An image in it is broken.
    """
    character = character_from(document, slug)
    images = {
        which: StoredImage.of(image.path, archive.read(image.path))
        for which, image in (("face", character.face), ("anchor", character.anchor))
        if image is not None and archive.has(image.path)
    }
    return character.model_copy(update=images)


def _is_wanted(member: zipfile.ZipInfo) -> bool:
    name = member.filename
    return not (member.is_dir() or name.startswith(_NO_FILES[0]) or name.endswith(_NO_FILES[1:]))


def _fault(member: zipfile.ZipInfo) -> str | None:
    """Return why a file is not unpacked, or None if it is."""
    parts = member.filename.split("/")
    if len(parts) < 2:
        return "is in no folder"
    if len(parts) > _DEEPEST:
        return f"is in more than {_DEEPEST} folders"
    if any(_part_fault(part) for part in parts):
        return "has a name that could lead out of its folder, or that is hidden"
    mode = member.external_attr >> 16
    if stat.S_IFMT(mode) not in {0, stat.S_IFREG}:
        return "is no file, but a link or a device"
    return "is encrypted" if member.flag_bits & 1 else None


def _part_fault(part: str) -> bool:
    is_long = len(part.encode("utf-8", "surrogatepass")) > _LONGEST
    return escape_fault(part) is not None or part.startswith(".") or is_long or ":" in part
