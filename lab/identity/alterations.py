"""One photograph, altered, and the cosine to the original that an independent implementation measured.

The numbers are those of the measurements that the thresholds come from, on the same two photographs; turned images were
compared there as the detector finds them, without turning them back.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
from PIL import Image, ImageFilter, ImageOps

if TYPE_CHECKING:
    from collections.abc import Callable

    from aurashot.identity import Face, Pixels


@dataclass(frozen=True, slots=True)
class Alteration:
    """One way to alter a photograph.

    Attributes:
        name: What is done.
        known: The cosines to the original that were measured elsewhere: astronaut, Hopper.
        alter: Returns the altered image, given the image and the face in it.
    """

    name: str
    known: tuple[float, float]
    alter: Callable[[Image.Image, Face], Image.Image]


def _jpeg(quality: int, image: Image.Image, _: Face) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return Image.open(file).convert("RGB")


def _face_width(width: float, image: Image.Image, face: Face) -> Image.Image:
    scale = width / face.size
    return image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.LANCZOS)


def _brightness(factor: float, image: Image.Image, _: Face) -> Image.Image:
    return _image(cv2.convertScaleAbs(_pixels(image), alpha=factor))


def _roll(angle: float, image: Image.Image, _: Face) -> Image.Image:
    width, height = image.size
    matrix = np.asarray(cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1), np.float64)
    across, along = abs(matrix[0, 1]), abs(matrix[0, 0])
    size = int(height * across + width * along), int(height * along + width * across)
    matrix[:, 2] += (size[0] - width) / 2, (size[1] - height) / 2
    return _image(cv2.warpAffine(_pixels(image), matrix, size))


def _crop(margin: float, image: Image.Image, face: Face) -> Image.Image:
    across, down = margin * face.box.width, margin * face.box.height
    box = (face.box.left - across, face.box.top - down, face.box.right + across, face.box.bottom + down)
    return image.crop((max(round(box[0]), 0), max(round(box[1]), 0), round(box[2]), round(box[3])))


def _mirrored(image: Image.Image, _: Face) -> Image.Image:
    return ImageOps.mirror(image)


def _grey(image: Image.Image, _: Face) -> Image.Image:
    return image.convert("L").convert("RGB")


def _blur(radius: float, image: Image.Image, face: Face) -> Image.Image:
    return _face_width(90, image, face).filter(ImageFilter.GaussianBlur(radius))


def _squeeze(share: float, image: Image.Image, _: Face) -> Image.Image:
    return image.resize((round(image.width * share), image.height))


def _cover(part: str, image: Image.Image, face: Face) -> Image.Image:
    """Cover the mouth with white, or the eyes with black."""
    points = face.landmarks
    one, other = (points[0], points[1]) if part == "eyes" else (points[3], points[4])
    unit = points.eye_distance
    across, down = (0.6 * unit if part == "eyes" else 0.8 * unit), 0.3 * unit
    x, y = (one.x + other.x) / 2, (one.y + other.y) / 2
    covered = _pixels(image).copy()
    colour = (0, 0, 0) if part == "eyes" else (255, 255, 255)
    cv2.rectangle(covered, (int(x - across), int(y - down)), (int(x + across), int(y + down)), colour, -1)
    return _image(covered)


def _pixels(image: Image.Image) -> Pixels:
    return np.asarray(image, np.uint8)


def _image(pixels: object) -> Image.Image:
    return Image.fromarray(np.asarray(pixels, np.uint8))


ALTERATIONS: Final = (
    Alteration("JPEG quality 50", (0.97, 0.99), partial(_jpeg, 50)),
    Alteration("JPEG quality 20", (0.94, 0.98), partial(_jpeg, 20)),
    Alteration("JPEG quality 10", (0.86, 0.92), partial(_jpeg, 10)),
    Alteration("JPEG quality 5", (0.66, 0.87), partial(_jpeg, 5)),
    Alteration("face 112 px wide", (0.95, 0.98), partial(_face_width, 112)),
    Alteration("face 80 px wide", (0.96, 0.95), partial(_face_width, 80)),
    Alteration("face 48 px wide", (0.94, 0.91), partial(_face_width, 48)),
    Alteration("face 28 px wide", (0.79, 0.77), partial(_face_width, 28)),
    Alteration("brightness times 0.3", (0.93, 0.96), partial(_brightness, 0.3)),
    Alteration("brightness times 1.4", (0.83, 0.94), partial(_brightness, 1.4)),
    Alteration("brightness times 1.8", (0.49, 0.81), partial(_brightness, 1.8)),
    Alteration("brightness times 2.5", (0.28, 0.44), partial(_brightness, 2.5)),
    Alteration("roll 10°", (0.91, 0.95), partial(_roll, 10)),
    Alteration("roll 20°", (0.81, 0.89), partial(_roll, 20)),
    Alteration("roll 30°", (0.48, 0.84), partial(_roll, 30)),
    Alteration("roll 45°", (0.05, 0.32), partial(_roll, 45)),
    Alteration("cropped to the face", (0.93, 0.96), partial(_crop, 0.1)),
    Alteration("mirrored", (0.95, 0.96), _mirrored),
    Alteration("grey", (0.96, 0.94), _grey),
    Alteration("blur 2 px, face 90 px", (0.82, 0.85), partial(_blur, 2)),
    Alteration("blur 3 px, face 90 px", (0.60, 0.66), partial(_blur, 3)),
    Alteration("blur 5 px, face 90 px", (0.21, 0.31), partial(_blur, 5)),
    Alteration("squeezed to 70 %", (0.87, 0.84), partial(_squeeze, 0.7)),
    Alteration("squeezed to 50 %", (0.76, 0.46), partial(_squeeze, 0.5)),
    Alteration("mouth covered", (0.76, 0.87), partial(_cover, "mouth")),
    Alteration("eyes covered", (0.58, 0.68), partial(_cover, "eyes")),
)
