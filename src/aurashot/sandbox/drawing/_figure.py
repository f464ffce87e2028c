"""Draw a person in the proportions of their face, with shadows between the shapes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aurashot.sandbox.drawing._primitives import (
    Colour,
    Patch,
    Point,
    ellipse,
    mirrored,
    paint,
    polygon,
    shaded,
    smooth,
    stroke,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL import Image

    from aurashot.sandbox.drawing._face import Box


@dataclass(frozen=True, slots=True)
class Figure:
    """A canvas with the coordinates of a face, and a mask of the shapes that are drawn so far.

    Points are in face heights: x from the middle of the face, y downward from the chin.
    """

    canvas: Image.Image
    alpha: Image.Image
    face: Box

    def pixels(self, points: Sequence[Point]) -> list[Point]:
        """Return the points in pixels."""
        (middle, _), height = self.face.centre, self.face.height
        return [(middle + x * height, self.face.bottom + y * height) for x, y in points]

    def shape(self, half: Sequence[Point]) -> Patch:
        """Return a smooth symmetric shape from its right half."""
        return polygon(smooth(self.pixels(mirrored(half))), self.canvas.size)

    def patch(self, points: Sequence[Point], side: int = 1) -> Patch:
        """Return a polygon; `side` -1 mirrors it."""
        return polygon(self.pixels([(side * x, y) for x, y in points]), self.canvas.size)

    def oval(self, centre: Point, radii: Point) -> Patch:
        """Return an ellipse."""
        height = self.face.height
        return ellipse(self.pixels([centre])[0], (radii[0] * height, radii[1] * height), self.canvas.size)

    def fill(self, patch: Patch, colour: Colour, relief: float = 0.0) -> None:
        """Fill a shape; with relief (0 to 1) it gets dark edges and casts a shadow."""
        if relief:
            self.shade(patch, 0.05, 0.7 * relief)
        paint(self.canvas, patch, colour)
        self.alpha.paste(255, patch.box, patch.mask)
        if relief:
            paint(self.canvas, patch.minus(patch.soft(0.05 * self.face.height)), shaded(colour, 0.35), relief)

    def shade(self, patch: Patch, blur: float, strength: float, colour: Colour = (12, 10, 16)) -> None:
        """Draw a soft shadow of the shape on the shapes that are drawn so far."""
        soft = patch.soft(blur * self.face.height)
        paint(self.canvas, soft.within(Patch(self.alpha, (0, 0))), colour, strength)

    def stroke(self, points: Sequence[Point], width: float) -> Patch:
        """Return a line of this width along the points."""
        return stroke(self.pixels(points), width * self.face.height, self.canvas.size)

    def line(self, points: Sequence[Point], width: float, colour: Colour, opacity: float, blur: float) -> None:
        """Draw a line on the shapes that are drawn so far."""
        self.shade(self.stroke(points, width), blur, opacity, colour)
