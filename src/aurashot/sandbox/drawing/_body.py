"""The neck, shoulders and clothes of a person.

Outlines are in the units of `Figure`: face heights, from the chin.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
from PIL import Image, ImageOps

from aurashot.sandbox.drawing._figure import Figure
from aurashot.sandbox.drawing._primitives import (
    Colour,
    Patch,
    Point,
    blurred,
    cloud,
    generator,
    lit,
    mixed,
    shaded,
    smooth,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aurashot.sandbox.drawing._face import Box

_TORSO: Final = (
    (0.26, 0.20),
    (0.46, 0.31),
    (0.74, 0.40),
    (0.94, 0.52),
    (1.05, 0.76),
    (1.10, 1.2),
    (1.14, 1.9),
    (1.12, 3.4),
)
_NECK: Final = (
    (0.14, -0.15),
    (0.225, -0.05),
    (0.25, 0.06),
    (0.265, 0.18),
    (0.40, 0.31),
    (0.68, 0.40),
    (0.74, 0.8),
    (0.5, 1.2),
)
_WHITE: Final = (238, 236, 230)
_DIM: Final = 180  # sum of the bands below which a colour is nearly black


@dataclass(frozen=True, slots=True)
class Outfit:
    """A garment and its colour; `cloth` is an image of the fabric to use instead of the colour."""

    garment: str
    colour: Colour
    cloth: Image.Image | None = None


def draw_body(canvas: Image.Image, face: Box, skin: Colour, outfit: Outfit, seed: str) -> Image.Image:
    """Draw neck and clothed shoulders onto the canvas, in place, and return their matte."""
    figure = Figure(canvas, Image.new("L", canvas.size), face)
    if outfit.garment == "hoodie":
        hood = ((0.0, -0.30), (0.40, -0.16), (0.54, 0.12), (0.58, 0.42), (0.3, 0.7))
        figure.fill(figure.shape(hood), shaded(outfit.colour, 0.62))
    _draw_neck(figure, skin)
    torso = figure.shape(_TORSO).minus(figure.shape(_NECKLINES.get(outfit.garment, _CREW)))
    figure.shade(torso, 0.05, 0.5)
    canvas.paste(_cloth(torso, outfit, seed, face), torso.box, torso.mask)
    figure.alpha.paste(255, torso.box, torso.mask)
    for side in (-1, 1):  # the line between arm and chest
        sleeve = [(side * x, y) for x, y in ((0.70, 1.02), (0.745, 1.3), (0.75, 1.8), (0.72, 3.3))]
        figure.line(sleeve, 0.03, shaded(outfit.colour, 0.2), 0.7, 0.025)
    _DETAILS.get(outfit.garment, _crew)(figure, outfit)
    return figure.alpha


def _draw_neck(figure: Figure, skin: Colour) -> None:
    """Draw neck and chest as a rounded column, with the shadow of the chin and slight collarbones."""
    neck = figure.shape(_NECK)
    figure.fill(neck, shaded(skin, 0.93))
    for side in (-1, 1):
        figure.line([(side * 0.23, -0.05), (side * 0.27, 0.1), (side * 0.3, 0.3)], 0.10, shaded(skin, 0.55), 0.6, 0.05)
        figure.line([(side * 0.06, 0.47), (side * 0.3, 0.43), (side * 0.6, 0.46)], 0.025, shaded(skin, 0.7), 0.6, 0.02)
        figure.line([(side * 0.17, 0.1), (side * 0.1, 0.3), (side * 0.05, 0.42)], 0.03, shaded(skin, 0.78), 0.5, 0.03)
    figure.shade(figure.oval((0.0, -0.06), (0.36, 0.2)), 0.07, 0.55, shaded(skin, 0.32))


def _cloth(torso: Patch, outfit: Outfit, seed: str, face: Box) -> Image.Image:
    """Return the fabric with the shading and folds of a body, in the size of the torso's patch."""
    random, size = generator("cloth", seed), torso.mask.size
    cloth = outfit.cloth
    fabric = Image.new("RGB", size, outfit.colour) if cloth is None else ImageOps.fit(cloth, size, centering=(0.5, 0.4))
    x = (np.arange(size[0], dtype=np.float32)[None, :] + torso.corner[0] - face.centre[0]) / face.height
    y = (np.arange(size[1], dtype=np.float32)[:, None] + torso.corner[1] - face.bottom) / face.height
    solid = np.asarray(blurred(ImageOps.expand(torso.mask, 1), 0.16 * face.height), dtype=np.float32)[1:-1, 1:-1] / 255
    light = 0.62 + 0.44 * solid - 0.09 * x - 0.10 * (y - 0.5).clip(0, 2)
    chest = 0.07 * np.exp(-(((np.abs(x) - 0.36) / 0.3) ** 2) - ((y - 0.95) / 0.34) ** 2)
    arm = 0.10 * np.exp(-(((np.abs(x) - 0.92) / 0.1) ** 2)) * (y / 0.6).clip(0, 1)
    bend = cloud(size, random, 6)
    across = 26 * (0.55 * np.abs(x) + 0.8 * y) + 7 * bend
    crease = (
        np.maximum(np.sin(across), 0) ** 3
        * (0.035 * (0.6 + cloud(size, random, 5))).clip(0)
        * (y / 1.2 + 0.4 * np.abs(x)).clip(0, 1)
    )
    grain = random.normal(0, 0.02, (size[1], size[0])).astype(np.float32)
    lift = 26 if outfit.cloth is None and sum(outfit.colour) < _DIM else 0  # so that folds are visible in black fabric
    raised = fabric.point([min(255, level + lift) for level in range(256)] * 3)
    return lit(raised, light + chest + arm - crease + grain)


