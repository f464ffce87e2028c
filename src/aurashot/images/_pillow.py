"""Everything that needs Pillow: rotate images upright, convert formats that the service does not accept, encode.

Pillow is optional (extra `images`) and slow to import, so that each function imports it when it is called.
"""

from __future__ import annotations

import io
import sys
import warnings
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, TypeGuard, cast

from aurashot.errors import ConfigurationError
from aurashot.images._boxes import code_points
from aurashot.images._icc import COLOURS, fits, profile_in
from aurashot.images._opening import INSTALL, check_pixels, check_tiles, decoded, opened, opened_heic
from aurashot.images._orientation import UPRIGHT, stated_in_profiles
from aurashot.images._original import is_opened, orientation_of, original
from aurashot.images._png import turned_16_bits, with_chunks
from aurashot.images._png_pieces import colour_chunks
from aurashot.images._tiff import check_values
from aurashot.images._window import unlimited

if TYPE_CHECKING:
    from PIL.Image import Image

    from aurashot.images._window import Check


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


CONVERTED = {
    "image/heic": "image/jpeg",
    "image/avif": "image/jpeg",
    "image/tiff": "image/png",
    "image/bmp": "image/png",
}
"""What is converted, and into what; an image with transparency becomes PNG in any case."""

_FEW_COLOURS = 65_536

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
    check_pillow("strip_metadata=True")


def check_pillow(what: str) -> None:
    """Check that Pillow is installed.

    Args:
        what: What needs it.

    Raises:
        ConfigurationError: It is missing.
    """
    if not pillow_available():
        raise ConfigurationError(f"{what} needs Pillow, which is missing; install it with {INSTALL}")


def warn_of_metadata() -> None:
    """Warn that a photo is sent with its metadata; Python shows the same warning once, by default."""
    warnings.warn(
        "A photo is uploaded with its metadata, which may say where and when it was taken. To remove them, install "
        f"Pillow with {INSTALL}; to send photos as they are without this warning, pass strip_metadata=False",
        stacklevel=2,
    )


def is_pillow_image(value: object) -> TypeGuard[PillowImage]:
    """Whether the value is a Pillow image; nothing can be one while Pillow has not been imported.

    While another thread imports it, the module is there, and its class may not be.
    """
    image_class = getattr(sys.modules.get("PIL.Image"), "Image", None)
    return image_class is not None and isinstance(value, image_class)


def file_of(given: PillowImage, label: str, max_pixels: int, max_bytes: int, check: Check = unlimited) -> bytes:
    """Return a Pillow image as a file.

    An image that was opened, and whose pixels are still those of its file, is the file that it was opened from. Else
    it is written: as PNG when it has few colours or more than JPEG can hold, as WebP when it is a photograph with
    transparency, and as JPEG otherwise. An opened image is turned upright as its EXIF data say; what was made from one
    (rotated, resized, converted) is taken as it looks. Of a file over the limit, one byte more than the limit is read.

    Raises:
        InvalidImageError: It is too large, or cannot be loaded or written.
    """
    return decoded(label, lambda: _file_of(cast("Image", given), label, max_pixels, max_bytes), check)


def _file_of(image: Image, label: str, max_pixels: int, max_bytes: int) -> bytes:
    check_pixels(image.size, label, max_pixels)
    content = original(image, label, max_pixels, max_bytes)
    if content is not None:
        return content
    image.load()
    shown = upright(image) if is_opened(image) else image
    return _written(shown, _fitting_type(shown))


def _fitting_type(image: Image) -> str:
    if image.mode not in {"RGB", "RGBA"} or image.getcolors(_FEW_COLOURS) is not None:
        return "image/png"
    return "image/webp" if image.mode == "RGBA" else "image/jpeg"


def convert(
    file: BinaryIO, media_type: str, label: str, max_pixels: int, check: Check = unlimited
) -> tuple[bytes, str]:
    """Return a HEIC, AVIF, TIFF or BMP file as a JPEG or PNG file, upright and without metadata, and its media type.

    Raises:
        InvalidImageError: It is too large or broken, or a part of the extra is missing.
    """
    return decoded(label, lambda: _convert(file, media_type, label, max_pixels), check)


