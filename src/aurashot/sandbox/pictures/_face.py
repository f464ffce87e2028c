"""Where the face is.

Pictures made by the sandbox say so in their metadata. In a foreign picture the face is searched for at a dozen sizes with
two measures that need no model:

* pattern: the correlation of the brightness with a drawn face (dark brows, eyes and mouth; bright forehead, nose and
  cheeks), which works without colour too;
* skin: how much more skin-coloured an oval is than what lies beside and above it (the neck below is skin as well).

A mild prior prefers the upper centre. The best place wins; a picture in which nothing stands out gets a box in the
upper centre, since people put faces there.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats: TypeAlias = NDArray[np.floating[Any]]

FACE_KEY: Final = "aurashot:face"
ASPECT: Final = 0.76  # width of a face to its height from hairline to chin
_WIDTH, _HEIGHT = 19, 25  # the pattern, in pixels
_SIZES: Final = tuple(0.15 * 1.16**step for step in range(13))  # face height as a share of the picture's shorter side
_ENOUGH: Final = 0.45  # below this score the search has found nothing
_COLOURFUL: Final = 6.0  # mean chroma below which a picture counts as greyscale


@dataclass(frozen=True, slots=True)
class Box:
    """A face from hairline to chin and from cheek to cheek, in pixels of its picture."""

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

    def __str__(self) -> str:
        """Return the form that the metadata holds."""
        return f"{self.left},{self.top},{self.right},{self.bottom}"


def find_face(image: Image.Image) -> Box:
    """Return the box of the most prominent face; never fails, since a guess is better than no picture."""
    return _from_metadata(image) or _search(image)


def _from_metadata(image: Image.Image) -> Box | None:
    """Return the box that the sandbox wrote, unless it does not fit the picture (someone cropped or resized it)."""
    parts = str(image.info.get(FACE_KEY, "")).split(",")
    if len(parts) != 4 or not all(part.isdecimal() for part in parts):  # noqa: PLR2004  (four sides)
        return None
    box = Box(*(int(part) for part in parts))
    fits = box.left + 8 <= box.right <= image.width and box.top + 8 <= box.bottom <= image.height
    return box if fits else None


def _search(image: Image.Image) -> Box:
    """Slide the pattern over the picture at every size and return the best box."""
    short = min(image.size)
    best, found = _ENOUGH, None
    for share in _SIZES:
        zoom = _HEIGHT / (share * short)
        size = round(image.width * zoom), round(image.height * zoom)
        if size[0] < _WIDTH + 2 or size[1] < _HEIGHT + 2:
            break
        scores = _scores(image.resize(size, Image.Resampling.BOX if zoom < 1 else Image.Resampling.BILINEAR))
        row, column = divmod(int(scores.argmax()), scores.shape[1])
        if scores[row, column] > best:
            best, found = float(scores[row, column]), (column / zoom, row / zoom, share * short)
    return _centred(image) if found is None else _boxed(*found)


def _boxed(left: float, top: float, height: float) -> Box:
    return Box(round(left), round(top), round(left + height * ASPECT), round(top + height))


def _centred(image: Image.Image) -> Box:
    """Return the box where a portrait has its face most often."""
    height = min(0.42 * image.height, 0.6 * image.width / ASPECT)
    return _boxed((image.width - height * ASPECT) / 2, 0.42 * image.height - height / 2, height)


def _scores(image: Image.Image) -> Floats:
    """Score every position of the pattern's upper left corner in an image that is already at the pattern's scale."""
    luma, blue, red = (np.asarray(band, dtype=np.float32) for band in image.convert("YCbCr").split())
    scores = _correlation(luma, _pattern())
    chroma = np.abs(blue - 128) + np.abs(red - 128)
    if float(chroma.mean()) > _COLOURFUL:
        scores = 0.5 * scores + 1.0 * _sliding(_skin(luma, blue - 128, red - 128), _oval())
    rows, columns = scores.shape
    x = (np.arange(columns) + _WIDTH / 2) / luma.shape[1] - 0.5
    y = (np.arange(rows) + _HEIGHT / 2) / luma.shape[0] - 0.38
    return scores - 0.5 * (x**2)[None, :] - 0.5 * (y**2)[:, None]


def _skin(luma: Floats, blue: Floats, red: Floats) -> Floats:
    """Return how skin-coloured each pixel is: a hue from pink to ochre, neither grey nor as strong as dyed cloth."""
    strength = red - blue
    hue = np.arctan2(red, -blue) - np.pi / 4  # 0 where red exceeds by as much as blue lacks
    return np.asarray(
        ((strength - 20) / 12).clip(0, 1) * ((105 - strength) / 20).clip(0, 1)
        * np.exp(-((hue - 0.08) / 0.36) ** 4) * ((luma - 30) / 30).clip(0, 1)
    )


def _sliding(image: Floats, kernel: Floats) -> Floats:
    """Return the sum of products of the kernel with the image at every position where it fits, by way of the FFT."""
    shape = image.shape
    product = np.fft.rfft2(image, shape) * np.conj(np.fft.rfft2(kernel, shape))
    rows, columns = shape[0] - kernel.shape[0] + 1, shape[1] - kernel.shape[1] + 1
    return np.fft.irfft2(product, shape)[:rows, :columns]


def _correlation(image: Floats, pattern: Floats) -> Floats:
    """Return the weighted correlation coefficient (-1 to 1) of the pattern with every position of the image."""
    weight = _oval().clip(min=0)
    mean = _sliding(image, weight)
    variance = _sliding(image**2, weight) - mean**2
    spread = np.sqrt(variance.clip(min=16))  # flat places hold no face
    return _sliding(image, pattern) / spread


@cache
def _grid() -> tuple[Floats, Floats]:
    """Return x from -1 to 1 and y from 0 (hairline) to 1 (chin) of the pattern's pixels."""
    x = (np.arange(_WIDTH) + 0.5) / _WIDTH * 2 - 1
    y = (np.arange(_HEIGHT) + 0.5) / _HEIGHT
    return x[None, :], y[:, None]


