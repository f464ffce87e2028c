"""Cut a head or a person out of an image.

The matte is computed at about a hundred pixels per side. It starts with a head-shaped guess, whose colours are compared
with the colours around it; a random walker spreads the result up to the edges in the image, and a guided filter scales
it to full size. The guess bounds the result, so that the worst case is a soft oval. The matte fades out below the jaw,
where the drawn neck begins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, ImageFilter

from aurashot.sandbox.drawing._face import Box

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from aurashot.sandbox.drawing._primitives import Floats


_SIDE, _ABOVE, _BELOW = (
    0.95,
    0.68,
    0.42,
)  # margins of the cutout, in face heights: from centre, hairline and chin
_GRID: Final = (96, 106)  # columns and rows of the small image of a head
_PERSON_GRID: Final = 128  # the longer side of the small image of a person
_BINS: Final = 12  # colour bins per channel
_STEPS: Final = 60  # of conjugate gradients; the residual is invisible after about forty


@dataclass(frozen=True, slots=True)
class Cutout:
    """A cropped head: an image and its matte of the same size, and the box of the face."""

    image: Image.Image
    matte: Image.Image
    face: Box

    @property
    def width(self) -> float:
        """The greatest width of head and hair beside the face, in face heights."""
        rows = np.asarray(self.matte)[self.face.top : self.face.bottom] > 128
        return float(rows.sum(axis=1).max()) / self.face.height


def smoothstep(low: float, high: float, values: Floats) -> Floats:
    """Return 0 below `low`, 1 above `high` and a smooth ramp between; it falls if `low` is the larger one."""
    share = ((values - low) / (high - low)).clip(0, 1)
    return np.asarray(share * share * (3 - 2 * share))


def cut_head(original: Image.Image, face: Box, *, matte: Image.Image | None = None) -> Cutout:
    """Return head and hair as a cutout; pass the `matte` of the person if it is known."""
    height, (middle, _) = face.height, face.centre
    left, top = round(middle - _SIDE * height), round(face.top - _ABOVE * height)
    right, bottom = round(middle + _SIDE * height), round(face.bottom + _BELOW * height)
    image = _padded(original, (left, top, right, bottom))
    inner = Box(face.left - left, face.top - top, face.right - left, face.bottom - top)
    alpha = _head_matte(image) if matte is None else _unit(matte.crop((left, top, right, bottom)))
    alpha = alpha * _inside(original.size, (left, top, right, bottom)) * _above_collar(image.size, inner)
    return Cutout(image, Image.fromarray((alpha * 255).round().astype(np.uint8)), inner)


def _head_matte(image: Image.Image) -> Floats:
    x, y = _coordinates(_GRID)
    training = y < 1.05
    return _segmented(image, _head_shape(x, y), _core(x, y), training)


def _unit(matte: Image.Image) -> Floats:
    return np.asarray(matte, dtype=np.float32) / 255


def _padded(image: Image.Image, box: tuple[int, int, int, int]) -> Image.Image:
    """Crop, and extend the border pixels outward, so that no black frame appears at the edges."""
    columns = np.arange(box[0], box[2]).clip(0, image.width - 1)
    rows = np.arange(box[1], box[3]).clip(0, image.height - 1)
    return Image.fromarray(np.asarray(image.convert("RGB"))[rows[:, None], columns[None, :]])


def _inside(size: tuple[int, int], box: tuple[int, int, int, int]) -> Floats:
    """Return a mask that fades out toward the image's borders, so that cropped hair has a soft edge."""
    feather = max(2.0, 0.03 * (box[2] - box[0]))
    columns, rows = np.arange(box[0], box[2]), np.arange(box[1], box[3])
    across = smoothstep(0, feather, np.minimum(columns, size[0] - 1 - columns))
    down = smoothstep(0, feather, rows.astype(np.float64))
    return np.asarray(down[:, None] * across[None, :], dtype=np.float32)


def _coordinates(size: tuple[int, int]) -> tuple[Floats, Floats]:
    """Return x from the middle and y from the hairline down, in face heights, for a cut of this size."""
    x = (np.arange(size[0]) + 0.5) / size[0] * (2 * _SIDE) - _SIDE
    y = (np.arange(size[1]) + 0.5) / size[1] * (_ABOVE + 1 + _BELOW) - _ABOVE
    return x.astype(np.float32)[None, :], y.astype(np.float32)[:, None]


