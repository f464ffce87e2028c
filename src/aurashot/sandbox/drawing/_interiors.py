"""Interiors and the studio, drawn at half size like the outdoor scenes."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from PIL import ImageDraw

from aurashot.sandbox.drawing._primitives import Colour, Point, cloud, gradient, lit, mixed, paint, polygon, shaded
from aurashot.sandbox.drawing._scene_canvas import LAMP, SceneCanvas, bokeh, foliage, sky, skyline

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_JARS: Final = ((150, 62, 52), (66, 92, 112), (196, 164, 110), (78, 108, 80), (222, 212, 190), (112, 74, 92))
_BACKDROPS: Final = (
    (150, 162, 172),
    (176, 158, 146),
    (132, 150, 140),
    (148, 140, 166),
    (186, 166, 132),
    (118, 146, 170),
)


def _wall(scene: SceneCanvas, colour: Colour) -> None:
    """Cover the scene with a wall in uneven light."""
    tone = scene.lit(scene.choose(colour))
    scene.image = gradient(scene.image.size, ((0, shaded(tone, 0.82)), (0.45, tone), (1, shaded(tone, 0.66))))
    scene.image = lit(scene.image, 1 + 0.06 * cloud(scene.image.size, scene.random, 4))


def _window(scene: SceneCanvas, box: tuple[float, float, float, float], *, city: bool) -> None:
    """Draw a window with bars, the city or leaves behind it, and its light in the room."""
    light, outside = scene.light, replace(scene, accent=None)
    sky(outside, 0.8)
    if city:
        skyline(outside, 0.66, 0.3)
    else:
        foliage(outside, (0.3, 0.75), (96, 140, 76), 70)
    (left, top), (right, bottom) = (map(round, scene.pixel(corner)) for corner in (box[:2], box[2:]))
    frame = scene.lit((88, 62, 44))
    scene.image.paste(frame, (left - 7, top - 7, right + 7, bottom + 9))
    pane = outside.image.crop((left, top, right, bottom))
    brighter = [min(255, round(level * (0.9 + 0.25 * light.ambient))) for level in range(256)]
    scene.image.paste(pane.point(brighter * 3), (left, top))
    draw = ImageDraw.Draw(scene.image)
    for step in (1, 2):
        x = left + (right - left) * step / 3
        draw.rectangle((x - 2, top, x + 2, bottom), fill=frame)
    draw.rectangle((left, top + (bottom - top) * 0.36 - 2, right, top + (bottom - top) * 0.36 + 2), fill=frame)
    middle = (left + right) / 2 / scene.width, (top + bottom) / 2 / scene.height
    scene.glow(middle, (bottom - top) * 1.1, light.rim, 0.42 * light.ambient)


def _lamp(scene: SceneCanvas, at: Point) -> None:
    """Draw a shining lamp that hangs from the ceiling."""
    height, (x, y) = scene.height, scene.pixel(at)
    ImageDraw.Draw(scene.image).line((x, 0, x, y), fill=(38, 32, 30), width=2)
    corners = ((-0.012, -0.03), (0.012, -0.03), (0.045, 0.012), (-0.045, 0.012))
    shade = [(x + dx * height, y + dy * height) for dx, dy in corners]
    paint(scene.image, polygon(shade, scene.image.size), (44, 38, 38))
    scene.glow((at[0], at[1] + 0.03), 0.26 * scene.width, LAMP, 0.5)
    scene.disc((at[0], at[1] + 0.016), 0.017 * height, (255, 236, 196))


def _shelf(scene: SceneCanvas, box: tuple[float, float, float, float], rows: int) -> None:
    """Draw shelves with jars."""
    left, top, right, bottom = box
    scene.block(box, scene.lit((74, 52, 38)))
    space = (bottom - top) / rows
    for row in range(rows):
        floor = top + space * (row + 1)
        x = left + 0.01
        while x < right - 0.02:
            wide, tall = scene.uniform(0.022, 0.04), space * scene.uniform(0.6, 0.75)
            tone = scene.lit(_JARS[int(scene.uniform(0, 5.99))])
            radii = wide / 2 * scene.width, tall / 2 * scene.height
            scene.oval((x + wide / 2, floor - tall / 2), radii, tone)
            x += wide * 1.35
        scene.block((left, floor - 0.006, right, floor + 0.006), scene.lit((112, 80, 56)))


def _plant(scene: SceneCanvas, at: Point, size: float) -> None:
    """Draw a plant in a pot; its size is a fraction of the image's height."""
    (x, y), unit = scene.pixel(at), size * scene.height
    for _ in range(22):
        leaf = x + scene.random.normal(0, 0.28 * size) * scene.height, y - abs(scene.random.normal(0.3, 0.35)) * unit
        tone = shaded(scene.lit((70, 120, 74)), scene.uniform(0.7, 1.25))
        radii = scene.uniform(0.05, 0.16) * unit, scene.uniform(0.12, 0.26) * unit
        scene.oval((leaf[0] / scene.width, leaf[1] / scene.height), radii, tone)
    pot = [(x + dx * unit, y + dy * unit) for dx, dy in ((-0.2, 0), (0.2, 0), (0.15, 0.42), (-0.15, 0.42))]
    paint(scene.image, polygon(pot, scene.image.size), scene.lit((186, 120, 84)))


