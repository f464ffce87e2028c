"""Landscapes. Each painter draws a background at half size; it is blurred and enlarged afterwards."""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np

from aurashot.sandbox.drawing._brush import (
    cloud,
    ellipse,
    glow,
    gradient,
    lit,
    mixed,
    paint,
    polygon,
    shaded,
    smooth,
)
from aurashot.sandbox.drawing._ground import Ground, Painter, foliage, sky, snowfall

if TYPE_CHECKING:
    from collections.abc import Mapping

    from PIL import Image


def _water(canvas: Image.Image, ground: Ground, top: float, bottom: float) -> None:
    """Paint the sea between two heights, with the light of the sky lying on it."""
    (width, height), light = ground.size, ground.light
    upper, lower = round(top * height), round(bottom * height)
    deep = ground.lit((28, 92, 128))
    water = gradient(
        (width, lower - upper), ((0, mixed(light.sky[2], deep, 0.45)), (0.3, mixed(light.sky[1], deep, 0.7)), (1, deep))
    )
    rows = np.arange(lower - upper, dtype=np.float32)[:, None]
    waves = np.asarray(np.sin(rows**0.8 * 2.2 + 5 * cloud(water.size, ground.random, 4)) * 0.06)
    canvas.paste(lit(water, 1 + waves), (0, upper))
    for _ in range(170):
        depth = ground.uniform(0, 1) ** 1.6
        x = width * (0.24 + ground.random.standard_normal() * (0.03 + 0.09 * depth))
        length = 1.5 + 8 * depth
        y = upper + 2 + depth * (lower - upper)
        paint(
            canvas,
            ellipse((x, y), (length, 0.6 + 1.1 * depth), ground.size),
            mixed(light.rim, (255, 255, 255), 0.3),
            0.55,
        )


def _sea(ground: Ground) -> Image.Image:
    canvas = sky(ground, 0.46)
    _water(canvas, ground, 0.46, 1)
    return canvas


def _beach(ground: Ground) -> Image.Image:
    """Paint sea, foam, sand and a palm."""
    width, height = ground.size
    canvas = sky(ground, 0.44)
    _water(canvas, ground, 0.44, 0.74)
    shore = [(0.0, 0.70), (0.3, 0.72), (0.6, 0.69), (1.0, 0.72), (1.0, 1.0), (0.0, 1.0)]
    sand = polygon([(x * width, y * height) for x, y in shore], ground.size)
    paint(
        canvas,
        polygon([(x * width, (y - 0.018) * height) for x, y in shore], ground.size),
        ground.lit((244, 246, 240)),
        0.8,
    )
    paint(canvas, sand, ground.lit((226, 198, 152)))
    _palm(canvas, ground, (0.93 * width, 0.78 * height), 0.62 * height)
    return canvas


def _palm(canvas: Image.Image, ground: Ground, foot: tuple[float, float], tall: float) -> None:
    """Paint a palm that leans into the image."""
    bark, leaf = ground.lit((104, 80, 58)), ground.lit((52, 104, 62))
    crown = foot[0] - 0.16 * tall, foot[1] - tall
    bend = foot[0] + 0.03 * tall, foot[1] - 0.5 * tall
    trunk = [
        (foot[0] - 7, foot[1]),
        (bend[0] - 5, bend[1]),
        (crown[0] - 3, crown[1]),
        (crown[0] + 3, crown[1]),
        (bend[0] + 5, bend[1]),
        (foot[0] + 7, foot[1]),
    ]
    paint(canvas, polygon(trunk, ground.size), bark)
    for angle in (-2.9, -2.4, -1.9, -1.3, -0.7, -0.2, 0.3, 2.8):
        reach = tall * 0.34
        tip = crown[0] + math.cos(angle) * reach, crown[1] + math.sin(angle) * reach * 0.7 + 0.14 * tall
        middle = crown[0] + math.cos(angle) * reach * 0.55, crown[1] + math.sin(angle) * reach * 0.6
        blade = [crown, (middle[0], middle[1] - 7), tip, (middle[0], middle[1] + 7)]
        paint(canvas, polygon(smooth(blade), ground.size), shaded(leaf, ground.uniform(0.8, 1.15)))


