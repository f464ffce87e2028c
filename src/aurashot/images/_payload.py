"""Read an image, check it, strip its metadata, and prepare it to be sent, any number of times."""

from __future__ import annotations

import hashlib
import io
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from aurashot.errors import InvalidImageError
from aurashot.images import _pillow
from aurashot.images._disk import TEXT_MODE, DiskFile, reading
from aurashot.images._formats import EXTENSIONS, SNIFF_BYTES, sniff
from aurashot.images._metadata import Survey, survey, without_metadata
from aurashot.images._names import safe_stem
from aurashot.images._opening import INSTALL
from aurashot.images._orientation import UPRIGHT
from aurashot.images._rules import BASE64_IMAGE, check_size
from aurashot.images._shared import SharedRead

if TYPE_CHECKING:
    from aurashot.images._input import BinaryFile, LocalImage
    from aurashot.images._rules import ImageRules

_CHUNK = 256 * 1024
_BASE64 = re.compile(rb"\s*data:image/|" + BASE64_IMAGE.encode())
_BROKEN = "is cut short or broken; copy or download it again, or pass strip_metadata=False to send it as it is"


@dataclass(frozen=True, slots=True)
class Payload:
    """An image that is ready to be sent.

    Attributes:
        filename: The name to send it under: a base name, with the extension that its content asks for.
        media_type: What it is, by its content.
        size: Its length in bytes.
        digest: SHA-256 of the bytes and the media type, in hexadecimal: equal digests need one upload only.
    """

    filename: str
    media_type: str
    size: int
    digest: str
    source: bytes | DiskFile = field(repr=False)

    def open(self) -> BinaryIO:
        """Open it from the start; every attempt to send it opens its own.

        Raises:
            InvalidImageError: The file on disk has changed since it was checked.
        """
        return _open(self.source)


def prepare(local: LocalImage, rules: ImageRules, read: SharedRead | None = None) -> Payload:
    """Read and check an image, and return what to send. Blocks on the disk, and on the processor where it must decode.

    A file that is upright and has no metadata to strip is not decoded and stays on disk, however large it is.

    Args:
        local: What to read.
        rules: The limits, and what to do about metadata.
        read: The read that other calls share, if its source is a file or a Pillow image that they have as well.

    Raises:
        InvalidImageError: It cannot be read, is too large, or is not an image that the service accepts.
        ConfigurationError: `strip_metadata` is True and Pillow is missing.
    """
    if rules.strip_metadata:
        _pillow.check_pillow_for_stripping()
    source = _source(local, rules, read or SharedRead())
    check_size(_size(source), local.label, rules)
    with _open(source) as file:
        media_type = _media_type(file, local.label)
        if rewritten := _rewritten(file, media_type, local.label, rules):
            source, media_type = rewritten
            check_size(_size(source), local.label, rules)
    filename = safe_stem(local.stem) + EXTENSIONS[media_type]
    return Payload(filename, media_type, _size(source), _digest(source, media_type), source)


def _source(local: LocalImage, rules: ImageRules, read: SharedRead) -> bytes | DiskFile:
    if isinstance(local.source, bytes):
        return local.source
    if isinstance(local.source, Path):
        return DiskFile.at(local.source)
    return read.get(lambda: _content(local, rules))


def _content(local: LocalImage, rules: ImageRules) -> bytes:
    if _pillow.is_pillow_image(local.source):
        return _pillow.file_of(local.source, local.label, rules.max_pixels, rules.max_bytes)
    return _read(cast("BinaryFile", local.source), local.label, rules.max_bytes)


def _open(source: bytes | DiskFile) -> BinaryIO:
    return io.BytesIO(source) if isinstance(source, bytes) else source.open()


def _size(source: bytes | DiskFile) -> int:
    return len(source) if isinstance(source, bytes) else source.size


def _read(file: BinaryFile, label: str, max_bytes: int) -> bytes:
    content = io.BytesIO()  # gives its bytes away without a copy
    while content.tell() <= max_bytes:
        with reading(label):
            chunk = cast("object", file.read(_CHUNK))  # a text file is a `BinaryFile`, too, as far as its methods go
        if not isinstance(chunk, bytes | bytearray | memoryview):
            raise InvalidImageError(f"{label} {TEXT_MODE}")
        if not chunk:
            break
        content.write(cast("bytes", chunk))
    if not content.tell() and _position(file):
        raise InvalidImageError(f"{label} was already read to its end; rewind it with seek(0), or pass its path")
    return content.getvalue()


def _position(file: BinaryFile) -> int:
    """Return how many bytes of a file are behind it, or 0 if it does not say."""
    try:
        position = cast("object", cast("BinaryIO", file).tell())
    except Exception:  # noqa: BLE001  # a pipe, or an object that has none
        return 0
    return position if isinstance(position, int) else 0


def _media_type(file: BinaryIO, label: str) -> str:
    head = file.read(SNIFF_BYTES)
    media_type = sniff(head)
    if media_type is None and _BASE64.match(head):
        raise InvalidImageError(f"{label} is base64 and not an image; decode it, or pass 'data:image/png;base64,…'")
    if media_type is None:
        raise InvalidImageError(
            f"{label} is not a JPEG, PNG, WebP or GIF image by its content; export it as one of them"
        )
    return media_type


def _rewritten(file: BinaryIO, media_type: str, label: str, rules: ImageRules) -> tuple[bytes, str] | None:
    if media_type in _pillow.CONVERTED:
        return _converted(file, media_type, label, rules)
    if rules.strip_metadata is False:
        return None
    found = survey(file, media_type)
    pillow = _pillow.pillow_available()
    if not found.complete and not (pillow and media_type == "image/jpeg"):
        raise InvalidImageError(f"{label} {_BROKEN}")
    if found.complete and found.identifying and not pillow:
        _pillow.warn_of_metadata()
    if found.complete and not (pillow and found.identifying):
        return None
    if found.complete and not found.doubtful and found.orientation == UPRIGHT:
        return without_metadata(file, media_type), media_type
    return _reencoded(file, media_type, found, label, rules), media_type


def _reencoded(file: BinaryIO, media_type: str, found: Survey, label: str, rules: ImageRules) -> bytes:
    """Decode an image and write its pixels: turned upright, or because its parts are not in order."""
    try:
        return _pillow.turn(file, media_type, found.orientation, label, rules.max_pixels, lossless=found.lossless)
    except InvalidImageError as error:
        if found.complete:
            raise
        raise InvalidImageError(f"{label} {_BROKEN}") from error


def _converted(file: BinaryIO, media_type: str, label: str, rules: ImageRules) -> tuple[bytes, str]:
    if not _pillow.pillow_available():
        kind = media_type.removeprefix("image/").upper()
        raise InvalidImageError(
            f"{label} is {kind}, which must be converted, and Pillow is missing; install it with {INSTALL}"
        )
    return _pillow.convert(file, media_type, label, rules.max_pixels)


def _digest(source: bytes | DiskFile, media_type: str) -> str:
    digest = hashlib.sha256()
    with _open(source) as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    digest.update(media_type.encode())
    return digest.hexdigest()
