"""The files that tools may read: below the allowed folders, also where a path has links in it."""

from __future__ import annotations

import os
import stat
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import quote, unquote, urlsplit

from aurashot._atomic import path_fault
from aurashot._reasons import reason_of
from aurashot.errors import ConfigurationError, InputError, InvalidImageError

if TYPE_CHECKING:
    from collections.abc import Sequence

IMAGE_URI: Final = "aurashot://images/"
"""How the URIs of images in the server's folder begin; the path in the folder follows."""
IMAGES: Final = "images"
"""The folder of images that belong to no character."""
MAX_BYTES: Final = 100 * 1024 * 1024
"""The largest file that is read."""
_FOLDER: Final = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)
_FILE: Final = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
"""Opening a named pipe would wait for its writer."""
_BY_DESCRIPTOR: Final = os.open in os.supports_dir_fd


class FoundFile(NamedTuple):
    """A file that was read.

    Attributes:
        path: Where it is, without links.
        content: Its bytes.
    """

    path: Path
    content: bytes


class Files:
    """The folders that tools may read images from.

    Args:
        folder: Where the server writes; a relative path that is nowhere else is looked for here, too.
        roots: The other folders. Relative paths begin in the first one.

    Raises:
        ConfigurationError: A folder is not there, or is the root of the file system.
    """

    def __init__(self, folder: Path, roots: Sequence[Path]) -> None:
        self.folder: Path = _real(folder, "folder")
        self._roots = [*(_real(root, "roots") for root in roots or (Path(),)), self.folder]

    def read(self, argument: str, given: str) -> bytes:
        """Return the bytes of a file; as for `find`."""
        return self.find(argument, given).content

    def find(self, argument: str, given: str) -> FoundFile:
        """Read a file.

        Args:
            argument: The name of the tool's argument, for messages.
            given: A path, a `file:` URI, or the URI of an image that this server has made.

        Raises:
            InputError: It is not below one of the folders.
            InvalidImageError: There is no such file, or it cannot be read.
        """
        path = self._located(argument, given)
        try:
            return self._content(argument, path)
        except OSError as error:
            message = f"{argument}: '{given}' cannot be read ({reason_of(error)}); pass the path of an image"
            raise InvalidImageError(message, argument=argument) from None

    def path(self, relative: str) -> Path:
        """Return where a file of the server's folder is."""
        return self.folder / relative

    def relative(self, path: Path) -> str | None:
        """Return the path of a file relative to the server's folder; None if it is not in it."""
        return path.relative_to(self.folder).as_posix() if path.is_relative_to(self.folder) else None

    def _located(self, argument: str, given: str) -> Path:
        text = _path_of(given)
        if fault := path_fault(text):
            raise InvalidImageError(f"{argument}: {fault}; pass the path of an image", argument=argument)
        path = Path(os.path.expanduser(text))  # noqa: PTH111  # Path raises for unknown users
        candidates = [root / path for root in self._roots]
        if given.startswith(IMAGE_URI):
            candidates = candidates[-1:]
        inside = [each for each in candidates if self._allows(Path(os.path.normpath(each)))]
        return next(filter(_is_there, inside), inside[0] if inside else candidates[0])

    def _content(self, argument: str, path: Path) -> FoundFile:
        """Read a file without following any link once its place is known and allowed."""
        lexical = Path(os.path.normpath(path))
        real = Path(os.path.realpath(path, strict=True)) if self._allows(lexical) else lexical
        root = next((root for root in self._roots if real.is_relative_to(root)), None)
        if root is None:
            allowed = ", ".join(f"'{each}'" for each in dict.fromkeys(self._roots))
            raise InputError(
                f"{argument}: the path leads out of the folders that this server may read ({allowed}); pass a file "
                "below them, or ask the user to start the server with --root FOLDER",
                argument=argument,
            )
        content = _read_below(root, real.relative_to(root).parts)
        if len(content) > MAX_BYTES:
            limit = f"{argument}: the file is larger than {MAX_BYTES:,} bytes; pass a smaller image"
            raise InvalidImageError(limit, argument=argument)
        return FoundFile(real, content)

    def _allows(self, path: Path) -> bool:
        return any(path.is_relative_to(root) for root in self._roots)


def uri_of(relative: str) -> str:
    """Return the URI of an image in the server's folder."""
    return IMAGE_URI + quote(relative)


def _path_of(given: str) -> str:
    """Return the path that a text stands for."""
    if given.startswith(IMAGE_URI):
        return unquote(given.removeprefix(IMAGE_URI))
    if given.startswith("file://"):
        return unquote(urlsplit(given).path)
    return given


def _is_there(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _real(folder: Path, name: str) -> Path:
    try:
        real = Path(os.path.realpath(folder, strict=True))
    except OSError as error:
        raise ConfigurationError(
            f"{name}: '{folder}' cannot be used ({reason_of(error)}); pass a folder that exists"
        ) from None
    if real == Path(real.anchor) or not real.is_dir():
        what = "is not a folder" if real != Path(real.anchor) else "is the root of the file system"
        raise ConfigurationError(f"{name}: '{real}' {what}; name the folder that tools may use")
    return real


def _read_below(root: Path, names: Sequence[str]) -> bytes:
    """Read a file below a folder, opened name by name, so that no link that is put there meanwhile is followed."""
    if not names:
        raise IsADirectoryError("it is not a file")
    with ExitStack() as opened:
        above: int | None = None
        if _BY_DESCRIPTOR:
            for name in (str(root), *names[:-1]):
                above = os.open(name, _FOLDER, dir_fd=above)
                opened.callback(os.close, above)
        descriptor = os.open(root.joinpath(*names) if above is None else names[-1], _FILE, dir_fd=above)
        opened.callback(os.close, descriptor)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise IsADirectoryError("it is not a file")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(MAX_BYTES + 1)
