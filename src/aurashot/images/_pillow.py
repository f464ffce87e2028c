"""Everything that needs Pillow: rotate images upright, convert formats that the service does not accept, encode.

Pillow is optional (extra `images`) and slow to import, so that each function imports it when it is called.
"""

from __future__ import annotations

import importlib
import io
import os
import sys
import threading
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, TypeGuard, cast

from aurashot._reasons import reason_of
from aurashot.errors import ConfigurationError, InvalidImageError

if TYPE_CHECKING:
    from collections.abc import Generator

    from PIL.Image import Image


class PillowImage(Protocol):
    """A `PIL.Image.Image`, described by its attributes, so that type checkers need no Pillow."""

    @property
    def mode(self) -> str:
        """The pixel format."""
        ...

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        ...

    def getexif(self) -> Any:
        """Return the EXIF data."""
        ...


INSTALL = 'pip install "aurashot[images]"'

CONVERTED = {
    "image/heic": "image/jpeg",
    "image/avif": "image/jpeg",
    "image/tiff": "image/png",
    "image/bmp": "image/png",
}
"""What is converted, and into what; an image with transparency becomes PNG in any case."""

# The readers are used directly, not through `Image.open`: it warns of a large image before `max_pixels` can be asked,
# and only the format that was sniffed is to be tried.
_READERS = {
    "image/jpeg": ("PIL.JpegImagePlugin", "JpegImageFile"),
    "image/png": ("PIL.PngImagePlugin", "PngImageFile"),
    "image/webp": ("PIL.WebPImagePlugin", "WebPImageFile"),
    "image/avif": ("PIL.AvifImagePlugin", "AvifImageFile"),
    "image/tiff": ("PIL.TiffImagePlugin", "TiffImageFile"),
    "image/bmp": ("PIL.BmpImagePlugin", "BmpImageFile"),
}
_SUPPORT = {"image/webp": "webp", "image/avif": "avif"}  # what Pillow may have been built without

_TURNS_TO_DECODE = threading.BoundedSemaphore(os.cpu_count() or 1)
_FEW_COLOURS = 65_536

_ORIENTATION = 0x0112
_TURNS = {
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}

_QUALITY: dict[str, dict[str, Any]] = {
    "image/jpeg": {"quality": 95, "subsampling": 0},
    "image/png": {},
    "image/webp": {"quality": 95},
}

# PNG holds 1, L, LA, I;16, P, RGB and RGBA. Floating-point pixels have no agreed range, so that they are refused.
_AS_PNG = {
    "CMYK": "RGB",
    "HSV": "RGB",
    "I": "I;16",
    "I;16B": "I;16",
    "I;16L": "I;16",
    "La": "LA",
    "PA": "RGBA",
    "RGBX": "RGB",
    "RGBa": "RGBA",
    "YCbCr": "RGB",
}


def pillow_available() -> bool:
    """Whether Pillow is installed."""
    import importlib.util

    return importlib.util.find_spec("PIL") is not None


def check_pillow_for_stripping() -> None:
    """Check that metadata can be removed from every photo.

    Raises:
        ConfigurationError: Pillow is missing.
    """
    if not pillow_available():
        raise ConfigurationError(f"strip_metadata=True needs Pillow, which is missing; install it with {INSTALL}")


def warn_of_metadata() -> None:
    """Warn that a photo is sent with its metadata; Python shows the same warning once, by default."""
    warnings.warn(
        "A photo is uploaded with its metadata, which may say where and when it was taken. To remove them, install "
        f"Pillow with {INSTALL}; to send photos as they are without this warning, pass strip_metadata=False",
        stacklevel=2,
    )


def is_pillow_image(value: object) -> TypeGuard[PillowImage]:
    """Whether the value is a Pillow image; nothing can be one while Pillow has not been imported."""
    pillow = sys.modules.get("PIL.Image")
    return pillow is not None and isinstance(value, pillow.Image)


def file_of(given: PillowImage, label: str, max_pixels: int) -> bytes:
    """Return a Pillow image as a file.

    An image that was opened and whose pixels were not asked for yet is the file that it was opened from. Else it is
    written: as PNG when it has few colours or more than JPEG can hold, as WebP when it is a photograph with
    transparency, and as JPEG otherwise. An opened image is turned upright as its EXIF data say; what was made from one
    (rotated, resized, converted) is taken as it looks.

    Raises:
        InvalidImageError: It is too large, or cannot be loaded or written.
    """
    image = cast("Image", given)
    with _decoding(label):
        _check_pixels(image.size, label, max_pixels)
        original = _original(image)
        if original is not None:
            return original
        image.load()
        shown = _upright(image) if _is_opened(image) else image
        return _written(shown, _fitting_type(shown))


def _is_opened(image: Image) -> bool:
    from PIL.ImageFile import ImageFile

    return isinstance(image, ImageFile)


