"""Where a downloaded image is stored: complete or not at all."""

from __future__ import annotations

import io
import itertools
import os
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol, TypeVar, cast

from aurashot._atomic import replaceable
from aurashot._part import Part, sweep
from aurashot._reasons import reason_of
from aurashot.errors import DownloadError
from aurashot.images._formats import ACCEPTED, EXTENSIONS, SNIFF_BYTES, sniff
from aurashot.images._names import safe_stem
from aurashot.images._rules import MAX_PIXELS
from aurashot.images._saved import SavedImage
from aurashot.images._size import check_complete
from aurashot.images._window import unlimited

if TYPE_CHECKING:
    from collections.abc import Generator

    from aurashot.images._size import Extent
    from aurashot.images._window import Check

T_co = TypeVar("T_co", covariant=True)

_SEPARATORS = tuple(filter(None, (os.sep, os.altsep)))


class Sink(Protocol[T_co]):
    """Where the chunks of a download are written; call `finish` on success, and `discard` in any case."""

    max_bytes: int
    """The largest image to take."""

    @property
    def size(self) -> int:
        """How many bytes are stored since the last start; 0 before the first, and after a failure."""
        ...

    def begin(self) -> None:
        """Prepare for the first chunk; call it again to start over."""
        ...

    def write(self, chunk: bytes) -> None:
        """Store the next bytes; raise `DownloadError` when they are too many or cannot be stored."""
        ...

    def finish(self, check: Check = unlimited) -> T_co:
        """Check the image, cut what follows its end, and return it; raise `DownloadError` when it is not complete.

        `check` is called now and then; what it raises ends the work.
        """
        ...

    def discard(self) -> None:
        """Remove what is unfinished; do nothing after a success."""
        ...


class MemorySink:
    """Keep an image in memory.

    Args:
        max_bytes: The largest image to accept, in bytes.
        max_pixels: The largest image to accept, in pixels, all frames together.
    """

    def __init__(self, *, max_bytes: int, max_pixels: int = MAX_PIXELS) -> None:
        self.max_bytes = max_bytes
        self._max_pixels = max_pixels
        self._file = io.BytesIO()

    @property
    def size(self) -> int:
        """How many bytes are stored."""
        return self._file.tell()

    def begin(self) -> None:
        """Drop earlier bytes."""
        self._file = io.BytesIO()

    def write(self, chunk: bytes) -> None:
        """Take the next bytes."""
        _append(self._file, chunk, self.max_bytes)

    def finish(self, check: Check = unlimited) -> bytes:
        """Return the image without what follows its end, after checking that it is complete."""
        _checked(self._file, self._max_pixels, check)
        return self._file.getvalue()

    def discard(self) -> None:
        """Free the memory."""
        self._file = io.BytesIO()


