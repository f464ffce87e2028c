"""Outdoor scenes, drawn at half size; they are blurred and enlarged afterwards."""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import ImageDraw

from aurashot.sandbox.drawing._primitives import Point, cloud, gradient, lit, mixed, paint, polygon, shaded, smooth
from aurashot.sandbox.drawing._scene_canvas import LAMP, NEON, SceneCanvas, bokeh, foliage, sky, skyline

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def _water(scene: SceneCanvas, top: float, bottom: float) -> None:
    """Draw the sea between two heights, with reflections of the sun."""
    light = scene.light
    upper, lower = round(top * scene.height), round(bottom * scene.height)
    deep = scene.lit((28, 92, 128))
    stops = ((0, mixed(light.sky[2], deep, 0.45)), (0.3, mixed(light.sky[1], deep, 0.7)), (1, deep))
    water = gradient((scene.width, lower - upper), stops)
    rows = np.arange(lower - upper, dtype=np.float32)[:, None]
    waves = np.asarray(np.sin(rows**0.8 * 2.2 + 5 * cloud(water.size, scene.random, 4)) * 0.06)
    scene.image.paste(lit(water, 1 + waves), (0, upper))
    for _ in range(170):
        depth = scene.uniform(0, 1) ** 1.6
        x = 0.24 + scene.random.standard_normal() * (0.03 + 0.09 * depth)
        y = top + (bottom - top) * depth + 2 / scene.height
        scene.oval((x, y), (1.5 + 8 * depth, 0.6 + 1.1 * depth), mixed(light.rim, (255, 255, 255), 0.3), 0.55)


def _beach(scene: SceneCanvas) -> None:
    """Draw sea, foam, sand and a palm."""
    sky(scene, 0.44)
    _water(scene, 0.44, 0.74)
    shore = [(0.0, 0.70), (0.3, 0.72), (0.6, 0.69), (1.0, 0.72), (1.0, 1.0), (0.0, 1.0)]
    scene.fill([(x, y - 0.018) for x, y in shore], scene.lit((244, 246, 240)), 0.8)
    scene.fill(shore, scene.lit((226, 198, 152)))
    _palm(scene, scene.pixel((0.93, 0.78)), 0.62 * scene.height)


def _palm(scene: SceneCanvas, foot: Point, tall: float) -> None:
    """Draw a palm that leans into the image; its position and height are in pixels."""
    bark, leaf = scene.lit((104, 80, 58)), scene.lit((52, 104, 62))
    crown = foot[0] - 0.16 * tall, foot[1] - tall
    bend = foot[0] + 0.03 * tall, foot[1] - 0.5 * tall
    sides = [[(x + sign * half, y) for (x, y), half in ((foot, 7), (bend, 5), (crown, 3))] for sign in (-1, 1)]
    paint(scene.image, polygon(sides[0] + sides[1][::-1], scene.image.size), bark)
    for angle in (-2.9, -2.4, -1.9, -1.3, -0.7, -0.2, 0.3, 2.8):
        reach = tall * 0.34
        tip = crown[0] + math.cos(angle) * reach, crown[1] + math.sin(angle) * reach * 0.7 + 0.14 * tall
        middle = crown[0] + math.cos(angle) * reach * 0.55, crown[1] + math.sin(angle) * reach * 0.6
        blade = smooth([crown, (middle[0], middle[1] - 7), tip, (middle[0], middle[1] + 7)])
        paint(scene.image, polygon(blade, scene.image.size), shaded(leaf, scene.uniform(0.8, 1.15)))


def _forest(scene: SceneCanvas) -> None:
    """Draw trunks in haze, leaves and beams of light."""
    light = scene.light
    haze = mixed(scene.lit((176, 196, 140)), light.sky[2], 0.4)
    stops = ((0, scene.lit((96, 134, 84))), (0.5, haze), (1, scene.lit((58, 74, 46))))
    scene.image = gradient(scene.image.size, stops)
    scene.glow((0.3, 0.3), 0.6 * scene.height, light.rim, 0.55)
    for depth in (0.75, 0.5, 0.25, 0.05):
        bark = mixed(scene.lit((66, 54, 44)), mixed(scene.lit((170, 190, 140)), light.sky[2], 0.3), depth)
        for _ in range(6):
            x, thick = scene.uniform(0, 1), (0.034 - 0.03 * depth) * scene.uniform(0.6, 1.1)
            top, foot = x + scene.uniform(-0.03, 0.03), 0.72 + 0.2 * (1 - depth)
            scene.fill([(top - thick * 0.7, 0), (top + thick * 0.7, 0), (x + thick, foot), (x - thick, foot)], bark)
        foliage(scene, (0, 0.34), (64, 112, 58), 26)
    scene.fill([(0, 0.84), (0.5, 0.8), (1, 0.85), (1, 1), (0, 1)], scene.lit((62, 82, 46)), 0.8)
    foliage(scene, (0.74, 1.0), (72, 116, 56), 60)
    for x in (0.1, 0.28, 0.44):
        scene.fill([(x, 0), (x + 0.05, 0), (x + 0.4, 1), (x + 0.24, 1)], light.rim, 0.10)


