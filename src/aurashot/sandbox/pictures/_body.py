"""The neck, shoulders and clothes that are drawn under a head.

All outlines are in face heights: x from the middle of the face, y from the chin downward.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, TypeAlias

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageOps

from aurashot.sandbox.pictures._brush import (
    Colour,
    Point,
    blurred,
    cloud,
    ellipse,
    faded,
    generator,
    lit,
    mirrored,
    mixed,
    paint,
    polygon,
    shaded,
    smooth,
)
from aurashot.sandbox.pictures._face import Box

_TORSO: Final = ((0.27, 0.26), (0.50, 0.36), (0.86, 0.47), (1.10, 0.66), (1.22, 1.05), (1.28, 1.7), (1.32, 3.4))
_NECK: Final = ((0.275, -0.22), (0.265, 0.05), (0.275, 0.22), (0.42, 0.36), (0.74, 0.46), (0.8, 0.9), (0.5, 1.3))
_WHITE: Final = (238, 236, 230)
_DARK: Final = (34, 36, 44)


@dataclass(frozen=True, slots=True)
class Outfit:
    """What is worn: a garment's name and colour, or the picture of a cloth that colours it."""

    garment: str
    colour: Colour
    cloth: Image.Image | None = None


@dataclass(frozen=True, slots=True)
class _Tailor:
    """The canvas that one body is drawn on."""

    canvas: Image.Image
    alpha: Image.Image
    face: Box

    def place(self, points: Sequence[Point]) -> list[Point]:
        """Return the points in pixels."""
        (middle, _), height = self.face.centre, self.face.height
        return [(middle + x * height, self.face.bottom + y * height) for x, y in points]

    def mask(self, half: Sequence[Point]) -> Image.Image:
        """Return the mask of a smooth symmetric shape given by its right half."""
        return polygon(self.canvas.size, smooth(self.place(mirrored(half))))

    def patch(self, points: Sequence[Point]) -> Image.Image:
        """Return the mask of a polygon."""
        return polygon(self.canvas.size, self.place(points))

    def oval(self, centre: Point, radii: Point) -> Image.Image:
        """Return the mask of an ellipse."""
        height = self.face.height
        return ellipse(self.canvas.size, self.place([centre])[0], (radii[0] * height, radii[1] * height))

    def fill(self, mask: Image.Image, colour: Colour, relief: float = 0.0) -> None:
        """Fill a shape and darken it toward its edges by the relief (0 to 1)."""
        if relief:
            self.shade(mask, 0.05, 0.8 * relief)
        paint(self.canvas, mask, colour)
        self.alpha.paste(255, (0, 0), mask)
        if relief:
            rim = ImageChops.subtract(mask, blurred(mask, 0.05 * self.face.height))
            paint(self.canvas, rim, shaded(colour, 0.35), relief)

    def shade(self, mask: Image.Image, blur: float, strength: float, colour: Colour = (12, 10, 16)) -> None:
        """Lay a soft shadow of the shape on what is drawn already."""
        soft = ImageChops.multiply(blurred(mask, blur * self.face.height), self.alpha)
        paint(self.canvas, soft, colour, strength)

    def line(self, points: Sequence[Point], width: float, colour: Colour, opacity: float = 1.0, blur: float = 0.0) -> None:
        """Draw a line of this width (in face heights) along the points."""
        mask = Image.new("L", self.canvas.size)
        pixels = max(1, round(width * self.face.height))
        ImageDraw.Draw(mask).line(self.place(points), fill=255, width=pixels, joint="curve")
        soft = blurred(mask, max(0.7, blur * self.face.height))
        paint(self.canvas, ImageChops.multiply(soft, self.alpha), colour, opacity)


def draw_body(canvas: Image.Image, face: Box, skin: Colour, outfit: Outfit, seed: str) -> Image.Image:
    """Draw neck and clothed shoulders onto the canvas, in place, and return their matte."""
    tailor = _Tailor(canvas, Image.new("L", canvas.size), face)
    if outfit.garment == "hoodie":
        tailor.fill(tailor.mask(((0.0, -0.30), (0.40, -0.16), (0.56, 0.12), (0.62, 0.42), (0.3, 0.7))), shaded(outfit.colour, 0.62))
    _draw_neck(tailor, skin)
    neckline = _NECKLINES.get(outfit.garment, _CREW)
    torso = ImageChops.subtract(tailor.mask(_TORSO), tailor.mask(neckline))
    tailor.shade(torso, 0.05, 0.55)
    cloth = _cloth(canvas.size, torso, outfit, seed, face)
    canvas.paste(cloth, (0, 0), torso)
    tailor.alpha.paste(255, (0, 0), torso)
    _DETAILS.get(outfit.garment, _crew)(tailor, outfit)
    return tailor.alpha


