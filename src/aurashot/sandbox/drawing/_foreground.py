"""The table in front of a person in a cafe; an edit keeps it, like the person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aurashot.sandbox.drawing._primitives import Colour, Patch, Point, ellipse, mixed, paint, polygon, shaded

if TYPE_CHECKING:
    from PIL import Image

    from aurashot.sandbox.drawing._light import Light


@dataclass(frozen=True, slots=True)
class _Foreground:
    """The image and the matte to draw on, and the light."""

    image: Image.Image
    matte: Image.Image
    light: Light

    def fill(self, patch: Patch, colour: Colour) -> None:
        """Fill a shape, and add it to the matte."""
        paint(self.image, patch, colour)
        self.matte.paste(255, patch.box, patch.mask)

    def lit(self, colour: Colour) -> Colour:
        """Return the colour of a surface in the light of the scene; lamps keep it from getting too dark."""
        return mixed(shaded(colour, max(0.55, self.light.ambient)), self.light.rim, 0.10)


def draw_table(image: Image.Image, matte: Image.Image, light: Light) -> tuple[Image.Image, Image.Image]:
    """Return the image with a wooden table and a cup of coffee in front, and the matte with both added."""
    foreground = _Foreground(image.copy(), matte.copy(), light)
    _draw_wood(foreground)
    _draw_cup(foreground)
    return foreground.image, foreground.matte


def _draw_wood(on: _Foreground) -> None:
    """Draw the near edge of a table across the lowest tenth of the image."""
    image, (width, height), colour = on.image, on.image.size, on.lit((150, 104, 68))
    top = 0.905 * height
    board: list[Point] = [(0, top), (width, top - 0.012 * height), (width, height), (0, height)]
    shadow = polygon([(x, y - 0.012 * height) for x, y in board[:2]] + board[2:], image.size).soft(0.012 * height)
    paint(image, shadow, (16, 12, 14), 0.55)
    on.fill(polygon(board, image.size), colour)
    for share in (0.25, 0.5, 0.78):
        left, right = top + share * 0.1 * height, top + (share * 0.1 - 0.01) * height
        grain = polygon([(0, left), (width, right), (width, right + 2), (0, left + 3)], image.size)
        paint(image, grain, shaded(colour, 0.82), 0.6)
    edge = [*board[:2], (width, top - 0.007 * height), (0, top + 0.005 * height)]
    paint(image, polygon(edge, image.size), mixed(colour, (255, 240, 214), 0.4), 0.8)


def _draw_cup(on: _Foreground) -> None:
    """Draw a cup of coffee on a saucer."""
    image, size = on.image, on.image.size
    x, y, r = 0.23 * size[0], 0.94 * size[1], 0.062 * size[0]
    china = on.lit((244, 240, 232))

    def oval(dx: float, dy: float, wide: float, high: float) -> Patch:
        return ellipse((x + dx * r, y + dy * r), (wide * r, high * r), size)

    paint(image, oval(0.1, 0.12, 1.75, 0.42).soft(8), (30, 20, 16), 0.5)
    on.fill(oval(0, 0, 1.65, 0.36), shaded(china, 0.9))
    paint(image, oval(0, -0.03, 1.1, 0.22), shaded(china, 0.78))
    on.fill(oval(1.08, -0.72, 0.42, 0.36).minus(oval(1.08, -0.72, 0.26, 0.21)), shaded(china, 0.88))
    outline = ((-1, -1.25), (1, -1.25), (0.86, -0.5), (0.5, 0), (-0.5, 0), (-0.86, -0.5))
    body = polygon([(x + dx * r, y + dy * r) for dx, dy in outline], size)
    on.fill(body, china)
    paint(image, body.minus(body.soft(0.4 * r)), shaded(china, 0.6), 0.7)
    paint(image, oval(-0.45, -0.75, 0.12, 0.4).soft(5), (255, 255, 255), 0.7)
    on.fill(oval(0, -1.25, 1, 0.27), shaded(china, 0.95))
    paint(image, oval(0, -1.23, 0.9, 0.21), (92, 56, 34))
    paint(image, oval(-0.1, -1.22, 0.5, 0.1).soft(3), (214, 170, 120), 0.9)
