"""The file that a Pillow image was opened from, if its pixels are still those of the file."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from aurashot.errors import InvalidImageError
from aurashot.images._disk import DiskFile
from aurashot.images._formats import SNIFF_BYTES, sniff
from aurashot.images._icc import COLOURS
from aurashot.images._opening import check_pixels, opened

if TYPE_CHECKING:
    from PIL.Image import Image

_ROWS: Final = 256
_APPEARANCE: Final = (*COLOURS, "transparency")
_PLAIN: Final = (bytes, str, int, float, tuple)
_ORIENTATION: Final = 0x0112


def is_opened(image: Image) -> bool:
    """Whether an image was opened from a file, rather than made from another image."""
    from PIL.ImageFile import ImageFile

    return isinstance(image, ImageFile)


def original(image: Image, label: str, max_pixels: int, max_bytes: int) -> bytes | None:
    """Return the bytes of the file that an image was opened from; None if they may look different from it.

    An image that is not decoded yet is the file, unless a smaller one was asked for with `draft` or what decides about
    its look was edited. One that is decoded is compared with the file, pixel by pixel, except a HEIC image.

    Raises:
        Exception: Whatever Pillow raises about the image.
    """
    if not is_opened(image) or image.tell() != 0:
        return None
    lazy = _is_lazy(image)
    if image.format == "HEIF" and not lazy:  # a comparison would decode its file once more
        return None
    content = _open_file(image, max_bytes)  # Pillow forgets it when it decodes
    if not lazy:
        image.load()
    elif content is not None and len(content) > max_bytes:
        return content  # to be refused
    if content is not None and _is_same(image, content, label, max_pixels, lazy=lazy):
        return content
    named = _named_file(image, max_bytes)
    return named if named is not None and _is_same(image, named, label, max_pixels, lazy=lazy) else None


def _is_lazy(image: Any) -> bool:
    file = getattr(image, "fp", None)
    waits = bool(image.tile) or image.format == "HEIF"  # pillow-heif has no tiles, and drops its file when it decodes
    return waits and file is not None and not file.closed


def _open_file(image: Any, max_bytes: int) -> bytes | None:
    file = getattr(image, "fp", None)
    if file is None or getattr(file, "closed", False):
        return None
    place = file.tell()
    file.seek(0)
    try:
        content: bytes = file.read(max_bytes + 1)
    finally:
        file.seek(place)
    return content


def _named_file(image: Any, max_bytes: int) -> bytes | None:
    name = getattr(image, "filename", None)
    if not name:
        return None
    try:
        with DiskFile.at(Path(os.fsdecode(name))).open() as file:
            return file.read(max_bytes + 1)
    except InvalidImageError:  # it was moved, deleted or changed
        return None


def _is_same(image: Any, content: bytes, label: str, max_pixels: int, *, lazy: bool) -> bool:
    kind = sniff(content[:SNIFF_BYTES])
    if kind is None:
        return False
    file = io.BytesIO(content)
    try:
        again: Any = opened(file, kind, label)
        check_pixels(again.size, label, max_pixels)
        if lazy:
            return _looks_same(image, again) and (image.tile, image.tell()) == (again.tile, again.tell())
        again.load()
        return _looks_same(image, again) and _has_same_pixels(image, again)
    except Exception:  # noqa: BLE001  # whatever the file holds now
        return False


def _looks_same(image: Any, again: Any) -> bool:
    """Whether what decides how the pixels are shown is the same, and all other metadata are still there."""
    names = {name for name, value in again.info.items() if isinstance(value, _PLAIN)}
    return (
        (image.mode, image.size) == (again.mode, again.size)
        and all(image.info.get(name) == again.info.get(name) for name in names.union(_APPEARANCE))
        and _exif(image) == _exif(again)
    )


def _exif(image: Any) -> bytes | None:
    try:
        exif: bytes = image.getexif().tobytes()
    except Exception:  # noqa: BLE001  # broken EXIF data raise anything
        return None
    return exif


def orientation_of(image: Any) -> int | None:
    """Return the orientation in the EXIF data of an image, which its owner may have edited."""
    try:
        orientation: int | None = image.getexif().get(_ORIENTATION)
    except Exception:  # noqa: BLE001  # broken EXIF data raise anything
        return None
    return orientation


def _has_same_pixels(one: Image, other: Image) -> bool:
    """Compare a few rows at a time, since a copy of a photograph takes many times the memory of its file."""
    boxes = [(0, top, one.width, min(top + _ROWS, one.height)) for top in range(0, one.height, _ROWS)]
    return all(_pixels(one.crop(box)) == _pixels(other.crop(box)) for box in boxes)


def _pixels(image: Image) -> bytes:
    return (image.convert("RGBA") if image.mode in {"P", "PA"} else image).tobytes()
