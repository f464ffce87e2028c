"""Bend a head a little: turn it to a side, or let it smile. The pixels stay those of the anchor."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from aurashot.sandbox.drawing._brush import lit
from aurashot.sandbox.drawing._face import Box

if TYPE_CHECKING:
    from aurashot.sandbox.drawing._matte import Cutout

Floats: TypeAlias = NDArray[np.floating[Any]]
Side: TypeAlias = Literal["left", "right"]

_TURN: Final = 0.20  # of half a head; the warp folds over at 0.5 and looks bent well before
_LIFT: Final = 0.030  # how far the corners of the mouth rise, in face heights
_SPREAD: Final = 0.022  # and how far they move apart


def turn(head: Cutout, side: Side) -> Cutout:
    """Return the head turned to a side of the image: a bounded parabola moves the middle and leaves the rims."""
    x, y = _coordinates(head.image.size, head.face)
    sign = 1 if side == "right" else -1
    across = (x / 0.62).clip(-1, 1)
    shift = sign * _TURN * 0.62 * (1 - across**2) * np.exp(-((y / 1.25) ** 4))
    image, matte = (_moved(each, head.face, shift, np.zeros_like(shift)) for each in (head.image, head.matte))
    return replace(head, image=lit(image, 1 + sign * 0.14 * across * (np.abs(y) < 2)), matte=matte)


def smile(image: Image.Image, face: Box) -> Image.Image:
    """Return the image with the corners of the mouth lifted and drawn apart, and the cheeks with them."""
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
    smiling.paste(_moved(patch, inner, spread, -rise), corner)
    return smiling


def _coordinates(size: tuple[int, int], face: Box) -> tuple[Floats, Floats]:
    """Return x and y from the middle of the face, in face heights."""
    x = (np.arange(size[0], dtype=np.float32) + 0.5 - face.centre[0]) / face.height
    y = (np.arange(size[1], dtype=np.float32) + 0.5 - face.centre[1]) / face.height
    return x[None, :], y[:, None]


def _moved(image: Image.Image, face: Box, right: Floats, down: Floats) -> Image.Image:
    """Return the image with every pixel fetched from where it moved from (in face heights), bilinearly."""
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