_Half: TypeAlias = tuple[Point, ...]
_CREW: Final[_Half] = ((0.0, 0.0), (0.255, 0.12), (0.29, 0.26), (0.25, 0.37), (0.12, 0.44), (0.0, 0.455))
_VEE: Final[_Half] = ((0.0, -0.1), (0.25, 0.1), (0.31, 0.26), (0.22, 0.56), (0.10, 0.86), (0.0, 0.98))
_SCOOP: Final[_Half] = ((0.0, -0.2), (0.5, 0.1), (0.56, 0.34), (0.48, 0.58), (0.28, 0.72), (0.0, 0.78))
_OPEN: Final[_Half] = ((0.0, -0.1), (0.25, 0.1), (0.29, 0.24), (0.19, 0.42), (0.07, 0.58), (0.0, 0.62))
_NECKLINES: Final[Mapping[str, _Half]] = MappingProxyType(
    {"suit": _VEE, "dress": _SCOOP, "shirt": _OPEN, "jacket": _VEE, "sweater": _CREW}
)


def _crew(figure: Figure, outfit: Outfit) -> None:
    """Draw the ribbed collar of a T-shirt."""
    arc = [(0.285 * math.sin(a), 0.27 + 0.19 * math.cos(a)) for a in np.linspace(-1.5, 1.5, 24).tolist()]
    figure.line(arc, 0.05, shaded(outfit.colour, 0.8), 0.9, 0.004)
    figure.line([(x * 0.93, y - 0.02) for x, y in arc], 0.012, shaded(outfit.colour, 0.5), 0.7, 0.004)


def _sweater(figure: Figure, outfit: Outfit) -> None:
    """Draw a knitted roll neck."""
    roll = figure.shape(((0.0, 0.0), (0.27, 0.02), (0.325, 0.12), (0.33, 0.3), (0.22, 0.42), (0.0, 0.47)))
    figure.fill(roll.minus(figure.oval((0.0, -0.02), (0.27, 0.13))), shaded(outfit.colour, 0.97), 0.5)
    for x in np.linspace(-0.27, 0.27, 15).tolist():
        figure.line([(x, 0.13), (x * 1.05, 0.4)], 0.008, shaded(outfit.colour, 0.6), 0.35, 0.004)


def _shirt_front(figure: Figure, colour: Colour) -> None:
    """Draw the shirt and collar inside a jacket."""
    below = figure.patch([(-0.5, 0.25), (0.0, 0.46), (0.5, 0.25), (0.5, 1.2), (-0.5, 1.2)])
    figure.fill(figure.shape(_VEE).within(below), shaded(colour, 0.93), 0.35)
    for side in (-1, 1):
        collar = [(0.25, 0.06), (0.33, 0.21), (0.19, 0.56), (0.015, 0.42)]
        figure.fill(figure.patch(collar, side), colour, 0.4)