def _draw_neck(tailor: _Tailor, skin: Colour) -> None:
    """Draw neck and chest as a rounded column, with the shadow of the chin and a hint of collarbones."""
    neck = tailor.mask(_NECK)
    tailor.fill(neck, shaded(skin, 0.93))
    for side in (-1, 1):
        tailor.line([(side * 0.29, -0.2), (side * 0.27, 0.1), (side * 0.3, 0.3)], 0.10, shaded(skin, 0.55), 0.6, 0.05)
        tailor.line([(side * 0.06, 0.47), (side * 0.3, 0.43), (side * 0.6, 0.46)], 0.025, shaded(skin, 0.7), 0.6, 0.02)
        tailor.line([(side * 0.17, 0.1), (side * 0.1, 0.3), (side * 0.05, 0.42)], 0.03, shaded(skin, 0.78), 0.5, 0.03)
    tailor.shade(tailor.oval((0.0, -0.06), (0.36, 0.2)), 0.07, 0.55, shaded(skin, 0.32))


def _cloth(size: tuple[int, int], torso: Image.Image, outfit: Outfit, seed: str, face: Box) -> Image.Image:
    """Return the fabric with the light and folds of a body in it."""
    random = generator("cloth", seed)
    if outfit.cloth is None:
        fabric = Image.new("RGB", size, outfit.colour)
    else:
        fabric = _draped(outfit.cloth, size, face)
    round_off = np.asarray(blurred(torso, 0.24 * face.height), dtype=np.float32) / 255
    x = (np.arange(size[0], dtype=np.float32) - face.centre[0]) / face.height
    y = (np.arange(size[1], dtype=np.float32) - face.bottom) / face.height
    light = 0.5 + 0.55 * round_off - 0.10 * x[None, :].clip(-1.4, 1.4) - 0.07 * (y[:, None] - 0.6).clip(0, 2)
    warp = cloud(size, random, 5)
    folds = np.sin(9 * (np.abs(x)[None, :] * 0.9 + 0.42 * y[:, None]) + 3.2 * warp) * (0.03 + 0.03 * cloud(size, random, 4))
    weave = random.normal(0, 0.018, (size[1] // 2 + 1, size[0] // 2 + 1)).astype(np.float32)
    grain = np.repeat(np.repeat(weave, 2, axis=0), 2, axis=1)[: size[1], : size[0]]
    lifted = 0.06 if sum(outfit.colour) < 180 else 0.0  # folds stay visible in black cloth  # noqa: PLR2004
    return lit(fabric.point([min(255, round(level + 255 * lifted)) for level in range(256)] * 3), light + folds + grain)


def _draped(cloth: Image.Image, size: tuple[int, int], face: Box) -> Image.Image:
    """Return the middle of a picture of clothes, laid over the torso."""
    width, height = round(2.7 * face.height), max(8, size[1] - face.bottom)
    piece = ImageOps.fit(cloth, (width, height), centering=(0.5, 0.55), bleed=0.12)
    fabric = Image.new("RGB", size, piece.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0)))
    fabric.paste(piece, (round(face.centre[0] - width / 2), face.bottom))
    return fabric


_Half: TypeAlias = tuple[Point, ...]
_CREW: Final[_Half] = ((0.0, 0.0), (0.255, 0.12), (0.29, 0.26), (0.25, 0.37), (0.12, 0.44), (0.0, 0.455))
_VEE: Final[_Half] = ((0.0, -0.1), (0.25, 0.1), (0.31, 0.26), (0.22, 0.56), (0.10, 0.86), (0.0, 0.98))
_SCOOP: Final[_Half] = ((0.0, -0.2), (0.5, 0.1), (0.56, 0.34), (0.48, 0.58), (0.28, 0.72), (0.0, 0.78))
_OPEN: Final[_Half] = ((0.0, -0.1), (0.25, 0.1), (0.29, 0.24), (0.19, 0.42), (0.07, 0.58), (0.0, 0.62))
_HIGH: Final[_Half] = ((0.0, -0.2), (0.22, -0.1), (0.24, 0.06), (0.18, 0.16), (0.08, 0.2), (0.0, 0.21))
_NECKLINES: Final[Mapping[str, _Half]] = MappingProxyType(
    {"suit": _VEE, "dress": _SCOOP, "coat": _VEE, "shirt": _OPEN, "jacket": _VEE, "uniform": _HIGH, "sweater": _CREW}
)


