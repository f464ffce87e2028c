"""Faces and their measurements: plain records."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple


class Point(NamedTuple):
    """A place in an image, in pixels from its upper left corner."""

    x: float
    y: float


class FaceBox(NamedTuple):
    """Where a face is, in pixels from the upper left corner of the upright image. It may reach over the edges."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """The width in pixels."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """The height in pixels."""
        return self.bottom - self.top

    @property
    def centre(self) -> Point:
        """The middle of the box."""
        return Point((self.left + self.right) / 2, (self.top + self.bottom) / 2)


class Landmarks(NamedTuple):
    """Five points of a face; right and left are the person's own."""

    right_eye: Point
    left_eye: Point
    nose: Point
    right_mouth: Point
    left_mouth: Point

    @property
    def eye_distance(self) -> float:
        """The distance between the eyes in pixels."""
        return math.dist(self.right_eye, self.left_eye)

    @property
    def roll(self) -> float:
        """The angle of the line through the eyes in degrees, positive when the head is tilted clockwise."""
        return math.degrees(math.atan2(self.left_eye.y - self.right_eye.y, self.left_eye.x - self.right_eye.x))

    @property
    def yaw(self) -> float:
        """How far the nose is from the middle of the eyes along their line, in eye distances.

        0 is frontal, and positive means that the face is turned to the right side of the image. A distance, not an
        angle: 0.6 is about 45 degrees.
        """
        across = (self.left_eye.x - self.right_eye.x, self.left_eye.y - self.right_eye.y)
        middle = ((self.right_eye.x + self.left_eye.x) / 2, (self.right_eye.y + self.left_eye.y) / 2)
        along = (self.nose.x - middle[0]) * across[0] + (self.nose.y - middle[1]) * across[1]
        return along / max(across[0] ** 2 + across[1] ** 2, 1e-9)

    @property
    def mouth_width(self) -> float:
        """The distance between the corners of the mouth, in eye distances."""
        return math.dist(self.right_mouth, self.left_mouth) / max(self.eye_distance, 1e-9)


@dataclass(frozen=True, slots=True)
class Detection:
    """What a detector reports of a face."""

    box: FaceBox
    landmarks: Landmarks
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """A face in an image, and how well it can be seen. It holds no pixels and nothing to recognise the person by.

    Attributes:
        box: Where it is.
        landmarks: Eyes, nose and corners of the mouth.
        score: How sure the detector is that it is a face, 0 to 1.
        size: The width of the face in pixels.
        sharpness: The variance of its fine detail over the variance of its brightness; below 0.010 it is blurred.
        exposure: The share of its pixels that are white, 0 to 1.
        contrast: The standard deviation of its brightness, of 255.
        eye_brightness: The brightness of the eyes over that of the cheeks; dark glasses are below 0.30.
        roll: The angle of the line through the eyes in degrees.
        yaw: How far the nose is from the middle of the eyes, in eye distances.
        is_drawn: Whether the metadata of the image say that the face was drawn.
    """

    box: FaceBox
    landmarks: Landmarks
    score: float
    size: float
    sharpness: float
    exposure: float
    contrast: float
    eye_brightness: float
    roll: float
    yaw: float
    is_drawn: bool = False
