"""A plain store of a folder, for tests of what is built on any store."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from aurashot.characters._store import StoredFile

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator


class DiskStore:
    """Files in a folder; it can behave as if they were far away.

    Attributes:
        reads: The paths that were read.
        lists: The folders that were listed.
    """

    def __init__(self, root: Path, *, is_remote: bool = False) -> None:
        self.root = root
        self.is_remote = is_remote
        self.reads: list[str] = []
        self.lists: list[str] = []

    def read(self, path: str) -> bytes:
        """Return the content of a file."""
        self.reads.append(path)
        return (self.root / path).read_bytes()

    def create(self, path: str, content: bytes) -> None:
        """Write a file that is not there."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{os.getpid()}-{os.urandom(4).hex()}.part")
        part.write_bytes(content)
        try:
            os.link(part, target)
        finally:
            part.unlink()

    def replace(self, path: str, content: bytes) -> None:
        """Write a file, in place of an earlier one."""
        self.remove(path)
        self.create(path, content)

    def remove(self, path: str) -> bool:
        """Remove a file."""
        try:
            (self.root / path).unlink()
        except FileNotFoundError:
            return False
        return True

    def files(self, folder: str, *, hidden: bool = False) -> Iterator[StoredFile]:
        """Return the files below a folder."""
        self.lists.append(folder)
        for where, _, names in os.walk(self.root / folder):
            for name in names:
                path = Path(where, name)
                if name.startswith(".") and not hidden:
                    continue
                with suppress(FileNotFoundError):  # it was removed meanwhile
                    state = path.stat()
                    moment = datetime.fromtimestamp(state.st_mtime, UTC)
                    yield StoredFile(path.relative_to(self.root).as_posix(), state.st_size, moment)

    def folders(self, folder: str) -> Iterator[str]:
        """Return the names of the folders in a folder."""
        place = self.root / folder
        yield from sorted(each.name for each in place.iterdir() if each.is_dir()) if place.is_dir() else ()

    @contextmanager
    def lock(self, name: str) -> Generator[None]:
        """Lock nothing: a test has one process, or needs no lock."""
        del name
        yield

    def create_folder(self, path: str, files: Iterable[tuple[str, bytes]]) -> None:
        """Write some files."""
        for name, content in files:
            self.create(f"{path}/{name}", content)

    def rename(self, old: str, new: str) -> None:
        """Rename a folder."""
        (self.root / old).rename(self.root / new)

    def remove_folder(self, path: str) -> list[str]:
        """Remove a folder."""
        paths = [file.path for file in self.files(path)]
        shutil.rmtree(self.root / path)
        return paths

    def sweep(self) -> list[str]:
        """Remove nothing: nothing is left undone."""
        return []

    def local(self, path: str) -> Path | None:
        """Return where a file is."""
        return None if self.is_remote else self.root / path