def _cafe(scene: SceneCanvas) -> None:
    """Draw a window, shelves, hanging lamps, and tables further back."""
    _wall(scene, (168, 122, 88))
    _window(scene, (-0.02, 0.1, 0.42, 0.66), city=scene.light.lamps >= 1)
    _shelf(scene, (0.64, 0.2, 1.02, 0.56), 3)
    scene.block((0.0, 0.74, 1.0, 1.0), scene.lit((92, 62, 44)))
    for x, y in ((0.08, 0.78), (0.9, 0.76)):
        scene.block((x - 0.012, y, x + 0.012, 1.0), (40, 32, 30))
        scene.oval((x, y), (0.16 * scene.width, 0.022 * scene.height), scene.lit((196, 150, 104)))
        scene.oval((x, y - 0.018), (9, 8), scene.lit((240, 234, 224)))
    _plant(scene, (0.5, 0.66), 0.14)
    for at in ((0.2, 0.17), (0.55, 0.12), (0.84, 0.15)):
        _lamp(scene, at)
    bokeh(scene, (0.08, 0.6), 16)


def _office(scene: SceneCanvas) -> None:
    """Draw a wide window over the city, a desk with screens, and a plant."""
    _wall(scene, (190, 196, 202))
    _window(scene, (0.04, 0.1, 0.96, 0.58), city=True)
    scene.block((0.0, 0.72, 1.0, 0.76), scene.lit((196, 170, 136)))
    scene.block((0.0, 0.76, 1.0, 1.0), scene.lit((120, 116, 116)))
    for x in (0.1, 0.86):
        scene.block((x - 0.085, 0.575, x + 0.085, 0.69), (30, 32, 38))
        shining = mixed(scene.choose((96, 150, 196)), (230, 240, 250), 0.3)
        scene.block((x - 0.077, 0.583, x + 0.077, 0.682), shining)
        scene.block((x - 0.01, 0.69, x + 0.01, 0.72), (50, 52, 58))
    _plant(scene, (0.7, 0.66), 0.15)
    for x in (0.25, 0.75):
        scene.glow((x, 0.02), 0.3 * scene.width, (255, 246, 230), 0.5)


def _home(scene: SceneCanvas) -> None:
    """Draw a living room: window, curtains, a framed print, sofa, plant and lamp."""
    _wall(scene, (206, 190, 168))
    _window(scene, (0.04, 0.12, 0.36, 0.56), city=False)
    for left, right in ((-0.02, 0.06), (0.34, 0.42)):
        scene.block((left, 0.08, right, 0.74), scene.lit((226, 216, 198)))
    scene.block((0.68, 0.2, 0.9, 0.4), scene.lit((70, 60, 54)))
    scene.block((0.69, 0.208, 0.89, 0.392), scene.lit((216, 170, 130)))
    scene.oval((0.79, 0.31), (26, 24), scene.lit((190, 96, 74)))
    sofa = scene.lit((96, 120, 122))
    scene.block((0.0, 0.66, 1.0, 0.86), sofa)
    scene.block((0.0, 0.84, 1.0, 1.0), shaded(sofa, 0.75))
    for x, tone in ((0.12, (222, 168, 96)), (0.86, (226, 214, 196))):
        scene.block((x - 0.09, 0.64, x + 0.09, 0.76), scene.lit(tone))
    _plant(scene, (0.93, 0.6), 0.16)
    _lamp(scene, (0.52, 0.13))


def _stage(scene: SceneCanvas) -> None:
    """Draw curtains and beams of light."""
    height, base = scene.height, scene.choose((88, 34, 96))
    scene.image = gradient(
        scene.image.size, ((0, shaded(base, 0.28)), (0.7, shaded(base, 0.55)), (1, shaded(base, 0.2)))
    )
    folds = cloud((scene.width, 2), scene.random, 24)[:1]
    scene.image = lit(scene.image, 1 + 0.35 * folds.repeat(height, axis=0))
    tones = ((110, 160, 255), (255, 130, 190), (255, 206, 130), (160, 120, 255))
    for x, lean, tone in zip((0.12, 0.35, 0.65, 0.88), (0.22, 0.08, -0.08, -0.22), tones, strict=True):
        for wide, strength in ((0.2, 0.08), (0.13, 0.12), (0.06, 0.16)):
            scene.fill([(x - 0.008, 0), (x + 0.008, 0), (x + lean + wide, 1), (x + lean - wide, 1)], tone, strength)
        scene.glow((x, 0), 0.22 * height, tone, 0.9)
        scene.disc((x, 0.012), 0.018 * height, (255, 250, 240))
    scene.glow((0.5, 0.95), 0.5 * scene.width, mixed(base, (255, 220, 200), 0.5), 0.5)
    bokeh(scene, (0.3, 0.9), 26)


def _studio(scene: SceneCanvas) -> None:
    """Draw a backdrop that is brightest behind the head."""
    tone = scene.lit(scene.choose(_BACKDROPS[int(scene.uniform(0, 5.99))]))
    canvas = gradient(scene.image.size, ((0, shaded(tone, 0.78)), (0.5, tone), (1, shaded(tone, 0.6))))
    noise = 0.05 * cloud(canvas.size, scene.random, 3) + 0.03 * cloud(canvas.size, scene.random, 9)
    scene.image = lit(canvas, 1 + noise)
    scene.glow((0.46, 0.34), 0.62 * scene.height, mixed(tone, (255, 255, 255), 0.4), 0.5)


INTERIORS: Final[Mapping[str, Callable[[SceneCanvas], None]]] = MappingProxyType(
    {"cafe": _cafe, "office": _office, "home": _home, "stage": _stage, "studio": _studio}
)
