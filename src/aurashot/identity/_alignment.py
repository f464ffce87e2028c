"""Turn a face upright, to the size and place that a network expects, and measure how well it can be seen.

All of it works on the points of eyes, nose and mouth. Sharpness, exposure and contrast are measured in the middle of
the aligned face, so that they do not depend on its size in the image.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from aurashot.identity._faces import Detection, Face, Landmarks, Point
from aurashot.identity._model import CROP

if TYPE_CHECKING:
    from aurashot.identity._model import Pixels

Matrix: TypeAlias = NDArray[np.float64]
"""Two rows of three numbers that map a point (x, y, 1)."""
Grey: TypeAlias = NDArray[np.float32]

# Where ArcFace and SFace expect eyes, nose and mouth in 112 by 112 pixels (insightface, arcface_dst).
_TEMPLATE: Final = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)
_INNER: Final = (slice(24, 104), slice(16, 96))
_EYES: Final = ((38, 52), (74, 52))
_CHEEKS: Final = ((35, 76), (77, 76))
_PATCH: Final = 5
_MARGIN: Final = 4


def similarity_transform(points: Matrix, targets: Matrix) -> Matrix:
    """Return the rotation, scale and shift that maps points to targets with the least squared error."""
    middle, target = points.mean(axis=0), targets.mean(axis=0)
    centred, aimed = points - middle, targets - target
    spread = max(float((centred**2).sum()), 1e-9)
    along = float((centred * aimed).sum()) / spread
    across = float((centred[:, 0] * aimed[:, 1] - centred[:, 1] * aimed[:, 0]).sum()) / spread
    turn = np.array([[along, -across], [across, along]])
    return np.hstack([turn, (target - turn @ middle)[:, None]]).astype(np.float64)


def aligned(pixels: Pixels, landmarks: Landmarks, size: int = CROP, *, zoom: float = 1.0) -> Pixels:
    """Return a face turned upright and scaled, `size` pixels wide and high.

    Args:
        pixels: The image.
        landmarks: The points of the face in it.
        size: The width and height of the result in pixels.
        zoom: How large the face is in the result; 1 is as networks expect it, less shows more around it.
    """
    middle = CROP / 2
    targets = ((_TEMPLATE - middle) * zoom + middle) * (size / CROP)
    points = np.array(landmarks, np.float64)
    matrix = similarity_transform(points, targets)
    region, shift = _region(pixels, matrix, size)
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    if scale < 0.5 and min(region.shape[:2]) * 2 * scale >= 1:  # averaged first, or fine detail would alias
        height, width = region.shape[:2]
        smaller = round(width * 2 * scale), round(height * 2 * scale)
        region = np.asarray(cv2.resize(region, smaller, interpolation=cv2.INTER_AREA), np.uint8)
        points = (points - shift) * (smaller[0] / width, smaller[1] / height)
    else:
        points = points - shift
    final = similarity_transform(points, targets)
    return np.asarray(cv2.warpAffine(region, final, (size, size), flags=cv2.INTER_LINEAR), np.uint8)


def _region(pixels: Pixels, matrix: Matrix, size: int) -> tuple[Pixels, Matrix]:
    """Return the part of an image that a crop shows, and where it begins."""
    corners = moved(np.array([[0, 0], [size, 0], [0, size], [size, size]], np.float64), inverse(matrix))
    height, width = pixels.shape[:2]
    left, top = np.floor(corners.min(axis=0)).astype(int) - _MARGIN
    right, bottom = np.ceil(corners.max(axis=0)).astype(int) + _MARGIN
    left, right = int(np.clip(left, 0, width - 1)), int(np.clip(right, 1, width))
    top, bottom = int(np.clip(top, 0, height - 1)), int(np.clip(bottom, 1, height))
    return pixels[top : max(bottom, top + 1), left : max(right, left + 1)], np.array([left, top], np.float64)


def inverse(matrix: Matrix) -> Matrix:
    """Return the matrix that undoes another one."""
    back = np.linalg.inv(matrix[:, :2])
    return np.hstack([back, -back @ matrix[:, 2:]]).astype(np.float64)


def moved(points: Matrix, matrix: Matrix) -> Matrix:
    """Return where a matrix puts points."""
    return points @ matrix[:, :2].T + matrix[:, 2]


def mapped(landmarks: Landmarks, matrix: Matrix) -> Landmarks:
    """Return where a matrix puts the points of a face."""
    return Landmarks(*(Point(float(x), float(y)) for x, y in moved(np.array(landmarks, np.float64), matrix)))


def grey_of(pixels: Pixels) -> Grey:
    """Return the brightness of an image, 0 to 255."""
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.float32)


def measured(found: Detection, crop: Pixels, *, is_drawn: bool) -> Face:
    """Return a face with its measurements.

    Args:
        found: Where it is.
        crop: The face, aligned to 112 by 112 pixels.
        is_drawn: Whether the image says that it was drawn.
    """
    grey = grey_of(crop)
    inner = grey[_INNER]
    return Face(
        box=found.box,
        landmarks=found.landmarks,
        score=found.score,
        size=found.box.width,
        sharpness=_sharpness(grey, float(inner.var())),
        exposure=float((inner >= 250).mean()),
        contrast=float(inner.std()),
        eye_brightness=_brightness(grey, _EYES) / max(_brightness(grey, _CHEEKS), 1.0),
        roll=found.landmarks.roll,
        yaw=found.landmarks.yaw,
        is_drawn=is_drawn,
    )


def _sharpness(grey: Grey, variance: float) -> float:
    laplacian: Any = cv2.Laplacian(grey, cv2.CV_32F, ksize=1)  # four neighbours
    return float(laplacian[_INNER].var()) / max(variance, 1e-6)


def _brightness(grey: Grey, places: tuple[tuple[int, int], ...]) -> float:
    patches = [grey[y - _PATCH : y + _PATCH + 1, x - _PATCH : x + _PATCH + 1] for x, y in places]
    return float(np.mean(patches))