def _park(scene: SceneCanvas) -> None:
    """Draw a lawn with trees behind it and flowers on it."""
    sky(scene, 0.5)
    for depth in (0.5, 0.15):
        for _ in range(9):
            spot = scene.uniform(0, 1), 0.42 + scene.uniform(-0.14, 0.06)
            tone = mixed(scene.lit((82, 128, 66)), scene.light.sky[1], depth)
            radii = scene.uniform(0.1, 0.2) * scene.width, scene.uniform(0.09, 0.16) * scene.height
            scene.oval(spot, radii, shaded(tone, scene.uniform(0.8, 1.15)))
    lawn = scene.lit((122, 164, 82))
    outline = [scene.pixel(point) for point in ((0, 0.54), (0.5, 0.51), (1, 0.55), (1, 1), (0, 1))]
    field = polygon(outline, scene.image.size)
    stops = ((0, mixed(lawn, scene.light.rim, 0.25)), (1, shaded(lawn, 0.7)))
    scene.image.paste(gradient(field.mask.size, stops), field.box, field.mask)
    foliage(scene, (0.18, 0.5), (92, 140, 70), 60)
    flowers = (scene.choose((232, 120, 150)), (246, 214, 110), (240, 238, 232), (190, 140, 210))
    for _ in range(110):
        depth = scene.uniform(0, 1)
        petal = scene.lit(flowers[int(scene.uniform(0, 3.99))])
        scene.oval((scene.uniform(0, 1), 0.58 + 0.42 * depth), (1.5 + 5 * depth, 1.2 + 4 * depth), petal, 0.85)


def _city(scene: SceneCanvas) -> None:
    """Draw a street between buildings, with lamps and their reflections."""
    lamps = scene.light.lamps
    sky(scene, 0.7)
    skyline(scene, 0.74, 0.6)
    scene.block((0, 0.76, 1, 1), scene.lit((74, 76, 84)))
    for side, far in ((0.0, 0.30), (1.0, 0.70)):
        scene.fill([(side, 0.0), (far, 0.34), (far, 0.77), (side, 0.95)], scene.lit((86, 78, 80)), 0.9)
        for step in range(5):
            sign = side + (far - side) * (0.12 + 0.19 * step), 0.6 + 0.02 * step
            radius = 0.09 * scene.height * (1 - 0.12 * step)
            scene.glow(sign, radius, scene.choose(NEON[step]), 0.25 + 0.7 * lamps)
    bokeh(scene, (0.55, 0.8), 34)
    bokeh(scene, (0.8, 0.98), 10)


def _rooftop(scene: SceneCanvas) -> None:
    """Draw a terrace above the city: skyline, parapet, plants and string lights."""
    sky(scene, 0.62)
    skyline(scene, 0.68, 0.36)
    bokeh(scene, (0.5, 0.68), 26)
    wall = scene.lit((96, 74, 62))
    scene.block((0, 0.66, 1, 1), wall)
    scene.block((0, 0.645, 1, 0.67), shaded(wall, 1.35))
    for x in (0.06, 0.13, 0.88, 0.95):
        for _ in range(9):
            leaf = x + scene.uniform(-0.05, 0.05), 0.6 + scene.uniform(-0.05, 0.06)
            radii = scene.uniform(5, 11), scene.uniform(8, 16)
            scene.oval(leaf, radii, shaded(scene.lit((62, 104, 66)), scene.uniform(0.7, 1.2)))
    for start, end, sag in ((0.05, 0.22, 0.16), (0.20, 0.13, 0.12)):
        _string_lights(scene, start, end, sag)


def _string_lights(scene: SceneCanvas, start: float, end: float, sag: float) -> None:
    """Draw a sagging string of lamps from a height at the left edge to one at the right edge."""
    x = np.linspace(-0.02, 1.02, 40)
    y = start + (end - start) * x + sag * 4 * x * (1 - x) * 0.6
    wire = [scene.pixel(point) for point in zip(x.tolist(), y.tolist(), strict=True)]
    ImageDraw.Draw(scene.image).line(wire, fill=shaded(scene.light.sky[0], 0.5), width=1)
    for lamp in zip(x.tolist()[1::3], (y + 4 / scene.height).tolist()[1::3], strict=True):
        scene.glow(lamp, 0.05 * scene.height, scene.choose(LAMP), 0.35 + 0.4 * scene.light.lamps)
        scene.disc(lamp, 0.0085 * scene.height, (255, 232, 190), 0.95)


OUTDOORS: Final[Mapping[str, Callable[[SceneCanvas], None]]] = MappingProxyType(
    {"beach": _beach, "forest": _forest, "park": _park, "city": _city, "rooftop": _rooftop}
)
