"""Turn a head to a side, or make it smile, by moving its pixels."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import numpy as np
from PIL import Image

from aurashot.sandbox.drawing._face import Box
from aurashot.sandbox.drawing._primitives import lit

if TYPE_CHECKING:
    from aurashot.sandbox.drawing._matte import Cutout
    from aurashot.sandbox.drawing._primitives import Floats

Direction: TypeAlias = Literal["left", "right"]

_TURN: Final = 0.20  # of half a head; the warp folds over at 0.5 and looks distorted well before
_LIFT: Final = 0.030  # how far the corners of the mouth move up, in face heights
_SPREAD: Final = 0.022  # how far they move outward, in face heights


def turn(head: Cutout, side: Direction) -> Cutout:
    """Return the head, turned to a side of the image: the middle moves along a parabola, and the edges stay."""
    x, y = _coordinates(head.image.size, head.face)
    sign = 1 if side == "right" else -1
    across = (x / 0.62).clip(-1, 1)
    shift = sign * _TURN * 0.62 * (1 - across**2) * np.exp(-((y / 1.25) ** 4))
    image, matte = (_resampled(each, head.face, shift, np.zeros_like(shift)) for each in (head.image, head.matte))
    return replace(head, image=lit(image, 1 + sign * 0.14 * across * (np.abs(y) < 2)), matte=matte)


def smile(image: Image.Image, face: Box) -> Image.Image:
    """Return the image with the corners of the mouth moved up and outward, and the cheeks raised."""
    room = round(0.1 * face.height)
    corner = max(0, face.left - room), max(0, face.top + face.height // 2 - room)
    patch = image.crop((*corner, min(image.width, face.right + room), min(image.height, face.bottom + room)))
    inner = Box(*(round(v - corner[i % 2]) for i, v in enumerate((face.left, face.top, face.right, face.bottom))))
    x, y = _coordinates(patch.size, inner)
    rise, spread = np.zeros(patch.size[::-1], dtype=np.float32), np.zeros(patch.size[::-1], dtype=np.float32)
    for side in (-1, 1):
        pull = np.exp(-(((x - side * 0.155) / 0.085) ** 2) - ((y - 0.27) / 0.09) ** 2)
        cheek = np.exp(-(((x - side * 0.21) / 0.09) ** 2) - ((y - 0.12) / 0.09) ** 2)
        rise += _LIFT * pull + 0.4 * _LIFT * cheek
        spread += side * _SPREAD * pull
    smiling = image.copy()
    smiling.paste(_resampled(patch, inner, spread, -rise), corner)
    return smiling


def _coordinates(size: tuple[int, int], face: Box) -> tuple[Floats, Floats]:
    """Return x and y from the middle of the face, in face heights."""
    x = (np.arange(size[0], dtype=np.float32) + 0.5 - face.centre[0]) / face.height
    y = (np.arange(size[1], dtype=np.float32) + 0.5 - face.centre[1]) / face.height
    return x[None, :], y[:, None]


def _resampled(image: Image.Image, face: Box, right: Floats, down: Floats) -> Image.Image:
    """Return the image with its pixels moved by these distances in face heights, resampled bilinearly."""
    width, height = image.size
    x = (np.arange(width)[None, :] - right * face.height).clip(0, width - 1.001)
    y = (np.arange(height)[:, None] - down * face.height).clip(0, height - 1.001)
    column, row = x.astype(np.intp), y.astype(np.intp)
    pixels = np.asarray(image, dtype=np.float32).reshape(height, width, -1)
    across, along = (x - column)[..., None], (y - row)[..., None]
    upper = pixels[row, column] * (1 - across) + pixels[row, column + 1] * across
    lower = pixels[row + 1, column] * (1 - across) + pixels[row + 1, column + 1] * across
    moved = (upper * (1 - along) + lower * along).round().astype(np.uint8)
    return Image.fromarray(moved if moved.shape[2] > 1 else moved[..., 0])