def _forest(ground: Ground) -> Image.Image:
    """Paint trunks in the haze, leaves and beams of light."""
    (width, height), light = ground.size, ground.light
    canvas = gradient(
        ground.size,
        (
            (0, ground.lit((96, 134, 84))),
            (0.5, mixed(ground.lit((176, 196, 140)), light.sky[2], 0.4)),
            (1, ground.lit((58, 74, 46))),
        ),
    )
    glow(canvas, (0.3 * width, 0.3 * height), 0.6 * height, light.rim, 0.55)
    for depth in (0.75, 0.5, 0.25, 0.05):
        bark = mixed(ground.lit((66, 54, 44)), mixed(ground.lit((170, 190, 140)), light.sky[2], 0.3), depth)
        for _ in range(6):
            x, thick = ground.uniform(0, 1) * width, (0.034 - 0.03 * depth) * width * ground.uniform(0.6, 1.1)
            lean = ground.uniform(-0.03, 0.03) * width
            foot = (0.72 + 0.2 * (1 - depth)) * height
            paint(
                canvas,
                polygon(
                    [(x + lean - thick * 0.7, 0), (x + lean + thick * 0.7, 0), (x + thick, foot), (x - thick, foot)],
                    ground.size,
                ),
                bark,
            )
        foliage(canvas, ground, (0, 0.34), (64, 112, 58), 26)
    paint(
        canvas,
        polygon(
            [(0, 0.84 * height), (width * 0.5, 0.8 * height), (width, 0.85 * height), (width, height), (0, height)],
            ground.size,
        ),
        ground.lit((62, 82, 46)),
        0.8,
    )
    foliage(canvas, ground, (0.74, 1.0), (72, 116, 56), 60)
    for x in (0.1, 0.28, 0.44):
        beam = [(x * width, 0), ((x + 0.05) * width, 0), ((x + 0.4) * width, height), ((x + 0.24) * width, height)]
        paint(canvas, polygon(beam, ground.size), light.rim, 0.10)
    return canvas


def _park(ground: Ground) -> Image.Image:
    """Paint a lawn with trees behind it and flowers on it."""
    width, height = ground.size
    canvas = sky(ground, 0.5)
    for depth in (0.5, 0.15):
        for _ in range(9):
            spot = ground.uniform(0, width), (0.42 + ground.uniform(-0.14, 0.06)) * height
            tone = mixed(ground.lit((82, 128, 66)), ground.light.sky[1], depth)
            paint(
                canvas,
                ellipse(spot, (ground.uniform(0.1, 0.2) * width, ground.uniform(0.09, 0.16) * height), ground.size),
                shaded(tone, ground.uniform(0.8, 1.15)),
            )
    lawn = ground.lit((122, 164, 82))
    field = polygon(
        [(0, 0.54 * height), (width * 0.5, 0.51 * height), (width, 0.55 * height), (width, height), (0, height)],
        ground.size,
    )
    canvas.paste(
        gradient(field.mask.size, ((0, mixed(lawn, ground.light.rim, 0.25)), (1, shaded(lawn, 0.7)))),
        field.box,
        field.mask,
    )
    foliage(canvas, ground, (0.18, 0.5), (92, 140, 70), 60)
    flowers = (ground.choose((232, 120, 150)), (246, 214, 110), (240, 238, 232), (190, 140, 210))
    for _ in range(110):
        depth = ground.uniform(0, 1)
        petal = flowers[int(ground.uniform(0, 3.99))]
        paint(
            canvas,
            ellipse(
                (ground.uniform(0, width), (0.58 + 0.42 * depth) * height),
                (1.5 + 5 * depth, 1.2 + 4 * depth),
                ground.size,
            ),
            ground.lit(petal),
            0.85,
        )
    return canvas


