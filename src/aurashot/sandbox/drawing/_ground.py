"""What every scene is painted with: the ground it stands on, sky, skyline, leaves, lamps and weather."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
from PIL import Image, ImageDraw

from aurashot.sandbox.drawing._brush import (
    Colour,
    cloud,
    disc,
    ellipse,
    glow,
    gradient,
    lit,
    mixed,
    paint,
    shaded,
)

if TYPE_CHECKING:
    from aurashot.sandbox.drawing._light import Light

LAMP: Final[Colour] = (255, 196, 120)
NEON: Final[tuple[Colour, ...]] = ((255, 186, 108), (255, 120, 150), (120, 190, 255), (255, 226, 170), (190, 140, 255))


@dataclass(frozen=True, slots=True)
class Ground:
    """What a painter has to work with."""

    size: tuple[int, int]
    light: Light
    accent: Colour | None
    random: np.random.Generator

    def lit(self, colour: Colour) -> Colour:
        """Return the colour of a surface in this light."""
        red, green, blue = (
            part * tint for part, tint in zip(shaded(colour, self.light.ambient), self.light.tint, strict=True)
        )
        return mixed((min(255, round(red)), min(255, round(green)), min(255, round(blue))), self.light.sky[2], 0.08)

    def choose(self, colour: Colour) -> Colour:
        """Return the accent colour that the prompt names, else the given one."""
        return self.accent or colour

    def uniform(self, low: float, high: float) -> float:
        """Return a random number of the range."""
        return float(self.random.uniform(low, high))


Painter: TypeAlias = Callable[[Ground], Image.Image]


def sky(ground: Ground, horizon: float) -> Image.Image:
    """Paint the sky down to the horizon (0 to 1): gradient, clouds, and the sun or the moon with stars."""
    (width, height), light = ground.size, ground.light
    top, middle, low = light.sky
    if ground.accent:
        top, middle, low = (
            mixed(top, ground.accent, 0.55),
            mixed(middle, ground.accent, 0.5),
            mixed(low, ground.accent, 0.3),
        )
    canvas = gradient(ground.size, ((0, top), (horizon * 0.55, middle), (horizon, low), (1, low)))
    drift = cloud(ground.size, ground.random, 3) + 0.6 * cloud(ground.size, ground.random, 8)
    canvas = lit(canvas, 1 + 0.11 * drift.clip(-0.4, 1.2))
    if light.lamps >= 1:
        for _ in range(60):
            glow(
                canvas, (ground.uniform(0, width), ground.uniform(0, horizon * height * 0.7)), 1.6, (220, 225, 255), 0.9
            )
        glow(canvas, (width * 0.83, height * 0.12), height * 0.16, (150, 160, 220), 0.5)
        disc(canvas, (width * 0.83, height * 0.12), height * 0.028, (240, 238, 226))
        return canvas
    sun = width * 0.24, height * (horizon - 0.11 if light.lamps > 0.3 else 0.1)
    glow(canvas, sun, height * 0.5, light.rim, 0.6)
    glow(canvas, sun, height * 0.14, (255, 244, 220), 0.9)
    return canvas


def skyline(canvas: Image.Image, ground: Ground, base: float, tallest: float) -> None:
    """Paint three rows of buildings that stand on a height (0 to 1), with lit windows in the dark."""
    (width, height), light = ground.size, ground.light
    draw = ImageDraw.Draw(canvas)
    for depth in (0.72, 0.45, 0.2):
        wall = mixed(ground.lit((92, 100, 118)), light.sky[2], depth)
        x = -ground.uniform(0, 30)
        while x < width:
            wide = ground.uniform(0.06, 0.13) * width
            roof = (base - tallest * ground.uniform(0.35, 1.0) * (1.15 - 0.5 * (1 - depth))) * height
            tone = shaded(wall, ground.uniform(0.88, 1.1))
            draw.rectangle((x, roof, x + wide, height), fill=tone)
            if ground.uniform(0, 1) < 0.25:
                draw.line((x + wide / 2, roof - 0.05 * height, x + wide / 2, roof), fill=tone, width=2)
            _windows(draw, ground, (x, roof, x + wide, base * height), tone)
            x += wide * ground.uniform(0.9, 1.25)


def _windows(draw: ImageDraw.ImageDraw, ground: Ground, box: tuple[float, float, float, float], wall: Colour) -> None:
    """Paint a grid of windows on a wall: lit ones by the lamps of the hour, the rest a shade off the wall."""
    left, top, right, bottom = box
    for y in np.arange(top + 5, bottom - 4, 8).tolist():
        for x in np.arange(left + 4, right - 4, 6.5).tolist():
            shining = ground.uniform(0, 1) < 0.5 * ground.light.lamps**2
            pane = (
                mixed(wall, mixed(LAMP, NEON[int(ground.uniform(0, 4.99))], 0.25), ground.uniform(0.45, 0.95))
                if shining
                else shaded(wall, 0.93)
            )
            draw.rectangle((x, y, x + 3, y + 4), fill=pane)


def bokeh(canvas: Image.Image, ground: Ground, band: tuple[float, float], count: int) -> None:
    """Scatter lamps that are out of focus between two heights (0 to 1)."""
    width, height = ground.size
    for _ in range(count):
        spot = ground.uniform(0, width), ground.uniform(*band) * height
        colour = ground.choose(LAMP) if ground.uniform(0, 1) < 0.4 else NEON[int(ground.uniform(0, 4.99))]
        disc(
            canvas, spot, ground.uniform(0.008, 0.03) * height, colour, ground.uniform(0.25, 0.75) * ground.light.lamps
        )


def foliage(canvas: Image.Image, ground: Ground, band: tuple[float, float], leaf: Colour, count: int) -> None:
    """Scatter leaves, out of focus, between two heights (0 to 1)."""
    width, height = ground.size
    for _ in range(count):
        spot = ground.uniform(0, width), ground.uniform(*band) * height
        size = ground.uniform(0.012, 0.05) * height
        tone = mixed(shaded(ground.lit(leaf), ground.uniform(0.65, 1.3)), ground.light.rim, ground.uniform(0, 0.18))
        paint(
            canvas, ellipse(spot, (size, size * ground.uniform(0.6, 1)), ground.size), tone, ground.uniform(0.35, 0.8)
        )


def snowfall(canvas: Image.Image, ground: Ground) -> None:
    """Let snow fall, out of focus."""
    width, height = ground.size
    for _ in range(120):
        disc(
            canvas,
            (ground.uniform(0, width), ground.uniform(0, height)),
            ground.uniform(0.8, 4.5),
            (235, 240, 250),
            ground.uniform(0.3, 0.8),
        )


def rain(canvas: Image.Image, ground: Ground) -> None:
    """Let rain fall in slanted streaks."""
    draw = ImageDraw.Draw(canvas, "RGBA")
    for _ in range(150):
        x, y, length = ground.uniform(0, ground.size[0]), ground.uniform(-20, ground.size[1]), ground.uniform(10, 34)
        draw.line((x, y, x - length * 0.16, y + length), fill=(215, 225, 240, round(ground.uniform(40, 110))), width=1)
