"""The place around a person: painted from the words of a prompt, or taken from a scene reference."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from PIL import Image, ImageOps

from aurashot.sandbox.drawing._brush import blurred, generator
from aurashot.sandbox.drawing._ground import Ground, Painter, rain, snowfall
from aurashot.sandbox.drawing._interiors import INTERIORS
from aurashot.sandbox.drawing._landscapes import LANDSCAPES
from aurashot.sandbox.drawing._light import LIGHTS, Light
from aurashot.sandbox.drawing._townscapes import TOWNSCAPES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aurashot.sandbox.drawing._words import Wish

PLACES: Final[Mapping[str, Painter]] = MappingProxyType({**LANDSCAPES, **TOWNSCAPES, **INTERIORS})
_WEATHER: Final[Mapping[str, Callable[[Image.Image, Ground], None]]] = MappingProxyType(
    {"rain": rain, "snowfall": snowfall}
)
_DEFAULT_LIGHT: Final[Mapping[str, str]] = MappingProxyType({"cafe": "golden", "library": "golden", "stage": "night"})
_LAMPLIT: Final = 0.6  # rooms are never darker than this: the lamps are on
_WIDTH: Final = (
    416  # pixels that the painters' brushes are made for; more would not show, since backgrounds are out of focus
)


def light_of(wish: Wish) -> Light:
    """Return the light that the prompt names, else the one that its place is known for."""
    return LIGHTS[wish.light or _DEFAULT_LIGHT.get(wish.place or "", "day")]


def paint_scene(size: tuple[int, int], wish: Wish, seed: str) -> Image.Image:
    """Paint the background that the prompt asks for, `size` pixels large and slightly out of focus."""
    small = _WIDTH, max(64, min(2 * _WIDTH, round(_WIDTH * size[1] / size[0])))
    place, light = wish.place or "studio", light_of(wish)
    if place in INTERIORS:
        light = replace(light, ambient=max(light.ambient, _LAMPLIT))
    ground = Ground(small, light, wish.scene_colour, generator("scene", seed))
    canvas = weathered(PLACES[place](ground), wish, seed)
    return blurred(canvas, 1.6).resize(size, Image.Resampling.BICUBIC)


def weathered(place: Image.Image, wish: Wish, seed: str) -> Image.Image:
    """Return the place in the rain or snow that the prompt asks for, if any."""
    if wish.weather is None:
        return place
    canvas = place.copy()
    _WEATHER[wish.weather](canvas, Ground(canvas.size, light_of(wish), None, generator("weather", seed)))
    return canvas


def photographed_scene(size: tuple[int, int], scene: Image.Image) -> Image.Image:
    """Return the scene reference, cropped to cover the size and slightly out of focus."""
    return blurred(ImageOps.fit(scene.convert("RGB"), size), size[0] / 260)
