"""The canvas of a background, and what several scenes have in common: sky, skyline, leaves and lamps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, ImageDraw

from aurashot.sandbox.drawing._primitives import (
    Colour,
    Point,
    cloud,
    disc,
    ellipse,
    glow,
    gradient,
    lit,
    mixed,
    paint,
    polygon,
    shaded,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aurashot.sandbox.drawing._light import Light

LAMP: Final[Colour] = (255, 196, 120)
NEON: Final[tuple[Colour, ...]] = ((255, 186, 108), (255, 120, 150), (120, 190, 255), (255, 226, 170), (190, 140, 255))


@dataclass(slots=True)
class SceneCanvas:
    """A background in progress.

    Points are fractions of the image's width and height; radii are in pixels.

    Attributes:
        image: What is drawn so far.
        light: The light of the scene.
        accent: A colour that the prompt asks for.
        random: Determines the details.
    """

    image: Image.Image
    light: Light
    accent: Colour | None
    random: np.random.Generator

    @property
    def width(self) -> int:
        """The width in pixels."""
        return self.image.width

    @property
    def height(self) -> int:
        """The height in pixels."""
        return self.image.height

    def lit(self, colour: Colour) -> Colour:
        """Return the colour of a surface in this light."""
        red, green, blue = (
            part * tint for part, tint in zip(shaded(colour, self.light.ambient), self.light.tint, strict=True)
        )
        return mixed((min(255, round(red)), min(255, round(green)), min(255, round(blue))), self.light.sky[2], 0.08)

    def choose(self, colour: Colour) -> Colour:
        """Return the accent colour if there is one, else the given colour."""
        return self.accent or colour

    def uniform(self, low: float, high: float) -> float:
        """Return a random number between two limits."""
        return float(self.random.uniform(low, high))

    def pixel(self, point: Point) -> Point:
        """Return a point in pixels."""
        return point[0] * self.width, point[1] * self.height

    def fill(self, points: Sequence[Point], colour: Colour, opacity: float = 1.0) -> None:
        """Fill a polygon."""
        paint(self.image, polygon([self.pixel(point) for point in points], self.image.size), colour, opacity)

    def block(self, box: tuple[float, float, float, float], colour: Colour) -> None:
        """Fill a rectangle, given by its left, top, right and bottom."""
        left, top, right, bottom = box
        self.fill([(left, top), (right, top), (right, bottom), (left, bottom)], colour)

    def oval(self, centre: Point, radii: Point, colour: Colour, opacity: float = 1.0) -> None:
        """Fill an ellipse."""
        paint(self.image, ellipse(self.pixel(centre), radii, self.image.size), colour, opacity)

    def glow(self, centre: Point, radius: float, colour: Colour, strength: float) -> None:
        """Add light around a point."""
        glow(self.image, self.pixel(centre), radius, colour, strength)

    def disc(self, centre: Point, radius: float, colour: Colour, strength: float = 1.0) -> None:
        """Add an out-of-focus light."""
        disc(self.image, self.pixel(centre), radius, colour, strength)


def sky(scene: SceneCanvas, horizon: float) -> None:
    """Draw the sky down to the horizon: gradient, clouds, and the sun, or the moon and stars."""
    height, light = scene.height, scene.light
    top, middle, low = light.sky
    if scene.accent:
        top, middle, low = (
            mixed(colour, scene.accent, share) for colour, share in zip(light.sky, (0.55, 0.5, 0.3), strict=True)
        )
    scene.image = gradient(scene.image.size, ((0, top), (horizon * 0.55, middle), (horizon, low), (1, low)))
    clouds = cloud(scene.image.size, scene.random, 3) + 0.6 * cloud(scene.image.size, scene.random, 8)
    scene.image = lit(scene.image, 1 + 0.11 * clouds.clip(-0.4, 1.2))
    if light.lamps >= 1:
        for _ in range(60):
            scene.glow((scene.uniform(0, 1), scene.uniform(0, horizon * 0.7)), 1.6, (220, 225, 255), 0.9)
        scene.glow((0.83, 0.12), height * 0.16, (150, 160, 220), 0.5)
        scene.disc((0.83, 0.12), height * 0.028, (240, 238, 226))
        return
    sun = 0.24, horizon - 0.11 if light.lamps > 0.3 else 0.1
    scene.glow(sun, height * 0.5, light.rim, 0.6)
    scene.glow(sun, height * 0.14, (255, 244, 220), 0.9)


def skyline(scene: SceneCanvas, base: float, tallest: float) -> None:
    """Draw three rows of buildings above a base line, with lit windows in the dark."""
    (width, height), light = scene.image.size, scene.light
    draw = ImageDraw.Draw(scene.image)
    for depth in (0.72, 0.45, 0.2):
        wall = mixed(scene.lit((92, 100, 118)), light.sky[2], depth)
        x = -scene.uniform(0, 30)
        while x < width:
            wide = scene.uniform(0.06, 0.13) * width
            roof = (base - tallest * scene.uniform(0.35, 1.0) * (1.15 - 0.5 * (1 - depth))) * height
            tone = shaded(wall, scene.uniform(0.88, 1.1))
            draw.rectangle((x, roof, x + wide, height), fill=tone)
            if scene.uniform(0, 1) < 0.25:
                draw.line((x + wide / 2, roof - 0.05 * height, x + wide / 2, roof), fill=tone, width=2)
            _windows(draw, scene, (x, roof, x + wide, base * height), tone)
            x += wide * scene.uniform(0.9, 1.25)


def _windows(
    draw: ImageDraw.ImageDraw, scene: SceneCanvas, box: tuple[float, float, float, float], wall: Colour
) -> None:
    """Draw a grid of windows on a wall (in pixels); the darker the scene, the more of them are lit."""
    left, top, right, bottom = box
    for y in np.arange(top + 5, bottom - 4, 8).tolist():
        for x in np.arange(left + 4, right - 4, 6.5).tolist():
            pane = shaded(wall, 0.93)
            if scene.uniform(0, 1) < 0.5 * scene.light.lamps**2:
                lamp = mixed(LAMP, NEON[int(scene.uniform(0, 4.99))], 0.25)
                pane = mixed(wall, lamp, scene.uniform(0.45, 0.95))
            draw.rectangle((x, y, x + 3, y + 4), fill=pane)


def bokeh(scene: SceneCanvas, band: tuple[float, float], count: int) -> None:
    """Scatter out-of-focus lamps between two heights."""
    for _ in range(count):
        spot = scene.uniform(0, 1), scene.uniform(*band)
        colour = scene.choose(LAMP) if scene.uniform(0, 1) < 0.4 else NEON[int(scene.uniform(0, 4.99))]
        radius = scene.uniform(0.008, 0.03) * scene.height
        scene.disc(spot, radius, colour, scene.uniform(0.25, 0.75) * scene.light.lamps)


def foliage(scene: SceneCanvas, band: tuple[float, float], leaf: Colour, count: int) -> None:
    """Scatter out-of-focus leaves between two heights."""
    for _ in range(count):
        spot = scene.uniform(0, 1), scene.uniform(*band)
        size = scene.uniform(0.012, 0.05) * scene.height
        tone = mixed(shaded(scene.lit(leaf), scene.uniform(0.65, 1.3)), scene.light.rim, scene.uniform(0, 0.18))
        scene.oval(spot, (size, size * scene.uniform(0.6, 1)), tone, scene.uniform(0.35, 0.8))