def _above_collar(size: tuple[int, int], face: Box) -> Floats:
    """Return a mask that ends a little below the chin and, beside the jaw, a little above it."""
    x = np.abs(np.arange(size[0]) + 0.5 - face.centre[0])[None, :] / face.height
    y = (np.arange(size[1]) + 0.5 - face.bottom)[:, None] / face.height
    limit = 0.10 - 0.30 * smoothstep(0.16, 0.40, x)
    return np.asarray(smoothstep(0.05, -0.05, y - limit), dtype=np.float32)


def cut_person(image: Image.Image, face: Box) -> Image.Image:
    """Return the matte of the whole person in a photograph, from the head down."""
    shrink = _PERSON_GRID / max(image.size)
    grid = max(16, round(image.width * shrink)), max(16, round(image.height * shrink))
    x = (np.arange(grid[0]) + 0.5) / grid[0] * image.width - face.centre[0]
    y = (np.arange(grid[1]) + 0.5) / grid[1] * image.height - face.top
    x, y = (x / face.height)[None, :].astype(np.float32), (y / face.height)[:, None].astype(np.float32)
    shoulders = np.interp(y[:, 0], (0.9, 1.2, 1.6, 3.0), (0.25, 0.5, 1.15, 1.5))[:, None]
    torso = 0.85 * smoothstep(1.35, 0.75, np.abs(x) / shoulders) * smoothstep(0.95, 1.2, y)
    core = np.maximum(_core(x, y), smoothstep(0.75, 0.5, np.abs(x) / shoulders) * smoothstep(1.25, 1.5, y))
    alpha = _segmented(image.convert("RGB"), np.maximum(_head_shape(x, y), torso), core, y < y.max() + 1)
    return Image.fromarray((alpha * 255).round().astype(np.uint8))


