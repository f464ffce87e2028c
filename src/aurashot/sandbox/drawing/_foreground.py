"""What stands before the person, a table or a counter; it keeps its place when an image is edited."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias

from PIL import Image, ImageChops

from aurashot.sandbox.drawing._brush import Colour, Patch, Point, disc, ellipse, glow, mixed, paint, polygon, shaded
from aurashot.sandbox.drawing._light import Light

if TYPE_CHECKING:
    from aurashot.sandbox.drawing._words import Wish


def draw_foreground(
    image: Image.Image, matte: Image.Image, wish: Wish, light: Light
) -> tuple[Image.Image, Image.Image]:
    """Return the image with the place's foreground, and the matte with it added."""
    draw = _FOREGROUNDS.get(wish.place or "")
    if draw is None:
        return image, matte
    layer = image.copy()
    covered = Image.new("L", image.size)
    draw(layer, covered, light)
    return layer, ImageChops.lighter(matte, covered)


def _filled(layer: Image.Image, covered: Image.Image, patch: Patch, colour: Colour) -> None:
    paint(layer, patch, colour)
    covered.paste(255, patch.box, patch.mask)


def _toned(colour: Colour, light: Light) -> Colour:
    """Return a colour in the light of the place; lamps keep it from falling into the dark."""
    lit = shaded(colour, max(0.55, light.ambient))
    return mixed(lit, light.rim, 0.10)


def _table(layer: Image.Image, covered: Image.Image, colour: Colour) -> float:
    """Draw the near edge of a table across the lowest tenth and return its height in pixels from the top."""
    width, height = layer.size
    top = 0.905 * height
    plate: list[Point] = [(0, top), (width, top - 0.012 * height), (width, height), (0, height)]
    shadow = polygon([(x, y - 0.012 * height) for x, y in plate[:2]] + plate[2:], layer.size).soft(0.012 * height)
    paint(layer, shadow, (16, 12, 14), 0.55)
    _filled(layer, covered, polygon(plate, layer.size), colour)
    for share in (0.25, 0.5, 0.78):
        grain = [(0, top + share * 0.1 * height), (width, top + (share * 0.1 - 0.01) * height)]
        strip = polygon([*grain, (width, grain[1][1] + 2), (0, grain[0][1] + 3)], layer.size)
        paint(layer, strip, shaded(colour, 0.82), 0.6)
    edge = polygon(
        [(0, top), (width, top - 0.012 * height), (width, top - 0.007 * height), (0, top + 0.005 * height)], layer.size
    )
    paint(layer, edge, mixed(colour, (255, 240, 214), 0.4), 0.8)
    return top


def _cup(layer: Image.Image, covered: Image.Image, light: Light) -> None:
    """Draw a wooden table with a cup of coffee on its saucer."""
    size, (width, height) = layer.size, layer.size
    top = _table(layer, covered, _toned((150, 104, 68), light))
    x, y, r = 0.23 * width, top + 0.035 * height, 0.062 * width
    china = _toned((244, 240, 232), light)
    paint(layer, ellipse((x + 0.1 * r, y + 0.12 * r), (1.75 * r, 0.42 * r), size).soft(8), (30, 20, 16), 0.5)
    _filled(layer, covered, ellipse((x, y), (1.65 * r, 0.36 * r), size), shaded(china, 0.9))
    paint(layer, ellipse((x, y - 0.03 * r), (1.1 * r, 0.22 * r), size), shaded(china, 0.78))
    handle = ellipse((x + 1.08 * r, y - 0.72 * r), (0.42 * r, 0.36 * r), size)
    _filled(
        layer,
        covered,
        handle.minus(ellipse((x + 1.08 * r, y - 0.72 * r), (0.26 * r, 0.21 * r), size)),
        shaded(china, 0.88),
    )
    body = polygon(
        [
            (x - r, y - 1.25 * r),
            (x + r, y - 1.25 * r),
            (x + 0.86 * r, y - 0.5 * r),
            (x + 0.5 * r, y),
            (x - 0.5 * r, y),
            (x - 0.86 * r, y - 0.5 * r),
        ],
        size,
    )
    _filled(layer, covered, body, china)
    paint(layer, body.minus(body.soft(0.4 * r)), shaded(china, 0.6), 0.7)
    paint(layer, ellipse((x - 0.45 * r, y - 0.75 * r), (0.12 * r, 0.4 * r), size).soft(5), (255, 255, 255), 0.7)
    _filled(layer, covered, ellipse((x, y - 1.25 * r), (r, 0.27 * r), size), shaded(china, 0.95))
    paint(layer, ellipse((x, y - 1.23 * r), (0.9 * r, 0.21 * r), size), (92, 56, 34))
    paint(layer, ellipse((x - 0.1 * r, y - 1.22 * r), (0.5 * r, 0.1 * r), size).soft(3), (214, 170, 120), 0.9)


def _glass(layer: Image.Image, covered: Image.Image, light: Light) -> None:
    """Draw a dark counter with a candle in a glass and a drink."""
    size, (width, height) = layer.size, layer.size
    top = _table(layer, covered, _toned((82, 58, 50), light))
    x, y = 0.2 * width, top + 0.04 * height
    glow(layer, (x, y - 34), 0.2 * width, (255, 170, 90), 0.6)
    jar = polygon([(x - 30, y - 70), (x + 30, y - 70), (x + 24, y), (x - 24, y)], size)
    _filled(layer, covered, jar, (196, 110, 52))
    paint(layer, jar.minus(jar.soft(11)), (92, 44, 26), 0.8)
    disc(layer, (x, y - 36), 13, (255, 226, 150))
    x = 0.82 * width
    cone = polygon([(x - 44, y - 112), (x + 44, y - 112), (x, y - 52)], size)
    _filled(layer, covered, cone, (226, 126, 96))
    paint(layer, cone.minus(cone.soft(10)), (255, 214, 180), 0.8)
    for part in (
        polygon([(x - 3, y - 54), (x + 3, y - 54), (x + 3, y - 2), (x - 3, y - 2)], size),
        ellipse((x, y), (26, 6), size),
    ):
        _filled(layer, covered, part, _toned((206, 206, 214), light))
    disc(layer, (x - 16, y - 98), 5, (255, 244, 224), 0.8)


_Painter: TypeAlias = Callable[[Image.Image, Image.Image, Light], None]
_FOREGROUNDS: Final[Mapping[str, _Painter]] = MappingProxyType({"cafe": _cup, "rooftop": _glass})
