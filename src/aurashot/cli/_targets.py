"""Where the images of a command are saved: a file, a folder, or the gallery of a character."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from aurashot import _atomic
from aurashot.errors import InputError

if TYPE_CHECKING:
    from aurashot import AuraShot, Generation, Output, Upload, WorkflowJob
    from aurashot.characters import Character


@dataclass(frozen=True, slots=True)
class Target:
    """Where images are saved.

    Attributes:
        path: A file, or a folder; None for the gallery alone.
        is_folder: Whether files in it are named by the client.
        character: Whose gallery they are saved in as well.
    """

    path: Path | None
    is_folder: bool = True
    character: Character | None = None

    def save(self, client: AuraShot, image: Generation | WorkflowJob | Output | Upload | str, number: int = 1) -> str:
        """Download an image, and return the path of its file.

        Args:
            client: What downloads it.
            image: The image.
            number: Which image of the command it is, from 1; the second one of a file is called `name-2`.

        Raises:
            DownloadError: It could not be downloaded or stored.
            LibraryError: The library cannot be written.
        """
        filed = ""
        if self.character is not None:
            shot = client.download(image, self.character)
            library = self.character.library
            local = library.path(shot) if library else None
            filed = str(local or shot.path)
        if self.path is None:
            return filed
        to = f"{self.path}{os.sep}" if self.is_folder else numbered(self.path, number)
        saved = client.download(image, to)
        return filed or str(saved)

    def beside(self, stem: str) -> Path:
        """Return the path of a file that is kept where images are saved."""
        folder = Path() if self.path is None else self.path if self.is_folder else self.path.parent
        return folder / stem


def target_of(out: str | None, *, count: int = 1, force: bool = False, character: Character | None = None) -> Target:
    """Return where images are saved: `--out` is a folder if it is one, ends in a separator, or has no extension.

    Raises:
        InputError: It cannot be a file or folder, or the file exists.
    """
    if out is None:
        return Target(None if character else Path(), character=character)
    if fault := _atomic.path_fault(out):
        raise InputError(f"--out: {fault}; pass a file or a folder", argument="out")
    path = Path(out).expanduser()
    if path.is_dir() or out.endswith(os.sep) or not path.suffix:
        if path.exists() and not path.is_dir():
            raise InputError(f"--out: '{path}' is a file; pass a folder, or a name with an extension", argument="out")
        return Target(path, character=character)
    taken = [each for number in range(1, count + 1) if (each := numbered(path, number)).exists()]
    if taken and not force:
        raise InputError(f"--out: '{taken[0]}' exists; choose another name, or add --force", argument="out")
    return Target(path, is_folder=False, character=character)


def numbered(path: Path, number: int) -> Path:
    """Return the path of one of several images: `cafe.png`, then `cafe-2.png`."""
    return path if number == 1 else path.with_name(f"{path.stem}-{number}{path.suffix}")