def _lapels(figure: Figure, colour: Colour) -> None:
    """Draw the lapels and the front edge of a jacket."""
    for side in (-1, 1):
        lapel = [
            (0.27, 0.11),
            (0.37, 0.22),
            (0.52, 0.58),
            (0.41, 0.62),
            (0.46, 0.70),
            (0.03, 1.42),
            (0.0, 1.0),
            (0.19, 0.60),
        ]
        figure.fill(figure.patch(lapel, side), colour, 0.5)
    figure.line([(0.01, 1.2), (0.03, 3.0)], 0.012, shaded(colour, 0.45), 0.8, 0.006)


def _suit(figure: Figure, outfit: Outfit) -> None:
    """Draw shirt, tie and lapels."""
    _shirt_front(figure, _WHITE)
    tie = mixed(outfit.colour, (120, 34, 48), 0.75)
    figure.fill(figure.patch([(-0.07, 0.44), (0.07, 0.44), (0.045, 0.56), (-0.045, 0.56)]), shaded(tie, 1.1), 0.5)
    figure.fill(figure.patch([(-0.045, 0.56), (0.045, 0.56), (0.10, 1.3), (-0.10, 1.3)]), tie, 0.5)
    _lapels(figure, shaded(outfit.colour, 0.92))


def _jacket(figure: Figure, outfit: Outfit) -> None:
    """Draw a T-shirt under an open jacket with a zip."""
    below = figure.patch([(-0.5, 0.3), (0.5, 0.3), (0.5, 1.2), (-0.5, 1.2)])
    figure.fill(figure.shape(_VEE).minus(figure.shape(_CREW)).within(below), (222, 220, 214), 0.3)
    _crew(figure, Outfit("casual", (216, 214, 208)))
    _lapels(figure, shaded(outfit.colour, 0.9))
    figure.line([(0.03, 1.3), (0.05, 3.0)], 0.02, (176, 176, 180), 0.9, 0.003)


def _shirt(figure: Figure, outfit: Outfit) -> None:
    """Draw an open collar and a row of buttons."""
    for side in (-1, 1):
        collar = [(0.25, 0.05), (0.34, 0.20), (0.25, 0.62), (0.04, 0.55), (0.20, 0.34)]
        figure.fill(figure.patch(collar, side), shaded(outfit.colour, 1.06), 0.5)
    figure.line([(0.04, 0.62), (0.05, 3.0)], 0.008, shaded(outfit.colour, 0.6), 0.8, 0.003)
    for y in (0.8, 1.15, 1.5):
        figure.fill(figure.oval((-0.01, y), (0.022, 0.022)), shaded(outfit.colour, 0.72), 0.3)


def _hoodie(figure: Figure, outfit: Outfit) -> None:
    """Draw the folds of the hood and its strings."""
    for side in (-1, 1):
        fold = [
            (0.24, -0.04),
            (0.42, 0.04),
            (0.54, 0.30),
            (0.40, 0.54),
            (0.10, 0.72),
            (0.0, 0.64),
            (0.12, 0.50),
            (0.23, 0.32),
        ]
        figure.fill(figure.patch(smooth(fold), side), shaded(outfit.colour, 1.03), 0.6)
        figure.line([(side * 0.13, 0.66), (side * 0.15, 0.9), (side * 0.14, 1.22)], 0.022, _WHITE, 0.9, 0.003)


def _dress(figure: Figure, outfit: Outfit) -> None:
    """Draw the hem of the neckline and a fine necklace."""
    arc = [(0.555 * math.sin(a), 0.36 + 0.42 * math.cos(a)) for a in np.linspace(-1.3, 1.3, 24).tolist()]
    figure.line(arc, 0.022, shaded(outfit.colour, 0.72), 0.9, 0.006)
    chain = [(0.29 * math.sin(a), 0.26 + 0.24 * math.cos(a)) for a in np.linspace(-1.2, 1.2, 24).tolist()]
    figure.line(chain, 0.01, (224, 192, 120), 0.9, 0.002)
    figure.fill(figure.oval((0.0, 0.52), (0.024, 0.03)), (232, 204, 136), 0.4)


_DETAILS: Final[Mapping[str, Callable[[Figure, Outfit], None]]] = MappingProxyType(
    {
        "suit": _suit,
        "jacket": _jacket,
        "shirt": _shirt,
        "hoodie": _hoodie,
        "dress": _dress,
        "sweater": _sweater,
    }
)