def backdrop(original: Image.Image, matte: Image.Image) -> Image.Image:
    """Return the image without the person: their area is filled with the blurred surroundings."""
    small = max(1, original.width // 160), max(1, original.height // 160)
    size = original.width // small[0], original.height // small[1]
    around = 1 - smoothstep(0.02, 0.3, _unit(matte.resize(size, Image.Resampling.BOX)))
    seen = np.asarray(original.resize(size, Image.Resampling.BOX), dtype=np.float32) * around[..., None]
    radius = max(size) / 8
    near = [_gaussian_blurred(seen[..., band], radius) for band in range(3)]
    weight = _gaussian_blurred(around, radius) + 1e-3
    filled = np.stack(near, axis=2) / weight[..., None]
    image = Image.fromarray(filled.clip(0, 255).astype(np.uint8)).resize(original.size, Image.Resampling.BICUBIC)
    return Image.composite(image, original, matte.filter(ImageFilter.MaxFilter(9)))


def _gaussian_blurred(values: Floats, radius: float) -> Floats:
    """Blur an array with a Gaussian, using the FFT; it wraps at the borders, which is invisible in a background."""
    rows, columns = np.fft.fftfreq(values.shape[0])[:, None], np.fft.rfftfreq(values.shape[1])[None, :]
    frequency_response = np.exp(-2 * (np.pi * radius) ** 2 * (rows**2 + columns**2))
    return np.fft.irfft2(np.fft.rfft2(values) * frequency_response, values.shape)


def _segmented(image: Image.Image, guess: Floats, core: Floats, training: NDArray[np.bool_]) -> Floats:
    """Return the matte of the object in the guess, 0 to 1 at full size.

    The guess has the shape of the small image. The core always belongs to the matte; only the `training` rows are used
    to learn the colours of the object.
    """
    small = np.asarray(image.resize(guess.shape[::-1], Image.Resampling.BOX), dtype=np.float32) / 255
    colours = _binned(small)
    probability = guess
    for _ in range(3):
        probability = _by_colour(colours, probability, guess, training)
    spread = _refined(image, small, _opened(_walk(small, probability)))
    return np.maximum(smoothstep(0.36, 0.74, spread), _resized(core, image.size))


def _head_shape(x: Floats, y: Floats) -> Floats:
    """Return the probability that a pixel belongs to the head, without regard to colours."""
    reach = np.where(y < 0.36, 0.80, 0.74)
    radius = np.sqrt((x / 0.62) ** 2 + ((y - 0.36) / reach) ** 2)
    return np.asarray((0.8 * smoothstep(1.3, 0.55, radius)).clip(0.002, 0.8))


def _core(x: Floats, y: Floats) -> Floats:
    """Return the oval that always counts as face."""
    return smoothstep(1.0, 0.8, np.sqrt((x / 0.37) ** 2 + ((y - 0.53) / 0.58) ** 2))


def _binned(small: Floats) -> NDArray[np.intp]:
    levels = (small * (_BINS - 0.001)).astype(np.intp)
    return np.asarray((levels[..., 0] * _BINS + levels[..., 1]) * _BINS + levels[..., 2])


def _by_colour(colours: NDArray[np.intp], probability: Floats, guess: Floats, training: NDArray[np.bool_]) -> Floats:
    """Return the guess, weighted by the frequency of each pixel's colour inside and outside of the object."""
    inside = _frequency(colours, probability * training)[colours]
    around = _frequency(colours, (1 - probability) * training)[colours]
    odds = (guess / (1 - guess)) * (inside / around) ** 1.3
    return np.asarray(odds / (1 + odds))


def _frequency(colours: NDArray[np.intp], weights: Floats) -> Floats:
    """Return the share of each colour bin, smoothed over its neighbours."""
    counts = np.bincount(colours.ravel(), weights.ravel(), _BINS**3).reshape(_BINS, _BINS, _BINS)
    for axis in range(3):
        padded = np.pad(counts, [(1, 1) if axis == other else (0, 0) for other in range(3)], mode="edge")
        counts = 0.5 * counts + 0.25 * (
            padded.take(range(_BINS), axis=axis) + padded.take(range(2, _BINS + 2), axis=axis)
        )
    share = counts.ravel() / counts.sum() + 2e-4
    return np.asarray(share)


def _walk(small: Floats, probability: Floats) -> Floats:
    """Solve the random walker with conjugate gradients: stay near the probability, and change at edges in the image."""
    right = np.exp(-60 * np.square(np.diff(small, axis=1)).sum(axis=2)) + 0.005
    down = np.exp(-60 * np.square(np.diff(small, axis=0)).sum(axis=2)) + 0.005
    trust = 0.02 + 0.12 * np.square(2 * probability - 1)

    def applied(values: Floats) -> Floats:
        result = trust * values
        flow = right * np.diff(values, axis=1)
        result[:, :-1] -= flow
        result[:, 1:] += flow
        flow = down * np.diff(values, axis=0)
        result[:-1] -= flow
        result[1:] += flow
        return result

    solution = probability.copy()
    residual = trust * probability - applied(solution)
    direction, energy = residual, float((residual**2).sum())
    for _ in range(_STEPS):
        image = applied(direction)
        step = energy / max(float((direction * image).sum()), 1e-12)
        solution = solution + step * direction
        residual = residual - step * image
        energy, before = float((residual**2).sum()), energy
        direction = residual + energy / max(before, 1e-12) * direction
    return solution


def _opened(matte: Floats) -> Floats:
    """Return the matte without parts thinner than five pixels, such as ropes and collars that touch the head."""
    image = Image.fromarray((matte.clip(0, 1) * 255).astype(np.uint8))
    return _unit(image.filter(ImageFilter.MinFilter(5)).filter(ImageFilter.MaxFilter(5)))


def _refined(image: Image.Image, small: Floats, matte: Floats) -> Floats:
    """Scale the small matte to full size along the edges in the image (fast guided filter, He and Sun 2015)."""
    guide = small.mean(axis=2)
    mean, matte_mean = _box(guide), _box(matte)
    slope = (_box(guide * matte) - mean * matte_mean) / (_box(guide**2) - mean**2 + 2e-4)
    offset = _box(matte_mean - slope * mean)
    full = np.asarray(image, dtype=np.float32).mean(axis=2) / 255
    return np.asarray(_resized(_box(slope), image.size) * full + _resized(offset, image.size)).clip(0, 1)


def _box(values: Floats) -> Floats:
    """Return the mean over 5 by 5 pixels."""
    padded = np.pad(values, 2, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (5, 5))
    return np.asarray(windows.mean(axis=(2, 3)))


def _resized(values: Floats, size: tuple[int, int]) -> Floats:
    return np.asarray(Image.fromarray(values.astype(np.float32)).resize(size, Image.Resampling.BILINEAR))
