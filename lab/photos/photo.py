"""Photos of a phone held upright: 12 megapixels, stored on their side, with a camera's noise."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from PIL import Image, ImageChops

if TYPE_CHECKING:
    from pathlib import Path

SIZE: Final = (4_000, 3_000)
_ORIENTATION: Final = 0x0112
_ON_ITS_SIDE: Final = 6


@cache
def scene() -> Image.Image:
    """Return what all the photos show, each from another place."""
    shapes = (Image.effect_noise((125, 94), 120).resize(SIZE, Image.Resampling.BICUBIC) for _ in "RGB")
    return Image.merge("RGB", [ImageChops.add(shape, Image.effect_noise(SIZE, 12), 2) for shape in shapes])


def write_photos(folder: Path, number: int) -> None:
    """Write so many different photos."""
    exif = Image.Exif()
    exif[_ORIENTATION] = _ON_ITS_SIDE
    for index in range(number):
        ImageChops.offset(scene(), 97 * index, 31 * index).save(folder / f"{index}.jpg", quality=90, exif=exif)
