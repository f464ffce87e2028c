"""Open an image with Pillow: by its sniffed type, within the limit on pixels, a few at a time, and without warnings."""

from __future__ import annotations

import importlib
import os
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any, BinaryIO, Final, TypeVar, cast

from aurashot._reasons import reason_of
from aurashot.errors import AuraShotError, InvalidImageError
from aurashot.images._boxes import stated_sizes
from aurashot.images._window import unlimited

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from PIL.Image import Image

    from aurashot.images._window import Check

INSTALL: Final = 'pip install "aurashot[images]"'

# The readers are used directly, not through `Image.open`: it warns of a large image before `max_pixels` can be asked,
# and only the format that was sniffed is to be tried.
_READERS: Final = {
    "image/jpeg": ("PIL.JpegImagePlugin", "JpegImageFile"),
    "image/png": ("PIL.PngImagePlugin", "PngImageFile"),
    "image/webp": ("PIL.WebPImagePlugin", "WebPImageFile"),
    "image/gif": ("PIL.GifImagePlugin", "GifImageFile"),
    "image/heic": ("pillow_heif", "HeifImageFile"),
    "image/avif": ("PIL.AvifImagePlugin", "AvifImageFile"),
    "image/tiff": ("PIL.TiffImagePlugin", "TiffImageFile"),
    "image/bmp": ("PIL.BmpImagePlugin", "BmpImageFile"),
}
_SUPPORT: Final = {"image/webp": "webp", "image/avif": "avif"}  # what Pillow may have been built without

DECODERS: Final = min(os.cpu_count() or 1, 4)
"""How many images are decoded at once; 12 megapixels take 100 MB."""

MAX_SIDE: Final = 65_535
"""Pixels of a side that a JPEG file can have; broken files state others, and Pillow reserves the memory for them."""

T = TypeVar("T")


class _DecodingHere(threading.local):
    """Matches the modules of Pillow in a thread that decodes for us, as the module pattern of a filter of warnings.

    Pillow warns of odd metadata, which is removed anyway; with warnings as errors such an image could not be read.
    `warnings.catch_warnings` would change the filters of all threads.
    """

    active = False

    def match(self, module: str) -> bool:
        return self.active and module.startswith(("PIL.", "pillow_heif"))


_HERE: Final = _DecodingHere()
_FILTER: Final = ("ignore", None, Warning, _HERE, 0)


@contextmanager
def _without_warnings() -> Generator[None]:
    filters = cast("list[Any]", warnings.filters)
    filters.insert(0, _FILTER)
    outer, _HERE.active = _HERE.active, True
    try:
        yield
    finally:
        _HERE.active = outer
        with suppress(ValueError):  # another thread may have reset all filters
            filters.remove(_FILTER)


@lru_cache(maxsize=1)
def _threads(process: int) -> ThreadPoolExecutor:
    """Return the threads that decode; those of a parent process do not exist in its child."""
    return ThreadPoolExecutor(DECODERS, f"aurashot-images-{process}")


def decoded(label: str, work: Callable[[], T], check: Check = unlimited) -> T:
    """Do the work of decoding an image in one of a few threads, and wait for it.

    A decoded image takes many times the memory of its file, and the C library keeps freed memory for the thread that
    had it: 40 photos in 40 threads took over 1 GB, although few were decoded at the same time.

    Args:
        label: The name of the image in messages.
        work: The work.
        check: Called before it begins: others may have kept the threads busy until the time was over.

    Raises:
        InvalidImageError: Whatever Pillow raises about the image.
    """
    try:
        return _threads(os.getpid()).submit(_quietly, work, check).result()
    except AuraShotError:
        raise
    except Exception as error:
        raise InvalidImageError(
            f"{label} is broken or of an unusual kind ({reason_of(error)}); convert it to RGB, or save it again as PNG "
            "or JPEG"
        ) from error


def _quietly(work: Callable[[], T], check: Check) -> T:
    check()
    with _without_warnings():
        return work()


def opened(file: BinaryIO, media_type: str, label: str) -> Image:
    """Open a file of a type that was sniffed; its pixels are not decoded yet.

    Raises:
        InvalidImageError: A part of the extra is missing.
    """
    from PIL import features

    module, reader = _READERS[media_type]
    if (feature := _SUPPORT.get(media_type)) and not features.check(feature):
        raise InvalidImageError(f"{label} is {media_type}, which this Pillow cannot read; upgrade it with {INSTALL}")
    image: Image = getattr(importlib.import_module(module), reader)(file)
    return image


def opened_heic(file: BinaryIO, label: str, max_pixels: int) -> Image:
    """Decode a HEIC file; libheif turns it upright.

    Raises:
        InvalidImageError: It is too large, or pillow-heif is missing.
    """
    try:
        import pillow_heif
    except ImportError as error:
        raise InvalidImageError(
            f"{label} is HEIC, and pillow-heif, which reads it, is missing; install it with {INSTALL}"
        ) from error
    check_tiles(file, label, max_pixels)
    file.seek(0)
    heif = pillow_heif.open_heif(file)  # pyright: ignore[reportUnknownMemberType] - its parameters are untyped
    check_pixels(heif.size, label, max_pixels)
    image: Image = heif.to_pillow()
    return image


def check_tiles(file: BinaryIO, label: str, max_pixels: int) -> None:
    """Check the sizes of all images and tiles in a HEIC or AVIF file: a small image may be a part of a large one.

    Raises:
        InvalidImageError: One of them has more pixels than the limit.
    """
    for size in stated_sizes(file):
        check_pixels(size, label, max_pixels)


def check_pixels(size: tuple[int, int], label: str, max_pixels: int, pixels: int = 0) -> None:
    """Check the size of an image in pixels, or the sum of those of its frames.

    Raises:
        InvalidImageError: It has more than the limit, or a side is longer than that of any photo.
    """
    width, height = size
    if max(size) > MAX_SIDE:
        raise InvalidImageError(
            f"{label} has {width:,} by {height:,} pixels, and a side may have {MAX_SIDE:,}; crop it, or make it smaller"
        )
    frames = " in several frames" if pixels > width * height else ""
    if max(width * height, pixels) > max_pixels:
        raise InvalidImageError(
            f"{label} has {width:,} by {height:,} pixels{frames}, over the limit of {max_pixels:,} in all; make it "
            "smaller, or raise max_image_pixels"
        )
