"""Places under a roof, and the studio. Painted at half size like the places outdoors."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from PIL import Image, ImageDraw

from aurashot.sandbox.drawing._brush import (
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
from aurashot.sandbox.drawing._ground import LAMP, Ground, Painter, bokeh, foliage, sky, skyline

if TYPE_CHECKING:
    from collections.abc import Mapping


def _scaled(ground: Ground, points: list[Point]) -> list[Point]:
    return [(x * ground.size[0], y * ground.size[1]) for x, y in points]


def _block(canvas: Image.Image, ground: Ground, box: tuple[float, float, float, float], colour: Colour) -> None:
    """Fill a box given in shares of the image."""
    left, top, right, bottom = box
    paint(
        canvas,
        polygon(_scaled(ground, [(left, top), (right, top), (right, bottom), (left, bottom)]), ground.size),
        colour,
    )


def _wall(ground: Ground, colour: Colour) -> Image.Image:
    """Paint a wall with uneven light on it."""
    paintwork = ground.lit(ground.choose(colour))
    canvas = gradient(ground.size, ((0, shaded(paintwork, 0.82)), (0.45, paintwork), (1, shaded(paintwork, 0.66))))
    return lit(canvas, 1 + 0.06 * cloud(ground.size, ground.random, 4))


def _window(canvas: Image.Image, ground: Ground, box: tuple[float, float, float, float], view: str) -> None:
    """Paint a window with bars, the world behind it, and its light in the room."""
    (width, height), light = ground.size, ground.light
    outside = sky(Ground(ground.size, light, None, ground.random), 0.8)
    if view == "city":
        skyline(outside, ground, 0.66, 0.3)
    else:
        foliage(outside, Ground(ground.size, light, None, ground.random), (0.3, 0.75), (96, 140, 76), 70)
    left, top, right, bottom = (
        round(box[0] * width),
        round(box[1] * height),
        round(box[2] * width),
        round(box[3] * height),
    )
    frame = ground.lit((88, 62, 44))
    canvas.paste(frame, (left - 7, top - 7, right + 7, bottom + 9))
    canvas.paste(_pane(outside.crop((left, top, right, bottom)), light.ambient), (left, top))
    draw = ImageDraw.Draw(canvas)
    for step in (1, 2):
        x = left + (right - left) * step / 3
        draw.rectangle((x - 2, top, x + 2, bottom), fill=frame)
    draw.rectangle((left, top + (bottom - top) * 0.36 - 2, right, top + (bottom - top) * 0.36 + 2), fill=frame)
    glow(canvas, ((left + right) / 2, (top + bottom) / 2), (bottom - top) * 1.1, light.rim, 0.42 * light.ambient)


def _pane(view: Image.Image, ambient: float) -> Image.Image:
    """Return what is seen through glass: brighter than the room by day."""
    return view.point([min(255, round(level * (0.9 + 0.25 * ambient))) for level in range(256)] * 3)


def _lamp(canvas: Image.Image, ground: Ground, at: Point, colour: Colour) -> None:
    """Hang a lamp from the ceiling and let it shine."""
    (width, height), (x, y) = ground.size, (at[0] * ground.size[0], at[1] * ground.size[1])
    ImageDraw.Draw(canvas).line((x, 0, x, y), fill=(38, 32, 30), width=2)
    shade = [
        (x - 0.012 * height, y - 0.03 * height),
        (x + 0.012 * height, y - 0.03 * height),
        (x + 0.045 * height, y + 0.012 * height),
        (x - 0.045 * height, y + 0.012 * height),
    ]
    paint(canvas, polygon(shade, ground.size), (44, 38, 38))
    glow(canvas, (x, y + 0.03 * height), 0.26 * width, colour, 0.5)
    disc(canvas, (x, y + 0.016 * height), 0.017 * height, (255, 236, 196))


def _shelf(
    canvas: Image.Image, ground: Ground, box: tuple[float, float, float, float], rows: int, *, books: bool
) -> None:
    """Paint shelves with books, or with jars, cups and plants."""
    width, height = ground.size
    left, top, right, bottom = box
    _block(canvas, ground, box, ground.lit((74, 52, 38)))
    for row in range(rows):
        floor = top + (bottom - top) * (row + 1) / rows
        space = (bottom - top) / rows
        x = left + 0.01
        while x < right - 0.02:
            wide = ground.uniform(0.010, 0.022) if books else ground.uniform(0.022, 0.04)
            tall = space * ground.uniform(0.6, 0.88 if books else 0.75)
            tone = ((150, 62, 52), (66, 92, 112), (196, 164, 110), (78, 108, 80), (222, 212, 190), (112, 74, 92))[
                int(ground.uniform(0, 5.99))
            ]
            if books:
                _block(canvas, ground, (x, floor - tall, x + wide, floor), ground.lit(tone))
            else:
                middle = (x + wide / 2) * width, (floor - tall / 2) * height
                paint(canvas, ellipse(middle, (wide / 2 * width, tall / 2 * height), ground.size), ground.lit(tone))
            x += wide * (1.08 if books else 1.35)
        _block(canvas, ground, (left, floor - 0.006, right, floor + 0.006), ground.lit((112, 80, 56)))


def _plant(canvas: Image.Image, ground: Ground, at: Point, size: float) -> None:
    """Paint a plant in a pot."""
    (x, y), height = (at[0] * ground.size[0], at[1] * ground.size[1]), ground.size[1]
    for _ in range(22):
        leaf = (
            x + ground.random.normal(0, 0.28 * size) * height,
            y - abs(ground.random.normal(0.3, 0.35)) * size * height,
        )
        tone = shaded(ground.lit((70, 120, 74)), ground.uniform(0.7, 1.25))
        paint(
            canvas,
            ellipse(
                leaf,
                (ground.uniform(0.05, 0.16) * size * height, ground.uniform(0.12, 0.26) * size * height),
                ground.size,
            ),
            tone,
        )
    pot = [
        (x - 0.2 * size * height, y),
        (x + 0.2 * size * height, y),
        (x + 0.15 * size * height, y + 0.42 * size * height),
        (x - 0.15 * size * height, y + 0.42 * size * height),
    ]
    paint(canvas, polygon(pot, ground.size), ground.lit((186, 120, 84)))


def _cafe(ground: Ground) -> Image.Image:
    """Paint a window with bars, shelves, hanging lamps, and tables further back."""
    canvas = _wall(ground, (168, 122, 88))
    _window(canvas, ground, (-0.02, 0.1, 0.42, 0.66), "city" if ground.light.lamps >= 1 else "green")
    _shelf(canvas, ground, (0.64, 0.2, 1.02, 0.56), 3, books=False)
    _block(canvas, ground, (0.0, 0.74, 1.0, 1.0), ground.lit((92, 62, 44)))
    for x, y in ((0.08, 0.78), (0.9, 0.76)):
        top = ellipse(
            (x * ground.size[0], y * ground.size[1]), (0.16 * ground.size[0], 0.022 * ground.size[1]), ground.size
        )
        _block(canvas, ground, (x - 0.012, y, x + 0.012, 1.0), (40, 32, 30))
        paint(canvas, top, ground.lit((196, 150, 104)))
        cup = ellipse((x * ground.size[0], (y - 0.018) * ground.size[1]), (9, 8), ground.size)
        paint(canvas, cup, ground.lit((240, 234, 224)))
    _plant(canvas, ground, (0.5, 0.66), 0.14)
    for at in ((0.2, 0.17), (0.55, 0.12), (0.84, 0.15)):
        _lamp(canvas, ground, at, LAMP)
    bokeh(canvas, ground, (0.08, 0.6), 16)
    return canvas


def _office(ground: Ground) -> Image.Image:
    """Paint a wide window over the city, a desk with screens, and a plant."""
    canvas = _wall(ground, (190, 196, 202))
    _window(canvas, ground, (0.04, 0.1, 0.96, 0.58), "city")
    _block(canvas, ground, (0.0, 0.72, 1.0, 0.76), ground.lit((196, 170, 136)))
    _block(canvas, ground, (0.0, 0.76, 1.0, 1.0), ground.lit((120, 116, 116)))
    for x in (0.1, 0.86):
        _block(canvas, ground, (x - 0.085, 0.575, x + 0.085, 0.69), (30, 32, 38))
        _block(
            canvas,
            ground,
            (x - 0.077, 0.583, x + 0.077, 0.682),
            mixed(ground.choose((96, 150, 196)), (230, 240, 250), 0.3),
        )
        _block(canvas, ground, (x - 0.01, 0.69, x + 0.01, 0.72), (50, 52, 58))
    _plant(canvas, ground, (0.7, 0.66), 0.15)
    for x in (0.25, 0.75):
        glow(canvas, (x * ground.size[0], 0.02 * ground.size[1]), 0.3 * ground.size[0], (255, 246, 230), 0.5)
    return canvas


def _library(ground: Ground) -> Image.Image:
    """Paint walls of books under warm lamps."""
    canvas = _wall(ground, (128, 92, 64))
    _shelf(canvas, ground, (-0.02, 0.04, 0.44, 0.86), 6, books=True)
    _shelf(canvas, ground, (0.52, 0.04, 1.02, 0.86), 6, books=True)
    for at in ((0.16, 0.2), (0.48, 0.13), (0.84, 0.2)):
        _lamp(canvas, ground, at, ground.choose(LAMP))
    return canvas


def _home(ground: Ground) -> Image.Image:
    """Paint a living room: window, sofa, image, lamp and plant."""
    canvas = _wall(ground, (206, 190, 168))
    _window(canvas, ground, (0.04, 0.12, 0.36, 0.56), "green")
    for left, right in ((-0.02, 0.06), (0.34, 0.42)):
        _block(canvas, ground, (left, 0.08, right, 0.74), ground.lit((226, 216, 198)))
    _block(canvas, ground, (0.68, 0.2, 0.9, 0.4), ground.lit((70, 60, 54)))
    _block(canvas, ground, (0.69, 0.208, 0.89, 0.392), ground.lit((216, 170, 130)))
    paint(
        canvas,
        ellipse((0.79 * ground.size[0], 0.31 * ground.size[1]), (26, 24), ground.size),
        ground.lit((190, 96, 74)),
    )
    sofa = ground.lit((96, 120, 122))
    _block(canvas, ground, (0.0, 0.66, 1.0, 0.86), sofa)
    _block(canvas, ground, (0.0, 0.84, 1.0, 1.0), shaded(sofa, 0.75))
    for x, tone in ((0.12, (222, 168, 96)), (0.86, (226, 214, 196))):
        _block(canvas, ground, (x - 0.09, 0.64, x + 0.09, 0.76), ground.lit(tone))
    _plant(canvas, ground, (0.93, 0.6), 0.16)
    _lamp(canvas, ground, (0.52, 0.13), LAMP)
    return canvas


def _stage(ground: Ground) -> Image.Image:
    """Paint curtains, beams of light and the haze between them."""
    width, height = ground.size
    base = ground.choose((88, 34, 96))
    canvas = gradient(ground.size, ((0, shaded(base, 0.28)), (0.7, shaded(base, 0.55)), (1, shaded(base, 0.2))))
    folds = cloud((ground.size[0], 2), ground.random, 24)[:1]
    canvas = lit(canvas, 1 + 0.35 * folds.repeat(height, axis=0))
    for x, lean, tone in (
        (0.12, 0.22, (110, 160, 255)),
        (0.35, 0.08, (255, 130, 190)),
        (0.65, -0.08, (255, 206, 130)),
        (0.88, -0.22, (160, 120, 255)),
    ):
        for wide, strength in ((0.2, 0.08), (0.13, 0.12), (0.06, 0.16)):
            beam = [(x - 0.008, 0.0), (x + 0.008, 0.0), (x + lean + wide, 1.0), (x + lean - wide, 1.0)]
            paint(canvas, polygon(_scaled(ground, beam), ground.size), tone, strength)
        glow(canvas, (x * width, 0), 0.22 * height, tone, 0.9)
        disc(canvas, (x * width, 0.012 * height), 0.018 * height, (255, 250, 240))
    glow(canvas, (0.5 * width, 0.95 * height), 0.5 * width, mixed(base, (255, 220, 200), 0.5), 0.5)
    bokeh(canvas, Ground(ground.size, ground.light, None, ground.random), (0.3, 0.9), 26)
    return canvas


def _studio(ground: Ground) -> Image.Image:
    """Paint a backdrop that is brightest behind the head."""
    colours: tuple[Colour, ...] = (
        (150, 162, 172),
        (176, 158, 146),
        (132, 150, 140),
        (148, 140, 166),
        (186, 166, 132),
        (118, 146, 170),
    )
    backdrop = ground.lit(ground.choose(colours[int(ground.uniform(0, 5.99))]))
    canvas = gradient(ground.size, ((0, shaded(backdrop, 0.78)), (0.5, backdrop), (1, shaded(backdrop, 0.6))))
    canvas = lit(canvas, 1 + 0.05 * cloud(ground.size, ground.random, 3) + 0.03 * cloud(ground.size, ground.random, 9))
    glow(
        canvas,
        (0.46 * ground.size[0], 0.34 * ground.size[1]),
        0.62 * ground.size[1],
        mixed(backdrop, (255, 255, 255), 0.4),
        0.5,
    )
    return canvas


INTERIORS: Final[Mapping[str, Painter]] = MappingProxyType(
    {"cafe": _cafe, "office": _office, "library": _library, "home": _home, "stage": _stage, "studio": _studio}
)