def _convert(file: BinaryIO, media_type: str, label: str, max_pixels: int) -> tuple[bytes, str]:
    file.seek(0)
    if media_type == "image/heic":
        shown = opened_heic(file, label, max_pixels)
    else:
        if media_type == "image/tiff":
            check_values(file)
            file.seek(0)
        if media_type == "image/avif":
            check_tiles(file, label, max_pixels)
            file.seek(0)
        shown = upright(_opened(file, media_type, label, max_pixels))
    if media_type == "image/avif" and (points := code_points(file)):
        shown.info["nclx_profile"] = points
    held_by_jpeg = shown.mode in {"L", "RGB"} and not shown.has_transparency_data
    target = CONVERTED[media_type] if held_by_jpeg else "image/png"
    return _written(shown, target), target


def turn(
    file: BinaryIO,
    media_type: str,
    orientation: int,
    label: str,
    max_pixels: int,
    *,
    lossless: bool,
    check: Check = unlimited,
) -> bytes:
    """Return a JPEG, PNG or WebP file with its pixels turned upright, all frames kept, and without metadata.

    Raises:
        InvalidImageError: It is too large or broken.
    """
    work = partial(_turn, file, media_type, orientation, label, max_pixels, lossless=lossless)
    return decoded(label, work, check)


def _turn(file: BinaryIO, media_type: str, orientation: int, label: str, max_pixels: int, *, lossless: bool) -> bytes:
    file.seek(0)
    image = opened(file, media_type, label)
    check_pixels(image.size, label, max_pixels // getattr(image, "n_frames", 1))
    options = {"lossless": True, "exact": True} if lossless else {}
    if media_type == "image/png":
        return _turned_png(file, image, orientation)
    if getattr(image, "is_animated", False):
        return _animation(image, media_type, orientation, options)
    image = _turned(image, orientation)  # what was decoded is freed
    return _written(image, media_type, **options)


def _turned_png(file: BinaryIO, image: Image, orientation: int) -> bytes:
    """Return a PNG file turned upright, with the chunks that say what its colours mean."""
    place = file.tell()
    chunks = colour_chunks(file)
    animated = getattr(image, "is_animated", False)
    png = None if animated else turned_16_bits(file, lambda plane: _turned(plane, orientation))
    if png is not None:
        return with_chunks(png, chunks)
    file.seek(place)
    for name in COLOURS:
        image.info.pop(name, None)
    if animated:
        return with_chunks(_animation(image, "image/png", orientation, {}), chunks)
    return with_chunks(_written(_turned(image, orientation), "image/png"), chunks)


def _opened(file: BinaryIO, media_type: str, label: str, max_pixels: int) -> Image:
    image = opened(file, media_type, label)
    check_pixels(image.size, label, max_pixels)
    image.load()
    return image


def upright(image: Image) -> Image:
    """Return an image that was opened from a file, turned upright as its metadata say."""
    if image.format == "HEIF":  # was turned by its reader
        return image
    orientation = orientation_of(image)
    if orientation is None and "exif" not in image.info:
        orientation = stated_in_profiles(image.info.items())
    return _turned(image, orientation or UPRIGHT)


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
    profile = profile_in(image.info, image.mode)
    if image.mode == "CMYK" and mode == "RGB":
        plain, profile = _from_inks(image, profile), None
    else:
        plain = image if mode == image.mode else image.convert(mode)
    if profile is not None and not fits(profile, mode):
        profile = None
    out = io.BytesIO()
    settings = _QUALITY[media_type] | options
    plain.save(out, media_type.removeprefix("image/"), icc_profile=profile, comment=b"", **settings)
    return out.getvalue()


def _from_inks(image: Image, profile: bytes | None) -> Image:
    """Return a CMYK image in sRGB: by its profile, if it has one that can be used."""
    if profile is not None:
        from PIL import ImageCms

        cms: Any = ImageCms
        with suppress(cms.PyCMSError, ImportError, OSError):
            inks, light = cms.ImageCmsProfile(io.BytesIO(profile)), cms.createProfile("sRGB")
            converted: Image = cms.profileToProfile(image, inks, light, outputMode="RGB")
            return converted
    return image.convert("RGB")


def as_rgb(image: Image) -> Image:
    """Return an image in RGB, the inks of CMYK converted by their profile."""
    if image.mode == "CMYK":
        return _from_inks(image, profile_in(image.info, image.mode))
    return image if image.mode == "RGB" else image.convert("RGB")