@cache
def _oval() -> Floats:
    """Return weights: the face adds up to 1; the rim beside and above it to -1."""
    x, y = _grid()
    radius = np.sqrt(x**2 + ((y - 0.5) / 0.5) ** 2)
    inside = (radius < 0.95).astype(np.float64)
    outside = ((radius > 1.1) & (y < 0.75)).astype(np.float64)
    return inside / inside.sum() - outside / outside.sum()


@cache
def _pattern() -> Floats:
    """Return the drawn face, weighted so that `_correlation` yields a coefficient."""
    x, y = _grid()
    drawn = np.zeros((_HEIGHT, _WIDTH))
    for depth, centre_x, centre_y, wide, high in (
        (1.0, 0.45, 0.43, 0.22, 0.055),  # eyes
        (0.6, 0.47, 0.32, 0.30, 0.045),  # brows
        (0.7, 0.0, 0.79, 0.30, 0.045),  # mouth
        (0.35, 0.12, 0.64, 0.12, 0.04),  # nostrils
        (-0.45, 0.0, 0.52, 0.12, 0.14),  # bridge of the nose
        (-0.4, 0.5, 0.60, 0.25, 0.08),  # cheeks
        (-0.3, 0.0, 0.15, 0.6, 0.1),  # forehead
    ):
        for side in (-centre_x, centre_x):
            drawn -= depth / 2 * np.exp(-(((x - side) / wide) ** 2) - ((y - centre_y) / high) ** 2)
        if centre_x == 0:
            continue
        drawn -= depth / 2 * np.exp(-(((np.abs(x) - centre_x) / wide) ** 2) - ((y - centre_y) / high) ** 2)
    weight = _oval().clip(min=0)
    drawn = drawn - (weight * drawn).sum()
    return weight * drawn / np.sqrt((weight * drawn**2).sum())
