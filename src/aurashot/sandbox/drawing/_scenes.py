"""The background behind a person: drawn from a prompt, or taken from a scene reference."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from PIL import Image, ImageOps

from aurashot.sandbox.drawing._interiors import INTERIORS
from aurashot.sandbox.drawing._light import LIGHTS, Light
from aurashot.sandbox.drawing._outdoors import OUTDOORS
from aurashot.sandbox.drawing._primitives import blurred, generator
from aurashot.sandbox.drawing._scene_canvas import SceneCanvas

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aurashot.sandbox.drawing._prompt import ParsedPrompt

SCENES: Final[Mapping[str, Callable[[SceneCanvas], None]]] = MappingProxyType({**OUTDOORS, **INTERIORS})
_DEFAULT_LIGHT: Final[Mapping[str, str]] = MappingProxyType({"cafe": "golden", "stage": "night"})
_LAMPLIT: Final = 0.6  # the minimum brightness of interiors, whose lamps are on
_WIDTH: Final = 416  # in pixels; more detail would not show, since backgrounds are out of focus


def light_of(parsed: ParsedPrompt) -> Light:
    """Return the light that the prompt names, else the usual light of its scene."""
    return LIGHTS[parsed.light or _DEFAULT_LIGHT.get(parsed.scene or "", "day")]


def draw_scene(size: tuple[int, int], parsed: ParsedPrompt, seed: str) -> Image.Image:
    """Draw the background that the prompt describes, `size` pixels large and slightly out of focus."""
    small = _WIDTH, max(64, min(2 * _WIDTH, round(_WIDTH * size[1] / size[0])))
    name, light = parsed.scene or "studio", light_of(parsed)
    if name in INTERIORS:
        light = replace(light, ambient=max(light.ambient, _LAMPLIT))
    canvas = SceneCanvas(Image.new("RGB", small), light, parsed.scene_colour, generator("scene", seed))
    SCENES[name](canvas)
    return blurred(canvas.image, 1.6).resize(size, Image.Resampling.BICUBIC)


def photographed_scene(size: tuple[int, int], scene: Image.Image) -> Image.Image:
    """Return the scene reference, cropped to this size and slightly out of focus."""
    return blurred(ImageOps.fit(scene.convert("RGB"), size), size[0] / 260)
