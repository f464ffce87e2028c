"""Read an image, check it, strip its metadata, and prepare it to be sent, any number of times."""

from __future__ import annotations

import hashlib
import io
import re
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, cast

from aurashot._reasons import reason_of
from aurashot.errors import InvalidImageError
from aurashot.images import _pillow
from aurashot.images._disk import TEXT_MODE, DiskFile, reading
from aurashot.images._formats import EXTENSIONS, SNIFF_BYTES, sniff
from aurashot.images._jpeg import MalformedError, without_gaps
from aurashot.images._metadata import Survey, survey, without_metadata
from aurashot.images._names import safe_stem
from aurashot.images._opening import INSTALL, check_pixels
from aurashot.images._orientation import UPRIGHT
from aurashot.images._rules import BASE64_IMAGE, check_size
from aurashot.images._shared import SharedRead
from aurashot.images._size import extent_of
from aurashot.images._window import TooManyPartsError, Window, unlimited

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aurashot.images._input import BinaryFile, LocalImage
    from aurashot.images._rules import ImageRules
    from aurashot.images._window import Check

_CHUNK = 256 * 1024
_HASHED_TWICE = 4 * 1024 * 1024
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
        sha256: SHA-256 of the file as it was given, before anything was stripped from it; None of a Pillow image, and
            of a file of more than 4 MiB from which something was stripped: to hash it would take a third of the time.
    """

    filename: str
    media_type: str
    size: int
    digest: str
    sha256: str | None
    source: bytes | DiskFile = field(repr=False)

    def open(self) -> BinaryIO:
        """Open it from the start; every attempt to send it opens its own.

        Raises:
            InvalidImageError: The file on disk has changed since it was checked.
        """
        return _open(self.source)


def prepare(local: LocalImage, rules: ImageRules, read: SharedRead | None = None, check: Check = unlimited) -> Payload:
    """Read and check an image, and return what to send. Blocks on the disk, and on the processor where it must decode.

    A file that is upright and has no metadata to strip is not decoded and stays on disk, however large it is. Of a PNG
    or GIF file, it is found out where its compressed pixels end.

    Args:
        local: What to read.
        rules: The limits, and what to do about metadata.
        read: The read that other calls share, if its source is a file or a Pillow image that they have as well.
        check: Called now and then; what it raises ends the work.

    Raises:
        InvalidImageError: It cannot be read, is too large, or is not an image that the service accepts.
        ConfigurationError: `strip_metadata` is True and Pillow is missing.
    """
    if rules.strip_metadata:
        _pillow.check_pillow_for_stripping()
    source = given = _source(local, rules, read or SharedRead(), check)
    check_size(_size(source), local.label, rules)
    with _open(source) as file:
        media_type = _media_type(file, local.label)
        if rewritten := _rewritten(file, media_type, _Job(local.label, rules, check)):
            source, media_type = rewritten
            check_size(_size(source), local.label, rules)
    filename = safe_stem(local.stem) + EXTENSIONS[media_type]
    sha256, digest = _digests(source, media_type, check)
    plain = sha256 if source is given else _digest_before(given, check)
    known = None if _pillow.is_pillow_image(local.source) else plain
    return Payload(filename, media_type, _size(source), digest, known, source)


def open_local(local: LocalImage, rules: ImageRules, read: SharedRead) -> tuple[BinaryIO, str]:
    """Open an image that is not a Pillow image, as it is, and return it with its media type; check its size.

    Raises:
        InvalidImageError: It cannot be read, is too large, or is not an image.
    """
    source = _source(local, rules, read, unlimited)
    check_size(_size(source), local.label, rules)
    with ExitStack() as stack:
        file = stack.enter_context(_open(source))
        media_type = _media_type(file, local.label)
        stack.pop_all()  # the caller closes it
    return file, media_type


def _source(local: LocalImage, rules: ImageRules, read: SharedRead, check: Check) -> bytes | DiskFile:
    if isinstance(local.source, bytes):
        return local.source
    if isinstance(local.source, Path):
        return DiskFile.at(local.source)
    return read.get(lambda: _content(local, rules, check))


def _content(local: LocalImage, rules: ImageRules, check: Check) -> bytes:
    if _pillow.is_pillow_image(local.source):
        return _pillow.file_of(local.source, local.label, rules.max_pixels, rules.max_bytes, check)
    return _read(cast("BinaryFile", local.source), local.label, rules.max_bytes, check)


def _open(source: bytes | DiskFile) -> BinaryIO:
    return io.BytesIO(source) if isinstance(source, bytes) else source.open()


def _size(source: bytes | DiskFile) -> int:
    return len(source) if isinstance(source, bytes) else source.size


def _read(file: BinaryFile, label: str, max_bytes: int, check: Check) -> bytes:
    content = io.BytesIO()  # gives its bytes away without a copy
    while content.tell() <= max_bytes:
        check()
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


class _Job(NamedTuple):
    """What is the same for all steps with one image: its name in messages, the rules, and the time."""

    label: str
    rules: ImageRules
    check: Check


def _rewritten(file: BinaryIO, media_type: str, job: _Job) -> tuple[bytes, str] | None:
    try:
        if media_type in _pillow.CONVERTED:
            return _converted(file, media_type, job)
        return None if job.rules.strip_metadata is False else _stripped(file, media_type, job)
    except TooManyPartsError as error:
        raise InvalidImageError(
            f"{job.label} consists of {reason_of(error)}, as no ordinary image does; save it again with an image editor"
        ) from error
    except MalformedError as error:
        raise InvalidImageError(f"{job.label} {_BROKEN}") from error


def _stripped(file: BinaryIO, media_type: str, job: _Job) -> tuple[bytes, str] | None:
    """Return what to send instead of a file with metadata; None if it has none."""
    if media_type != "image/jpeg":  # of a photo of a camera with more pixels, nothing needs to be decoded
        extent = extent_of(file, media_type, job.check)
        check_pixels((extent.width, extent.height), job.label, job.rules.max_pixels, extent.pixels)
    found = survey(file, media_type, job.check)
    pillow = _pillow.pillow_available()
    if not found.complete and not (pillow and media_type == "image/jpeg"):
        raise InvalidImageError(f"{job.label} {_BROKEN}")
    if found.complete and not pillow:
        if found.identifying:
            _pillow.warn_of_metadata()
        return None
    if found.complete and not found.doubtful and found.orientation == UPRIGHT:
        return _cleaned(file, media_type, found, job)
    return _reencoded(file, media_type, found, job), media_type


def _cleaned(file: BinaryIO, media_type: str, found: Survey, job: _Job) -> tuple[bytes, str] | None:
    """Return an upright file without metadata, with its pixels as they are; None if it has none."""
    if found.suspects and media_type == "image/webp":
        lossless = replace(found, lossless=True)
        return _reencoded(file, media_type, lossless, job), media_type
    if found.suspects:
        from aurashot.images._tails import without_tails

        file.seek(0)
        content = file.read()
        cut = without_tails(content, found.suspects, job.label, job.rules.max_pixels, job.check)
        if cut != content:
            return without_metadata(io.BytesIO(cut), media_type, job.check), media_type
    return (without_metadata(file, media_type, job.check, found.parts), media_type) if found.identifying else None


def _reencoded(file: BinaryIO, media_type: str, found: Survey, job: _Job) -> bytes:
    """Decode an image and write its pixels: turned upright, or because its parts are not in order."""
    if media_type == "image/gif":
        raise InvalidImageError(f"{job.label} {_BROKEN}")
    if media_type == "image/jpeg" and (tidy := without_gaps(Window(file, job.check))) is not None:
        file = io.BytesIO(tidy)
    try:
        return _pillow.turn(
            file,
            media_type,
            found.orientation,
            job.label,
            job.rules.max_pixels,
            check=job.check,
            lossless=found.lossless,
        )
    except InvalidImageError as error:
        if found.complete:
            raise
        raise InvalidImageError(f"{job.label} {_BROKEN}") from error


def _converted(file: BinaryIO, media_type: str, job: _Job) -> tuple[bytes, str]:
    if not _pillow.pillow_available():
        kind = media_type.removeprefix("image/").upper()
        raise InvalidImageError(
            f"{job.label} is {kind}, which must be converted, and Pillow is missing; install it with {INSTALL}"
        )
    return _pillow.convert(file, media_type, job.label, job.rules.max_pixels, job.check)


def _digest_before(given: bytes | DiskFile, check: Check) -> str | None:
    """Return the SHA-256 of a file that was rewritten; images of galleries, which are small, are recognised by it."""
    return _digests(given, "", check)[0] if _size(given) <= _HASHED_TWICE else None


def _digests(source: bytes | DiskFile, media_type: str, check: Check) -> tuple[str, str]:
    """Return the SHA-256 of a file, and that of the file and its media type."""
    digest = hashlib.sha256()
    for chunk in _chunks(source):
        check()
        digest.update(chunk)
    plain = digest.hexdigest()
    digest.update(media_type.encode())
    return plain, digest.hexdigest()


def _chunks(source: bytes | DiskFile) -> Iterator[bytes | memoryview]:
    if isinstance(source, bytes):
        view = memoryview(source)
        yield from (view[start : start + _CHUNK] for start in range(0, len(view), _CHUNK))
        return
    with source.open() as file:
        while chunk := file.read(_CHUNK):
            yield chunk