def _crew(tailor: _Tailor, outfit: Outfit) -> None:
    """Draw the ribbed collar of a T-shirt."""
    arc = [(0.285 * np.sin(a), 0.27 + 0.19 * np.cos(a)) for a in np.linspace(-1.75, 1.75, 24)]
    tailor.line(arc, 0.05, shaded(outfit.colour, 0.8), 0.9, 0.004)
    tailor.line([(x * 0.93, y - 0.02) for x, y in arc], 0.012, shaded(outfit.colour, 0.5), 0.7, 0.004)


def _sweater(tailor: _Tailor, outfit: Outfit) -> None:
    """Draw a knitted roll neck."""
    roll = tailor.mask(((0.0, 0.0), (0.27, 0.02), (0.325, 0.12), (0.33, 0.3), (0.22, 0.42), (0.0, 0.47)))
    front = ImageChops.subtract(roll, tailor.oval((0.0, -0.02), (0.27, 0.13)))
    tailor.fill(front, shaded(outfit.colour, 0.97), 0.5)
    for x in np.linspace(-0.27, 0.27, 19):
        tailor.line([(x, 0.1), (x * 1.05, 0.4)], 0.008, shaded(outfit.colour, 0.6), 0.35, 0.004)


def _shirt_front(tailor: _Tailor, colour: Colour) -> None:
    """Fill the opening of a jacket with a shirt and its collar."""
    front = ImageChops.multiply(tailor.mask(_VEE), tailor.patch([(-0.5, 0.25), (0.0, 0.46), (0.5, 0.25), (0.5, 1.2), (-0.5, 1.2)]))
    tailor.fill(front, shaded(colour, 0.93), 0.35)
    for side in (-1, 1):
        collar = [(side * 0.26, 0.10), (side * 0.34, 0.24), (side * 0.19, 0.58), (side * 0.015, 0.42)]
        tailor.fill(tailor.patch(collar), colour, 0.4)


def _lapels(tailor: _Tailor, colour: Colour) -> None:
    """Draw the lapels of a jacket and its closing edge."""
    for side in (-1, 1):
        lapel = [(0.30, 0.17), (0.42, 0.27), (0.56, 0.62), (0.44, 0.66), (0.50, 0.74), (0.03, 1.42), (0.0, 1.0), (0.19, 0.60)]
        tailor.fill(tailor.patch([(side * x, y) for x, y in lapel]), colour, 0.5)
    tailor.line([(0.01, 1.2), (0.03, 3.0)], 0.012, shaded(colour, 0.45), 0.8, 0.006)


def _suit(tailor: _Tailor, outfit: Outfit) -> None:
    """Draw shirt, tie and lapels."""
    _shirt_front(tailor, _WHITE)
    tie = mixed(outfit.colour, (120, 34, 48), 0.75)
    tailor.fill(tailor.patch([(-0.07, 0.44), (0.07, 0.44), (0.045, 0.56), (-0.045, 0.56)]), shaded(tie, 1.1), 0.5)
    tailor.fill(tailor.patch([(-0.045, 0.56), (0.045, 0.56), (0.10, 1.3), (-0.10, 1.3)]), tie, 0.5)
    _lapels(tailor, shaded(outfit.colour, 0.92))


def _coat(tailor: _Tailor, outfit: Outfit) -> None:
    """Draw wide lapels and a scarf."""
    _shirt_front(tailor, shaded(outfit.colour, 0.55))
    _lapels(tailor, shaded(outfit.colour, 0.95))
    scarf = mixed(outfit.colour, (206, 176, 132), 0.7)
    for y, wide in ((0.34, 0.42), (0.22, 0.38)):
        tailor.fill(ImageChops.subtract(tailor.oval((0.0, y), (wide, 0.19)), tailor.oval((0.0, y - 0.2), (wide * 0.75, 0.17))), scarf, 0.6)
    tailor.fill(tailor.patch([(0.05, 0.4), (0.28, 0.4), (0.34, 1.25), (0.08, 1.3)]), shaded(scarf, 0.94), 0.6)


