"""How alike two images are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from aurashot.sandbox.drawing._face import Box, find_face

if TYPE_CHECKING:
    from PIL import Image


def likeness(first: Image.Image, second: Image.Image) -> float:
    """Return the correlation of the middles of two faces, each found the way the sandbox finds it."""
    planes = [_middle(image) for image in (first, second)]
    return float(np.corrcoef(planes[0].ravel(), planes[1].ravel())[0, 1])


def _middle(image: Image.Image) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Return brows to mouth, as brightness."""
    face = box_of(image)
    inner = image.crop((face.left, face.top, face.right, face.bottom)).convert("L").resize((60, 80))
    return np.asarray(inner.crop((12, 22, 48, 68)), dtype=np.float64)


def box_of(image: Image.Image) -> Box:
    """Return where the face is."""
    return find_face(image)


def difference(first: Image.Image, second: Image.Image) -> float:
    """Return the mean difference of two images of one size, 0 to 255."""
    planes = [np.asarray(image, dtype=np.float64) for image in (first, second)]
    return float(np.abs(planes[0] - planes[1]).mean())