def _original(image: Image) -> bytes | None:
    """Return the bytes of the file that an image is still to be read from, if it is of a kind that is understood."""
    from aurashot.images._formats import SNIFF_BYTES, sniff

    file = getattr(image, "fp", None)
    if not (_is_opened(image) and getattr(image, "tile", None) and image.tell() == 0 and file is not None):
        return None
    place = file.tell()
    file.seek(0)
    try:
        content: bytes = file.read()
    finally:
        file.seek(place)
    return content if sniff(content[:SNIFF_BYTES]) else None


def _fitting_type(image: Image) -> str:
    if image.mode not in {"RGB", "RGBA"} or image.getcolors(_FEW_COLOURS) is not None:
        return "image/png"
    return "image/webp" if image.mode == "RGBA" else "image/jpeg"


def convert(file: BinaryIO, media_type: str, label: str, max_pixels: int) -> tuple[bytes, str]:
    """Return a HEIC, AVIF, TIFF or BMP file as a JPEG or PNG file, upright and without metadata, and its media type.

    Raises:
        InvalidImageError: It is too large or broken, or a part of the extra is missing.
    """
    with _decoding(label):
        file.seek(0)
        if media_type == "image/heic":
            image = _open_heic(file, label, max_pixels)
        else:
            image = _open(file, media_type, label)
            _check_pixels(image.size, label, max_pixels)
        image.load()
        target = "image/png" if image.has_transparency_data else CONVERTED[media_type]
        return _written(_upright(image), target), target


def turn(file: BinaryIO, media_type: str, orientation: int, label: str, max_pixels: int, *, lossless: bool) -> bytes:
    """Return a JPEG, PNG or WebP file with its pixels turned upright, all frames kept, and without metadata.

    Raises:
        InvalidImageError: It is too large or broken.
    """
    with _decoding(label):
        file.seek(0)
        image = _open(file, media_type, label)
        _check_pixels(image.size, label, max_pixels // getattr(image, "n_frames", 1))
        options = {"lossless": True, "exact": True} if lossless else {}
        if getattr(image, "is_animated", False):
            return _animation(image, media_type, orientation, options)
        return _written(_turned(image, orientation), media_type, **options)


@contextmanager
def _decoding(label: str) -> Generator[None]:
    """Wait for one of a few turns, since a decoded image takes many times the memory of its file."""
    try:
        with _TURNS_TO_DECODE:
            yield
    except InvalidImageError:
        raise
    except Exception as error:
        raise InvalidImageError(
            f"{label} is broken or of an unusual kind ({reason_of(error)}); convert it to RGB, or save it again as PNG "
            "or JPEG"
        ) from error


def _open(file: BinaryIO, media_type: str, label: str) -> Image:
    from PIL import features

    module, reader = _READERS[media_type]
    if (feature := _SUPPORT.get(media_type)) and not features.check(feature):
        raise InvalidImageError(f"{label} is {media_type}, which this Pillow cannot read; upgrade it with {INSTALL}")
    image: Image = getattr(importlib.import_module(module), reader)(file)
    return image


def _open_heic(file: BinaryIO, label: str, max_pixels: int) -> Image:
    try:
        import pillow_heif
    except ImportError as error:
        raise InvalidImageError(
            f"{label} is HEIC, and pillow-heif, which reads it, is missing; install it with {INSTALL}"
        ) from error
    heif = pillow_heif.open_heif(file)  # pyright: ignore[reportUnknownMemberType] - its parameters are untyped
    _check_pixels(heif.size, label, max_pixels)
    image: Image = heif.to_pillow()
    return image


def _check_pixels(size: tuple[int, int], label: str, max_pixels: int) -> None:
    width, height = size
    if width * height > max_pixels:
        raise InvalidImageError(
            f"{label} has {width:,} by {height:,} pixels, over the limit of {max_pixels:,} in all; make it smaller"
        )


def _upright(image: Image) -> Image:
    return _turned(image, image.getexif().get(_ORIENTATION, 1))


def _turned(image: Image, orientation: int) -> Image:
    from PIL.Image import Transpose

    name = _TURNS.get(orientation)
    return image.transpose(Transpose[name]) if name else image


def _animation(image: Image, media_type: str, orientation: int, options: dict[str, Any]) -> bytes:
    from PIL import ImageSequence

    frames = [(_turned(frame, orientation), frame.info.get("duration", 0)) for frame in ImageSequence.Iterator(image)]
    first, *rest = (frame for frame, _ in frames)
    durations = [duration for _, duration in frames]
    timing = {"duration": durations, "loop": image.info.get("loop", 0)}
    whole = {"disposal": 0, "blend": 0}  # Pillow gives every frame of an animated PNG as a full image
    return _written(first, media_type, save_all=True, append_images=rest, **timing, **whole, **options)


def _written(image: Image, media_type: str, **options: Any) -> bytes:
    mode = _AS_PNG.get(image.mode, image.mode) if media_type == "image/png" else image.mode
    plain = image if mode == image.mode else image.convert(mode)
    profile = None if mode != image.mode and image.mode == "CMYK" else image.info.get("icc_profile")
    out = io.BytesIO()
    settings = _QUALITY[media_type] | options
    plain.save(out, media_type.removeprefix("image/"), icc_profile=profile, comment=b"", **settings)
    return out.getvalue()