def _snow(ground: Ground) -> Image.Image:
    """Paint mountains, firs and a white field."""
    width, height = ground.size
    canvas = sky(ground, 0.55)
    for depth, base, tall in ((0.6, 0.52, 0.3), (0.35, 0.58, 0.22)):
        rock = mixed(ground.lit((112, 128, 156)), ground.light.sky[1], depth)
        for centre in (0.1, 0.42, 0.86):
            x, peak = (centre + ground.uniform(-0.08, 0.08)) * width, (base - tall * ground.uniform(0.7, 1.1)) * height
            half = ground.uniform(0.26, 0.4) * width
            paint(canvas, polygon([(x - half, base * height), (x, peak), (x + half, base * height)], ground.size), rock)
            cap = [
                (x, peak),
                (x + half * 0.36, peak + 0.36 * (base * height - peak)),
                (x + half * 0.1, peak + 0.28 * (base * height - peak)),
                (x - half * 0.12, peak + 0.4 * (base * height - peak)),
                (x - half * 0.34, peak + 0.34 * (base * height - peak)),
            ]
            paint(canvas, polygon(cap, ground.size), ground.lit((240, 244, 250)), 0.92)
    paint(
        canvas,
        polygon(
            [(0, 0.57 * height), (width * 0.4, 0.55 * height), (width, 0.6 * height), (width, height), (0, height)],
            ground.size,
        ),
        ground.lit((232, 238, 248)),
    )
    for _ in range(16):
        _fir(canvas, ground, (ground.uniform(0, width), ground.uniform(0.58, 0.72) * height))
    snowfall(canvas, ground)
    return canvas


def _fir(canvas: Image.Image, ground: Ground, foot: tuple[float, float]) -> None:
    tall = (foot[1] / ground.size[1] - 0.42) * 0.8 * ground.size[1]
    for level in range(4):
        wide, y = tall * (0.32 - 0.065 * level), foot[1] - tall * 0.22 * level
        tier = [(foot[0] - wide, y), (foot[0], y - tall * 0.4), (foot[0] + wide, y)]
        paint(canvas, polygon(tier, ground.size), ground.lit((52, 86, 76)))
        paint(
            canvas,
            polygon(
                [
                    (foot[0] - wide * 0.8, y - tall * 0.05),
                    (foot[0], y - tall * 0.4),
                    (foot[0] + wide * 0.1, y - tall * 0.16),
                ],
                ground.size,
            ),
            ground.lit((236, 240, 248)),
            0.75,
        )


def _desert(ground: Ground) -> Image.Image:
    """Paint dunes, each with a lit and a shaded side."""
    width, height = ground.size
    canvas = sky(ground, 0.5)
    for step, base in enumerate((0.5, 0.6, 0.72, 0.86)):
        sand = shaded(mixed(ground.lit((222, 160, 100)), ground.light.sky[2], 0.4 - 0.13 * step), 1 - 0.06 * step)
        crest = ground.uniform(0.25, 0.75)
        ridge = [
            (-0.1, base + 0.05),
            (crest - 0.25, base),
            (crest, base - 0.06),
            (crest + 0.3, base + 0.01),
            (1.1, base + 0.04),
            (1.1, 1.2),
            (-0.1, 1.2),
        ]
        paint(canvas, polygon(smooth([(x * width, y * height) for x, y in ridge]), ground.size), sand)
        lee = [
            (crest, base - 0.058),
            (crest + 0.3, base + 0.012),
            (1.1, base + 0.045),
            (1.1, 1.1),
            (crest + 0.12, 1.1),
            (crest + 0.1, base + 0.1),
        ]
        paint(canvas, polygon([(x * width, y * height) for x, y in lee], ground.size), shaded(sand, 0.72), 0.6)
    return canvas


LANDSCAPES: Final[Mapping[str, Painter]] = MappingProxyType(
    {"beach": _beach, "sea": _sea, "forest": _forest, "park": _park, "snow": _snow, "desert": _desert}
)
