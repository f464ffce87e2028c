"""Find the face in an image.

Images of the sandbox store its position in their metadata. In others, the engine of the extra `identity` finds it, if
that is installed. Else they are searched at a dozen sizes with three measures that need no model:

* pattern: the correlation of the brightness with a drawn face (dark brows, eyes and mouth; bright forehead, nose and
  cheeks), which works without colour too;
* skin: how much more skin-coloured an oval is than what lies beside and above it (the neck below is skin as well);
* eyes: whether there are two gaps in the skin where the eyes should be.

A prior prefers the upper centre, slightly in colour images and strongly in others. The best position is returned, even
if its score is low: a guess is better than no image. The weights were tuned on two photographs and thirty drawn
portraits.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from operator import itemgetter
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

from aurashot.errors import AuraShotError

if TYPE_CHECKING:
    from aurashot.sandbox.drawing._primitives import Floats


FACE_KEY: Final = "aurashot:face"
"""The metadata that say where a drawn face is; whoever compares faces learns from it that the face was drawn."""
BOX_KEY: Final = "aurashot:box"
"""The metadata that say where a face is that came from a photograph."""
ASPECT: Final = 0.76  # width of a face to its height from hairline to chin
_SHARE: Final = 0.95  # of the height of the engine's box; in the middle between two photographs
_ABOVE: Final = 0.05
_LEAST: Final = 16.0  # pixels of a face
_WIDTH, _HEIGHT = 19, 25  # the pattern, in pixels
_SIZES: Final = tuple(0.15 * 1.16**step for step in range(13))  # face height as a share of the image's shorter side
_LONG: Final = 400  # images with a longer side of at least twice this many pixels are searched at a reduced size
_COLOURFUL: Final = 6.0  # the mean chroma below which an image counts as greyscale
_FEATURES: Final = (  # darkness, |x| and y of the centre, width and height: see `_grid`
    (1.0, 0.45, 0.42, 0.24, 0.07),  # eyes
    (0.5, 0.47, 0.33, 0.30, 0.05),  # brows
    (0.7, 0.0, 0.79, 0.35, 0.06),  # mouth
    (0.35, 0.0, 0.66, 0.2, 0.05),  # shadow of the nose
    (-0.45, 0.0, 0.50, 0.14, 0.16),  # bridge of the nose
    (-0.5, 0.5, 0.60, 0.28, 0.09),  # cheeks
    (-0.4, 0.0, 0.22, 0.5, 0.08),  # forehead
    (-0.3, 0.0, 0.95, 0.3, 0.06),  # chin
)


@dataclass(frozen=True, slots=True)
class Box:
    """A face from hairline to chin and from cheek to cheek, in pixels of its image."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """Pixels from cheek to cheek."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Pixels from hairline to chin."""
        return self.bottom - self.top

    @property
    def centre(self) -> tuple[float, float]:
        """The middle of the box."""
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    def grown(self, factor: float) -> Box:
        """Return a larger box around the same face; it grows mostly downward, since hair was mistaken for forehead."""
        height = self.height * factor
        return _boxed(self.centre[0] - height * ASPECT / 2, self.top - 0.15 * (height - self.height), height)

    def __str__(self) -> str:
        """Return the format of the metadata."""
        return f"{self.left},{self.top},{self.right},{self.bottom}"


def find_face(image: Image.Image) -> Box:
    """Return the box of the most prominent face; never fails, since a guess is better than no image."""
    return _from_metadata(image) or _from_engine(image) or _search(image)


def _from_engine(image: Image.Image) -> Box | None:
    """Return the box of the largest face that the engine finds; None if there is no engine, or no face."""
    from aurashot.identity import find_faces

    try:
        faces = find_faces(image)
    except AuraShotError:  # the extra or a model file is missing, or the image is too large
        return None
    if not faces:
        return None
    box = faces[0].box  # from the forehead to below the chin
    height = _SHARE * box.height
    if height < _LEAST:
        return None
    return _within(_boxed(box.centre.x - height * ASPECT / 2, box.top - _ABOVE * box.height, height), image)


def _within(box: Box, image: Image.Image) -> Box:
    return Box(max(box.left, 0), max(box.top, 0), min(box.right, image.width), min(box.bottom, image.height))


