"""Places in a city, under the sky. Painted at half size like the landscapes."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, ImageDraw

from aurashot.sandbox.drawing._brush import (
    disc,
    ellipse,
    glow,
    paint,
    polygon,
    shaded,
)
from aurashot.sandbox.drawing._ground import LAMP, NEON, Ground, Painter, bokeh, sky, skyline

if TYPE_CHECKING:
    from collections.abc import Mapping


def _city(ground: Ground) -> Image.Image:
    """Paint a street between buildings, with lamps and their reflections."""
    width, height = ground.size
    canvas = sky(ground, 0.7)
    skyline(canvas, ground, 0.74, 0.6)
    road = ground.lit((74, 76, 84))
    paint(
        canvas, polygon([(0, 0.76 * height), (width, 0.76 * height), (width, height), (0, height)], ground.size), road
    )
    for side, far in ((0.0, 0.30), (1.0, 0.70)):
        house = [(side, 0.0), (far, 0.34), (far, 0.77), (side, 0.95)]
        paint(canvas, polygon([(x * width, y * height) for x, y in house], ground.size), ground.lit((86, 78, 80)), 0.9)
        for step in range(5):
            x = side + (far - side) * (0.12 + 0.19 * step)
            sign = ground.choose(NEON[step])
            glow(
                canvas,
                (x * width, (0.6 + 0.02 * step) * height),
                0.09 * height * (1 - 0.12 * step),
                sign,
                0.25 + 0.7 * ground.light.lamps,
            )
    bokeh(canvas, ground, (0.55, 0.8), 34)
    bokeh(canvas, ground, (0.8, 0.98), 10)
    return canvas


def _rooftop(ground: Ground) -> Image.Image:
    """Paint a terrace above the city: skyline, parapet, plants and strings of lamps."""
    width, height = ground.size
    canvas = sky(ground, 0.62)
    skyline(canvas, ground, 0.68, 0.36)
    bokeh(canvas, ground, (0.5, 0.68), 26)
    wall = ground.lit((96, 74, 62))
    paint(
        canvas, polygon([(0, 0.66 * height), (width, 0.66 * height), (width, height), (0, height)], ground.size), wall
    )
    paint(
        canvas,
        polygon(
            [(0, 0.645 * height), (width, 0.645 * height), (width, 0.67 * height), (0, 0.67 * height)], ground.size
        ),
        shaded(wall, 1.35),
    )
    for x in (0.06, 0.13, 0.88, 0.95):
        for _ in range(9):
            leaf = (x + ground.uniform(-0.05, 0.05)) * width, (0.6 + ground.uniform(-0.05, 0.06)) * height
            paint(
                canvas,
                ellipse(leaf, (ground.uniform(5, 11), ground.uniform(8, 16)), ground.size),
                shaded(ground.lit((62, 104, 66)), ground.uniform(0.7, 1.2)),
            )
    for start, end, sag in ((0.05, 0.22, 0.16), (0.10, 0.06, 0.20), (0.20, 0.13, 0.12)):
        _string_lights(canvas, ground, (start, end), sag)
    return canvas


def _string_lights(canvas: Image.Image, ground: Ground, ends: tuple[float, float], sag: float) -> None:
    """Hang a sagging string of lamps from the left edge to the right one."""
    width, height = ground.size
    share = np.linspace(-0.02, 1.02, 40)
    drop = ends[0] + (ends[1] - ends[0]) * share + sag * 4 * share * (1 - share) * 0.6
    wire = [(float(x) * width, float(y) * height) for x, y in zip(share, drop, strict=True)]
    ImageDraw.Draw(canvas).line(wire, fill=shaded(ground.light.sky[0], 0.5), width=1)
    for x, y in wire[1::3]:
        glow(canvas, (x, y + 4), 0.05 * height, ground.choose(LAMP), 0.35 + 0.4 * ground.light.lamps)
        disc(canvas, (x, y + 4), 0.0085 * height, (255, 232, 190), 0.95)


TOWNSCAPES: Final[Mapping[str, Painter]] = MappingProxyType({"city": _city, "rooftop": _rooftop})