def _jacket(tailor: _Tailor, outfit: Outfit) -> None:
    """Draw a T-shirt under an open jacket with a zip."""
    front = ImageChops.multiply(tailor.mask(_VEE), ImageOps.invert(tailor.mask(_CREW)))
    tailor.fill(front, (222, 220, 214), 0.3)
    _crew(tailor, Outfit("casual", (216, 214, 208)))
    _lapels(tailor, shaded(outfit.colour, 0.9))
    tailor.line([(0.03, 1.3), (0.05, 3.0)], 0.02, (176, 176, 180), 0.9, 0.003)


def _shirt(tailor: _Tailor, outfit: Outfit) -> None:
    """Draw an open collar and a row of buttons."""
    for side in (-1, 1):
        collar = [(side * 0.27, 0.08), (side * 0.36, 0.24), (side * 0.25, 0.66), (side * 0.04, 0.56), (side * 0.20, 0.36)]
        tailor.fill(tailor.patch(collar), shaded(outfit.colour, 1.06), 0.5)
    tailor.line([(0.04, 0.62), (0.05, 3.0)], 0.008, shaded(outfit.colour, 0.6), 0.8, 0.003)
    for y in (0.8, 1.15, 1.5):
        tailor.fill(tailor.oval((-0.01, y), (0.022, 0.022)), shaded(outfit.colour, 0.72), 0.3)


def _uniform(tailor: _Tailor, outfit: Outfit) -> None:
    """Draw a standing collar, brass buttons and shoulder boards."""
    gold = (206, 166, 84)
    collar = ImageChops.subtract(
        tailor.mask(((0.0, 0.02), (0.29, 0.06), (0.31, 0.28), (0.2, 0.40), (0.0, 0.44))), tailor.oval((0.0, 0.0), (0.275, 0.17))
    )
    tailor.fill(collar, shaded(outfit.colour, 0.9), 0.5)
    tailor.line([(0.0, 0.2), (0.0, 3.0)], 0.012, shaded(outfit.colour, 0.5), 0.9, 0.004)
    for y in (0.62, 0.94, 1.26, 1.58):
        tailor.fill(tailor.oval((0.07, y), (0.04, 0.04)), gold, 0.5)
    for side in (-1, 1):
        board = [(side * 0.5, 0.36), (side * 1.04, 0.55), (side * 1.08, 0.67), (side * 0.5, 0.46)]
        tailor.fill(tailor.patch(board), shaded(outfit.colour, 0.75), 0.4)
        tailor.line([(side * 0.54, 0.41), (side * 1.04, 0.61)], 0.016, gold, 0.9, 0.003)


def _hoodie(tailor: _Tailor, outfit: Outfit) -> None:
    """Draw the folds of the hood and its strings."""
    for side in (-1, 1):
        fold = [(0.26, -0.02), (0.46, 0.06), (0.60, 0.34), (0.42, 0.58), (0.10, 0.74), (0.0, 0.66), (0.12, 0.52), (0.25, 0.34)]
        tailor.fill(polygon(tailor.canvas.size, smooth(tailor.place([(side * x, y) for x, y in fold]))), shaded(outfit.colour, 1.03), 0.6)
        tailor.line([(side * 0.13, 0.66), (side * 0.15, 0.9), (side * 0.14, 1.22)], 0.022, _WHITE, 0.9, 0.003)


def _dress(tailor: _Tailor, outfit: Outfit) -> None:
    """Draw the hem of the neckline and a fine necklace."""
    arc = [(0.555 * np.sin(a), 0.36 + 0.42 * np.cos(a)) for a in np.linspace(-1.3, 1.3, 24)]
    tailor.line(arc, 0.022, shaded(outfit.colour, 0.72), 0.9, 0.006)
    chain = [(0.29 * np.sin(a), 0.26 + 0.24 * np.cos(a)) for a in np.linspace(-1.2, 1.2, 24)]
    tailor.line(chain, 0.01, (224, 192, 120), 0.9, 0.002)
    tailor.fill(tailor.oval((0.0, 0.52), (0.024, 0.03)), (232, 204, 136), 0.4)


_DETAILS: Final[Mapping[str, Callable[[_Tailor, Outfit], None]]] = MappingProxyType(
    {
        "suit": _suit,
        "coat": _coat,
        "jacket": _jacket,
        "shirt": _shirt,
        "uniform": _uniform,
        "hoodie": _hoodie,
        "dress": _dress,
        "sweater": _sweater,
    }
)
