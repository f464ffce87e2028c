"""Judge what would be sent, with Pillow alone: does it lie as the original does, and does it still say where it was."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from PIL import Image, ImageChops, ImageStat

from lab.corpus.forms import MARKER, MOST_PIXELS

if TYPE_CHECKING:
    from pathlib import Path

_SIDE: Final = 32
_GPS: Final = 0x8825
_ORIENTATION: Final = 0x0112
_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_MARGIN: Final = 4.0  # of 255; of two orientations that differ by less, neither is wrong
_LOCATIONS: Final = (MARKER, b"GPSLatitude", b"GPSLongitude")


class Look(NamedTuple):
    """The size of an upright image, and how it looks when it is small: 32 by 32 values of grey, in hexadecimal."""

    size: tuple[int, int]
    grey: str


def small(image: Image.Image) -> Image.Image:
    """Return an image as it looks on white, in grey and small: colours and fine detail do not count here."""
    image.draft(None, (2 * _SIDE, 2 * _SIDE))  # a large JPEG file is decoded at a fraction of its size
    if image.mode in {"L", "RGB", "CMYK", "YCbCr"} and "transparency" not in image.info:
        return image.resize((_SIDE, _SIDE), Image.Resampling.BOX).convert("L")
    plain = image.point(lambda value: value / 256).convert("L") if image.mode.startswith("I") else image
    rgba = plain.convert("RGBA").resize((_SIDE, _SIDE), Image.Resampling.BOX)
    return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("L")


def reference(path: Path) -> Look | None:
    """Return how an original looks, turned by its EXIF data; None if Pillow cannot or should not decode it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(path) as image:
                (width, height), is_heif = image.size, image.format == "HEIF"  # pillow-heif turns it
                if width * height > MOST_PIXELS:
                    return None
                look = small(image)
                orientation = 1 if is_heif else image.getexif().get(_ORIENTATION, 1)
        except Exception:  # noqa: BLE001  # the corpus has files that make Pillow raise anything
            return None
    upright = look.transpose(_TURNS[orientation]) if orientation in _TURNS else look
    return Look((height, width) if orientation in range(5, 9) else (width, height), upright.tobytes().hex())


def is_wrong(content: bytes, original: Look) -> bool:
    """Whether what is sent lies otherwise than the original, or cannot be read.

    The bytes are decoded as they are: no orientation that they may state is applied, since a service need not apply it.
    Of the eight orientations, the one in which it looks most like the original must be the upright one.
    """
    expected = Image.frombytes("L", (_SIDE, _SIDE), bytes.fromhex(original.grey))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(io.BytesIO(content)) as image:
                if image.size != original.size:
                    return True
                shown = small(image)
        except Exception:  # noqa: BLE001  # it cannot be read
            return True
    distances = [_distance(expected, shown)]
    distances += [_distance(expected, shown.transpose(way)) for way in Image.Transpose]
    return min(distances) + _MARGIN < distances[0]


def _distance(one: Image.Image, other: Image.Image) -> float:
    return ImageStat.Stat(ImageChops.difference(one, other)).mean[0]


def has_location(content: bytes) -> bool:
    """Whether a position is left: as text anywhere, or in EXIF data that Pillow finds."""
    if any(location in content for location in _LOCATIONS):
        return True
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(io.BytesIO(content)) as image:
                exif: Any = image.getexif()
                return bool(exif.get_ifd(_GPS))
        except Exception:  # noqa: BLE001  # it cannot be read; `is_wrong` says so
            return False