class FileSink:
    """Write an image to a file that appears only when it is complete.

    Args:
        to: A folder (one that exists, or a path that ends in a separator), or the exact file. In a folder, the file is
            called `<stem><extension of its content>`, with `-2`, `-3` … before the extension rather than replacing
            another file. An exact file is replaced, and keeps its name whatever the content. Missing folders are made.
        stem: The name to use in a folder; it is sanitised.
        max_bytes: The largest image to accept, in bytes.
        max_pixels: The largest image to accept, in pixels, all frames together.

    Attributes:
        saved: The file, once it is complete.
    """

    def __init__(self, to: str | os.PathLike[str], *, stem: str, max_bytes: int, max_pixels: int = MAX_PIXELS) -> None:
        self._to = os.path.expanduser(to)  # noqa: PTH111 - pathlib drops the separator that marks a folder
        self._stem = safe_stem(stem)
        self.max_bytes = max_bytes
        self._max_pixels = max_pixels
        self._exact: Path | None = None
        self._folder = Path()
        self._part: Part | None = None
        self.saved: SavedImage | None = None
        self._file: BinaryIO = io.BytesIO()
        self._file.close()  # until `begin`, there is nothing to write to

    @property
    def size(self) -> int:
        """How many bytes are stored."""
        return 0 if self._file.closed else self._file.tell()

    def begin(self) -> None:
        """Open a hidden file in the folder of the image."""
        self.discard()
        with self._storing():
            in_folder = self._to.endswith(_SEPARATORS) or Path(self._to).is_dir()
            self._exact = None if in_folder else replaceable(Path(self._to))
            self._folder = folder = Path(self._to) if self._exact is None else self._exact.parent
            folder.mkdir(parents=True, exist_ok=True)
            sweep(folder)
            self._part = part = self._new_part()
            self._file = part.file
            part.set_mode(0o600)

    def _new_part(self) -> Part:
        if self._exact is None:
            return Part(self._folder, self._stem)
        return Part(self._folder, self._exact.name, replaces=True)

    def write(self, chunk: bytes) -> None:
        """Store the next bytes."""
        with self._storing():
            _append(self._file, chunk, self.max_bytes)

    def finish(self, check: Check = unlimited) -> Path:
        """Rename the file to its final path and return that, after checking that it is complete."""
        try:
            with self._storing():
                extension = EXTENSIONS[_checked(self._file, self._max_pixels, check)]
                path = self._publish(cast("Part", self._part), extension)
            self.saved = SavedImage(path)
            return path
        finally:
            self.discard()

    def discard(self) -> None:
        """Close and remove the hidden file, if there is one."""
        with suppress(OSError):  # a full disk refuses the last bytes on closing, too
            part, self._part = self._part, None
            if part is not None:
                part.close()

    def _publish(self, part: Part, extension: str) -> Path:
        part.set_mode(part.mode)
        part.sync()
        if self._exact is None:
            return self._folder / _numbered(part, self._stem, extension)
        part.replace(self._exact.name)
        return self._exact

    @contextmanager
    def _storing(self) -> Generator[None]:
        try:
            yield
        except (OSError, ValueError) as error:  # ValueError: a name that no file system takes
            self.discard()
            reason = reason_of(error)
            raise DownloadError(
                f"The image cannot be stored at '{self._to}' ({reason}); choose another folder"
            ) from error


def too_large(max_bytes: int) -> DownloadError:
    """Return the error for an image with more bytes than are accepted."""
    return DownloadError(
        f"The image is larger than the limit of {max_bytes:,} bytes; raise max_image_bytes if this is expected"
    )


def _append(file: BinaryIO, chunk: bytes, max_bytes: int) -> None:
    if file.tell() + len(chunk) > max_bytes:
        raise too_large(max_bytes)
    file.write(chunk)


def _checked(file: BinaryIO, max_pixels: int, check: Check) -> str:
    """Return the media type of a complete image, and cut what follows its end."""
    file.seek(0)
    media_type = sniff(file.read(SNIFF_BYTES))
    if media_type not in ACCEPTED:
        raise DownloadError(
            f"The download is {media_type or 'no image'}, not JPEG, PNG, WebP or GIF; open its URL in a browser"
        )
    extent = check_complete(file, media_type, check)
    _check_pixels(extent, max_pixels)
    file.truncate(extent.end)
    check()
    return media_type


def _check_pixels(extent: Extent, max_pixels: int) -> None:
    """Refuse images that would exhaust memory when opened: a PNG of 410 KB can hold 144 million pixels."""
    if extent.pixels > max_pixels:
        frames = f" in {extent.frames:,} frames" if extent.frames > 1 else ""
        raise DownloadError(
            f"The image has {extent.width:,} by {extent.height:,} pixels{frames}, over the limit of {max_pixels:,} in "
            "all; it was not stored; raise max_image_pixels if this is expected"
        )
    if not extent.pixels:
        raise DownloadError("The image has no pixels; open its URL in a browser")


def _numbered(part: Part, stem: str, extension: str) -> str:
    """Give the file an unused name, safe under concurrent downloads."""
    stems = itertools.chain([stem], (f"{stem}-{number}" for number in itertools.count(2)))
    names = (f"{each}{extension}" for each in stems)
    return next(name for name in names if part.take(name))
