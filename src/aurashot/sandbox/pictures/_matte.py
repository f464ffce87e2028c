"""Cut a head out of its picture.

The matte is found at a hundred pixels a side: the colours of a head-shaped guess are told from the colours around it,
a random walker spreads the verdict between the picture's edges, and a guided filter carries it to full size. The guess
bounds the result, so that the worst case is a soft oval. Below the jaw the matte fades: a drawn neck continues there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from aurashot.sandbox.pictures._face import Box

Floats: TypeAlias = NDArray[np.floating[Any]]

_SIDE, _ABOVE, _BELOW = 0.95, 0.68, 0.42  # how far the cut reaches, in face heights: from the centre, hairline and chin
_GRID: Final = (96, 106)  # columns and rows of the small picture
_BINS: Final = 12  # colour bins per channel
_STEPS: Final = 60  # conjugate gradient steps; the residual is invisible after about forty


@dataclass(frozen=True, slots=True)
class Cutout:
    """A head on its own: picture and matte of one size, and where the face is in them."""

    picture: Image.Image
    matte: Image.Image
    face: Box


def smoothstep(low: float, high: float, values: Floats) -> Floats:
    """Return 0 below `low`, 1 above `high` and a smooth ramp between (`low` may be the larger: then it falls)."""
    share = ((values - low) / (high - low)).clip(0, 1)
    return np.asarray(share * share * (3 - 2 * share))


def cut_head(image: Image.Image, face: Box, *, matte: Image.Image | None = None) -> Cutout:
    """Return head and hair as a cutout; `matte` is the person's, where it is known already."""
    height, (middle, _) = face.height, face.centre
    left, top = round(middle - _SIDE * height), round(face.top - _ABOVE * height)
    right, bottom = round(middle + _SIDE * height), round(face.bottom + _BELOW * height)
    picture = _padded(image, (left, top, right, bottom))
    inner = Box(face.left - left, face.top - top, face.right - left, face.bottom - top)
    alpha = _segmented(picture) if matte is None else _unit(matte.crop((left, top, right, bottom)))
    alpha = alpha * _inside(image.size, (left, top, right, bottom)) * _above_collar(picture.size, inner)
    return Cutout(picture, Image.fromarray((alpha * 255).round().astype(np.uint8)), inner)


def _unit(matte: Image.Image) -> Floats:
    return np.asarray(matte, dtype=np.float32) / 255


def _padded(image: Image.Image, box: tuple[int, int, int, int]) -> Image.Image:
    """Crop with the border pixels continued outward, so that no black frame bleeds into the edges."""
    columns = np.arange(box[0], box[2]).clip(0, image.width - 1)
    rows = np.arange(box[1], box[3]).clip(0, image.height - 1)
    return Image.fromarray(np.asarray(image.convert("RGB"))[rows[:, None], columns[None, :]])


def _inside(size: tuple[int, int], box: tuple[int, int, int, int]) -> Floats:
    """Return a mask that fades out toward the picture's own borders: hair that was cropped ends softly."""
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
    limit = 0.10 - 0.14 * smoothstep(0.16, 0.40, x)
    return np.asarray(smoothstep(0.05, -0.05, y - limit), dtype=np.float32)


def _segmented(picture: Image.Image) -> Floats:
    """Return the matte of the head in a cut, 0 to 1 at full size."""
    small = np.asarray(picture.resize(_GRID, Image.Resampling.BOX), dtype=np.float32) / 255
    guess = _head_shape()
    colours = _binned(small)
    belief = guess
    for _ in range(3):
        belief = _by_colour(colours, belief, guess)
    spread = _walk(small, belief)
    spread = _refined(picture, small, spread)
    core = np.asarray(Image.fromarray(_core()).resize(picture.size, Image.Resampling.BILINEAR))
    return np.maximum(smoothstep(0.32, 0.72, spread), core)


def _head_shape() -> Floats:
    """Return the probability that a pixel belongs to the head, before any colour is seen."""
    x, y = _coordinates(_GRID)
    radius = np.sqrt((x / 0.56) ** 2 + ((y - 0.36) / np.where(y < 0.36, 0.80, 0.74)) ** 2)  # noqa: PLR2004
    return np.asarray((0.8 * smoothstep(1.3, 0.55, radius)).clip(0.002, 0.8))