def _from_metadata(image: Image.Image) -> Box | None:
    """Return the box in the metadata, unless it does not fit the image, which may have been cropped or resized."""
    parts = str(image.info.get(FACE_KEY) or image.info.get(BOX_KEY, "")).split(",")
    if len(parts) != 4 or not all(part.isdecimal() for part in parts):
        return None
    box = Box(*(int(part) for part in parts))
    fits = box.left + 8 <= box.right <= image.width and box.top + 8 <= box.bottom <= image.height
    return box if fits else None


def _search(image: Image.Image) -> Box:
    """Slide the pattern over the image at every size and return the best box."""
    shrink = max(1, max(image.size) // _LONG)
    if shrink > 1:
        box = _search(image.reduce(shrink))
        return Box(box.left * shrink, box.top * shrink, box.right * shrink, box.bottom * shrink)
    coloured = _is_coloured(image)
    _, found = max((_best(image, share, coloured=coloured) for share in _SIZES), key=itemgetter(0))
    return found if coloured else _symmetric(image, found)


def _best(image: Image.Image, share: float, *, coloured: bool) -> tuple[float, Box]:
    """Return the best score for a face of this size (a share of the image's shorter side), and its box."""
    height = share * min(image.size)
    zoom = _HEIGHT / height
    size = round(image.width * zoom), round(image.height * zoom)
    scaled = image.resize(size, Image.Resampling.BOX if zoom < 1 else Image.Resampling.BILINEAR)
    scores = _scores(scaled, share, coloured=coloured)
    row, column = divmod(int(scores.argmax()), scores.shape[1])
    return float(scores[row, column]), _boxed(column / zoom, row / zoom, height)


def _is_coloured(image: Image.Image) -> bool:
    """Return whether the image has enough colour to search for skin."""
    bands = np.asarray(image.convert("YCbCr").resize((64, 64), Image.Resampling.BOX), dtype=np.float32)[..., 1:]
    return float(np.abs(bands - 128).sum(axis=2).mean()) > _COLOURFUL


def _symmetric(image: Image.Image, box: Box) -> Box:
    """Return the box, moved sideways to where its halves are most symmetric; the pattern alone is often off."""
    side, half, height = 48, 18, box.height
    frame = (box.centre[0] - height, box.top, box.centre[0] + height, box.bottom)
    luma = image.convert("L").transform((2 * side, side), Image.Transform.EXTENT, frame, Image.Resampling.BILINEAR)
    pixels = np.asarray(luma, dtype=np.float32)

    def likeness(middle: int) -> float:
        left, right = pixels[:, middle - half : middle], pixels[:, middle : middle + half][:, ::-1]
        left, right = left - left.mean(), right - right.mean()
        return float((left * right).sum() / np.sqrt((left**2).sum() * (right**2).sum() + 1))

    shift = round((max(range(side - 12, side + 13), key=likeness) - side) / side * height)
    return Box(box.left + shift, box.top, box.right + shift, box.bottom)


def _boxed(left: float, top: float, height: float) -> Box:
    return Box(round(left), round(top), round(left + height * ASPECT), round(top + height))


def _scores(image: Image.Image, share: float, *, coloured: bool) -> Floats:
    """Score every position of the pattern's upper left corner in an image at the scale of the pattern."""
    luma, blue, red = np.moveaxis(np.asarray(image.convert("YCbCr"), dtype=np.float32), 2, 0)
    pattern = _correlation(luma, _pattern())
    x = (np.arange(image.width - _WIDTH + 1) + _WIDTH / 2) / image.width - 0.5
    y = (np.arange(image.height - _HEIGHT + 1) + _HEIGHT / 2) / image.height
    if coloured:
        skin = _skin(luma, blue - 128, red - 128)
        away = np.square(x)[None, :] + np.square(y - 0.38)[:, None]
        found = 0.6 * pattern + 0.8 * _sliding(skin, _oval()) + 0.5 * _sliding(skin, _sockets()) - 0.7 * away
        return np.asarray(found)
    away = np.square(x)[None, :] + np.square(y - 0.33)[:, None]
    return np.asarray(pattern - 8 * away - 0.4 * np.log(share / 0.35) ** 2)


def _skin(luma: Floats, blue: Floats, red: Floats) -> Floats:
    """Return how skin-coloured each pixel is, 0 to 1.

    Skin is pink to ochre (fair hair is yellower), neither grey nor as vivid as dyed cloth, and not far darker than the
    brightest skin in the image (dark hair often has the hue of skin).
    """
    strength = red - blue
    hue = np.arctan2(red, -blue) - np.pi / 4  # 0 where the excess of red equals the lack of blue
    vivid = ((strength - 20) / 12).clip(0, 1) * ((105 - strength) / 20).clip(0, 1)
    skin = vivid * ((hue + 0.25) / 0.12).clip(0, 1) * ((0.55 - hue) / 0.12).clip(0, 1) * (luma / 30 - 1).clip(0, 1)
    bright = luma[skin > 0.5]
    brightest = float(np.percentile(bright, 90)) if bright.size else 255.0
    return np.asarray(skin * ((luma / brightest - 0.3) / 0.3).clip(0, 1))


def _sliding(image: Floats, kernel: Floats) -> Floats:
    """Return the correlation of the kernel with the image at every position where it fits, using the FFT."""
    shape = image.shape
    product = np.fft.rfft2(image, shape) * np.conj(np.fft.rfft2(kernel, shape))
    rows, columns = shape[0] - kernel.shape[0] + 1, shape[1] - kernel.shape[1] + 1
    return np.fft.irfft2(product, shape)[:rows, :columns]


def _correlation(image: Floats, pattern: Floats) -> Floats:
    """Return the correlation coefficient (-1 to 1) of the pattern's middle with every position of the image."""
    mean = _sliding(image, _middle())
    variance = _sliding(image**2, _middle()) - mean**2
    return np.asarray(_sliding(image, pattern) / np.sqrt(variance.clip(min=16)))  # uniform areas contain no face


@cache
def _grid() -> tuple[Floats, Floats]:
    """Return x from -1 to 1 and y from 0 (hairline) to 1 (chin) of the pattern's pixels."""
    x = (np.arange(_WIDTH) + 0.5) / _WIDTH * 2 - 1
    y = (np.arange(_HEIGHT) + 0.5) / _HEIGHT
    return x[None, :], y[:, None]


@cache
def _oval() -> Floats:
    """Return weights that add up to 1 inside the face, and to -1 beside and above it."""
    x, y = _grid()
    radius = np.sqrt(x**2 + ((y - 0.5) / 0.5) ** 2)
    inside = (radius < 0.95).astype(np.float64)
    outside = ((radius > 1.1) & (y < 0.75)).astype(np.float64)
    return np.asarray(inside / inside.sum() - outside / outside.sum())


@cache
def _sockets() -> Floats:
    """Return weights that find two gaps in the skin: -1 on the eyes, +1 on nose, cheeks and forehead."""
    x, y = _grid()
    eyes = np.exp(-(((np.abs(x) - 0.45) / 0.2) ** 2) - ((y - 0.42) / 0.05) ** 2)
    around = np.zeros((_HEIGHT, _WIDTH))
    for centre_x, centre_y, wide, high in ((0.0, 0.48, 0.16, 0.1), (0.42, 0.60, 0.25, 0.06), (0.3, 0.22, 0.4, 0.05)):
        around += np.exp(-(((np.abs(x) - centre_x) / wide) ** 2) - ((y - centre_y) / high) ** 2)
    return np.asarray(around / around.sum() - eyes / eyes.sum())


@cache
def _middle() -> Floats:
    """Return weights that add up to 1 from brows to mouth; hats and fringes are outside."""
    x, y = _grid()
    weights = ((np.abs(x) < 0.85) & (y > 0.24) & (y < 0.92)).astype(np.float64)
    return np.asarray(weights / weights.sum())


@cache
def _pattern() -> Floats:
    """Return the drawn face, weighted so that `_correlation` returns a coefficient."""
    x, y = _grid()
    drawn = np.zeros((_HEIGHT, _WIDTH))
    for depth, centre_x, centre_y, wide, high in _FEATURES:
        drawn -= depth * np.exp(-(((np.abs(x) - centre_x) / wide) ** 2) - ((y - centre_y) / high) ** 2)
    drawn -= (_middle() * drawn).sum()
    return np.asarray(_middle() * drawn / np.sqrt((_middle() * drawn**2).sum()))
