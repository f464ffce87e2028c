"""The light of a scene: what the sky shows and how it falls on a person."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops

from aurashot.sandbox.drawing._brush import Colour, blurred, lit

if TYPE_CHECKING:
    from collections.abc import Mapping

Floats: TypeAlias = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Light:
    """One kind of light."""

    sky: tuple[Colour, Colour, Colour]
    """The sky's colours at the top, in the middle and at the horizon."""
    tint: tuple[float, float, float]
    """What a grey card would be multiplied by, per band."""
    rim: Colour
    """The colour of the edge that the light behind a person draws."""
    glow: float
    """How strong that edge is, 0 to 1."""
    ambient: float
    """How bright drawn surfaces are, 0 to 1."""
    lamps: float
    """How visible lamps are, 0 to 1."""


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


def fall(person: Image.Image, matte: Image.Image, light: Light, share: float) -> Image.Image:
    """Let the light fall on a person: a tint at this share of its strength, a soft side, and a rim along the edges."""
    factors = 1 + (np.asarray(light.tint, dtype=np.float32) - 1) * share
    side = np.linspace(1 + 0.05 * share, 1 - 0.08 * share, person.width, dtype=np.float32)
    toned = lit(person, side[None, :, None] * factors)
    return ImageChops.screen(toned, _rim(matte, light, share))


def _rim(matte: Image.Image, light: Light, share: float) -> Image.Image:
    """Return the light that spills around the person's edges, from the upper left more than from the right."""
    width = max(2.0, matte.width / 130)
    inner = np.asarray(blurred(matte, width), dtype=np.float32) / 255
    edge = (np.asarray(matte, dtype=np.float32) / 255 - inner).clip(0, 1)
    side = np.linspace(1.15, 0.6, matte.width, dtype=np.float32)[None, :]
    strength = edge * side * (light.glow * share * 0.9)
    return Image.fromarray(
        (strength[..., None] * np.asarray(light.rim, dtype=np.float32)).clip(0, 255).astype(np.uint8)
    )


def light_in(scene: Image.Image) -> Light:
    """Return the light of a photographed place: the tint of its mean colour, the rim of its brightest part."""
    pixels = np.asarray(scene.resize((16, 16), Image.Resampling.BOX), dtype=np.float32).reshape(-1, 3)
    mean = pixels.mean(axis=0)
    tint = (mean / max(float(mean.mean()), 1.0)) ** 0.4 * (0.86 + 0.16 * float(mean.mean()) / 255)
    bright: Colour = tuple(pixels[int(pixels.sum(axis=1).argmax())].round().astype(int).tolist())
    red, green, blue = (float(band) for band in tint.clip(0.8, 1.12))
    return Light((bright, bright, bright), (red, green, blue), bright, 0.4, 0.8, 0.5)
