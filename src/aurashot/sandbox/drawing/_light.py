"""The light of a scene: the colours of the sky, and the effect on a person."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, ImageChops

from aurashot.sandbox.drawing._primitives import Colour, blurred, lit

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Light:
    """A kind of light."""

    sky: tuple[Colour, Colour, Colour]
    """The sky's colours at the top, in the middle and at the horizon."""
    tint: tuple[float, float, float]
    """The factor per colour band, as on a grey card."""
    rim: Colour
    """The colour of the edge light from behind a person."""
    glow: float
    """The strength of the edge light, 0 to 1."""
    ambient: float
    """The brightness of drawn surfaces, 0 to 1."""
    lamps: float
    """The visibility of lamps, 0 to 1."""


LIGHTS: Final[Mapping[str, Light]] = MappingProxyType(
    {
        "day": Light(
            ((86, 148, 214), (150, 196, 232), (222, 236, 242)), (1.0, 1.0, 1.0), (255, 250, 240), 0.25, 1.0, 0.15
        ),
        "overcast": Light(
            ((150, 164, 178), (186, 196, 204), (214, 218, 220)), (0.96, 0.98, 1.0), (230, 238, 245), 0.15, 0.86, 0.3
        ),
        "dawn": Light(
            ((112, 142, 194), (220, 178, 188), (255, 220, 186)), (1.03, 0.97, 0.96), (255, 216, 190), 0.4, 0.86, 0.4
        ),
        "golden": Light(
            ((126, 158, 196), (236, 206, 160), (255, 222, 158)), (1.07, 0.99, 0.88), (255, 206, 128), 0.5, 0.95, 0.55
        ),
        "sunset": Light(
            ((70, 66, 128), (224, 112, 104), (255, 184, 98)), (1.05, 0.92, 0.84), (255, 160, 92), 0.6, 0.7, 0.75
        ),
        "night": Light(((8, 12, 34), (22, 26, 62), (58, 46, 92)), (0.80, 0.78, 0.92), (255, 176, 110), 0.55, 0.34, 1.0),
    }
)


def light_person(person: Image.Image, matte: Image.Image, light: Light, share: float) -> Image.Image:
    """Light a person: with a share (0 to 1) of the tint, a darker side, and an edge light."""
    factors = 1 + (np.asarray(light.tint, dtype=np.float32) - 1) * share
    side = np.linspace(1 + 0.05 * share, 1 - 0.08 * share, person.width, dtype=np.float32)
    toned = lit(person, side[None, :, None] * factors)
    return ImageChops.screen(toned, _rim(matte, light, share))


def _rim(matte: Image.Image, light: Light, share: float) -> Image.Image:
    """Return the edge light around the person, which is stronger on the left than on the right."""
    width = max(2.0, matte.width / 130)
    inner = np.asarray(blurred(matte, width), dtype=np.float32) / 255
    edge = (np.asarray(matte, dtype=np.float32) / 255 - inner).clip(0, 1)
    side = np.linspace(1.15, 0.6, matte.width, dtype=np.float32)[None, :]
    strength = edge * side * (light.glow * share * 0.9)
    return Image.fromarray(
        (strength[..., None] * np.asarray(light.rim, dtype=np.float32)).clip(0, 255).astype(np.uint8)
    )


def light_in(scene: Image.Image) -> Light:
    """Return the light of a photographed scene: the tint of its mean colour, and the rim of its brightest part."""
    pixels = np.asarray(scene.resize((16, 16), Image.Resampling.BOX), dtype=np.float32).reshape(-1, 3)
    mean = pixels.mean(axis=0)
    tint = (mean / max(float(mean.mean()), 1.0)) ** 0.4 * (0.86 + 0.16 * float(mean.mean()) / 255)
    bright: Colour = tuple(pixels[int(pixels.sum(axis=1).argmax())].round().astype(int).tolist())
    red, green, blue = (float(band) for band in tint.clip(0.8, 1.12))
    return Light((bright, bright, bright), (red, green, blue), bright, 0.4, 0.8, 0.5)