def _core() -> Floats:
    """Return the oval that is face whatever the colours say."""
    x, y = _coordinates(_GRID)
    return smoothstep(1.0, 0.8, np.sqrt((x / 0.37) ** 2 + ((y - 0.53) / 0.58) ** 2))


def _binned(small: Floats) -> NDArray[np.intp]:
    levels = (small * (_BINS - 0.001)).astype(np.intp)
    return np.asarray((levels[..., 0] * _BINS + levels[..., 1]) * _BINS + levels[..., 2])


def _by_colour(colours: NDArray[np.intp], belief: Floats, guess: Floats) -> Floats:
    """Return the guess weighed by how often each pixel's colour is seen in the head and around it."""
    _, y = _coordinates(_GRID)
    beside = (y < 1.05) * np.ones_like(belief)  # clothes are the colour of anything: they say nothing
    head = _frequency(colours, belief * beside)[colours]
    around = _frequency(colours, (1 - belief) * beside)[colours]
    odds = (guess / (1 - guess)) * (head / around) ** 1.3
    return np.asarray(odds / (1 + odds))


def _frequency(colours: NDArray[np.intp], weights: Floats) -> Floats:
    """Return the smoothed share of each colour bin, neighbours counted in."""
    counts = np.bincount(colours.ravel(), weights.ravel(), _BINS**3).reshape(_BINS, _BINS, _BINS)
    for axis in range(3):
        padded = np.pad(counts, [(1, 1) if axis == other else (0, 0) for other in range(3)], mode="edge")
        counts = 0.5 * counts + 0.25 * (
            padded.take(range(_BINS), axis=axis) + padded.take(range(2, _BINS + 2), axis=axis)
        )
    share = counts.ravel() / counts.sum() + 2e-4
    return np.asarray(share)


def _walk(small: Floats, belief: Floats) -> Floats:
    """Solve the random walker: stay near the belief, change only across the picture's edges (conjugate gradients)."""
    right = np.exp(-60 * np.square(np.diff(small, axis=1)).sum(axis=2)) + 0.005
    down = np.exp(-60 * np.square(np.diff(small, axis=0)).sum(axis=2)) + 0.005
    trust = 0.02 + 0.12 * np.square(2 * belief - 1)

    def applied(values: Floats) -> Floats:
        result = trust * values
        flow = right * np.diff(values, axis=1)
        result[:, :-1] -= flow
        result[:, 1:] += flow
        flow = down * np.diff(values, axis=0)
        result[:-1] -= flow
        result[1:] += flow
        return result

    solution = belief.copy()
    residual = trust * belief - applied(solution)
    direction, energy = residual, float((residual**2).sum())
    for _ in range(_STEPS):
        image = applied(direction)
        step = energy / max(float((direction * image).sum()), 1e-12)
        solution = solution + step * direction
        residual = residual - step * image
        energy, before = float((residual**2).sum()), energy
        direction = residual + energy / max(before, 1e-12) * direction
    return solution


def _refined(picture: Image.Image, small: Floats, matte: Floats) -> Floats:
    """Carry the small matte to full size along the edges of the picture (fast guided filter, He and Sun 2015)."""
    guide = small.mean(axis=2)
    mean, matte_mean = _box(guide), _box(matte)
    slope = (_box(guide * matte) - mean * matte_mean) / (_box(guide**2) - mean**2 + 2e-4)
    offset = _box(matte_mean - slope * mean)
    full = np.asarray(picture, dtype=np.float32).mean(axis=2) / 255
    return np.asarray(_grown(_box(slope), picture.size) * full + _grown(offset, picture.size)).clip(0, 1)


def _box(values: Floats) -> Floats:
    """Return the mean over 5×5 pixels."""
    padded = np.pad(values, 2, mode="edge")
    rows = sum(padded[shift : shift + values.shape[0]] for shift in range(5))
    return np.asarray(sum(rows[:, shift : shift + values.shape[1]] for shift in range(5))) / 25


def _grown(values: Floats, size: tuple[int, int]) -> Floats:
    return np.asarray(Image.fromarray(values.astype(np.float32)).resize(size, Image.Resampling.BILINEAR))
