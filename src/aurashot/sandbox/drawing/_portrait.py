"""Draw a person who does not exist: the demo's default face, and the replacement of references to other hosts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import Image

from aurashot.sandbox.drawing._body import Outfit, draw_body
from aurashot.sandbox.drawing._face import FACE_KEY, Box
from aurashot.sandbox.drawing._figure import Figure
from aurashot.sandbox.drawing._hair import STYLES, draw_hair_before, draw_hair_behind
from aurashot.sandbox.drawing._primitives import (
    Colour,
    Point,
    cloud,
    generator,
    glow,
    gradient,
    lit,
    mixed,
    paint,
    shaded,
    smooth,
)
from aurashot.sandbox.drawing._prompt import COLOURS

_SIZE: Final = 768  # portraits are drawn in this size and then scaled
_FACE: Final = Box(270, 196, 498, 496)
_SKINS: Final[tuple[Colour, ...]] = (
    (240, 204, 178),
    (228, 184, 150),
    (206, 156, 118),
    (176, 124, 88),
    (138, 92, 64),
    (108, 70, 50),
)
_HAIRS: Final[tuple[Colour, ...]] = (
    (36, 28, 28),
    (66, 44, 34),
    (104, 68, 44),
    (112, 92, 64),
    (200, 168, 108),
    (118, 42, 30),
    (150, 148, 150),
)
_EYES: Final[tuple[Colour, ...]] = ((84, 56, 38), (64, 44, 34), (76, 112, 138), (86, 116, 84), (112, 92, 58))
_BACKDROPS: Final[tuple[Colour, ...]] = (
    (176, 196, 206),
    (206, 190, 176),
    (184, 200, 180),
    (200, 186, 206),
    (214, 200, 168),
    (164, 180, 200),
)
_GARMENTS: Final = ("casual", "shirt", "sweater", "jacket", "hoodie")
_HEAD: Final[tuple[Point, ...]] = (
    (0.0, -1.2),
    (0.22, -1.15),
    (0.345, -0.95),
    (0.375, -0.7),
    (0.37, -0.46),
    (0.335, -0.22),
    (0.24, -0.065),
    (0.11, 0.0),
    (0.0, 0.012),
)  # fmt: skip  (an outline reads as one line of points)


@dataclass(frozen=True, slots=True)
class _Looks:
    """The features of a person."""

    skin: Colour
    hair: Colour
    style: str
    eyes: Colour
    outfit: Outfit
    backdrop: Colour
    smile: float
    brow: float
    nose: float
    lips: float
    jaw: float


def draw_portrait(seed: str, *, size: int = 768) -> Image.Image:
    """Return a head-and-shoulders portrait, `size` pixels square, with the face box in its `info`.

    The same seed returns the same person.
    """
    looks = _looks(seed)
    canvas = gradient((_SIZE, _SIZE), ((0, shaded(looks.backdrop, 1.04)), (1, shaded(looks.backdrop, 0.74))))
    glow(canvas, (0.34 * _SIZE, 0.3 * _SIZE), 0.7 * _SIZE, mixed(looks.backdrop, (255, 255, 255), 0.5), 0.5)
    figure = Figure(canvas, Image.new("L", canvas.size), _FACE)
    draw_hair_behind(figure, looks.style, looks.hair)
    draw_body(canvas, _FACE, looks.skin, looks.outfit, seed)
    _draw_head(figure, looks)
    _draw_eyes(figure, looks)
    _draw_nose_and_mouth(figure, looks)
    draw_hair_before(figure, looks.style, looks.hair)
    random = generator("grain", seed)
    portrait = lit(
        canvas, 1 + 0.02 * cloud(canvas.size, random, 6) + random.normal(0, 0.012, canvas.size).astype(np.float32)
    )
    scale = size / _SIZE
    box = Box(*(round(side * scale) for side in (_FACE.left, _FACE.top, _FACE.right, _FACE.bottom)))
    scaled = portrait if size == _SIZE else portrait.resize((size, size), Image.Resampling.LANCZOS)
    scaled.info = {FACE_KEY: str(box)}
    return scaled


def _looks(seed: str) -> _Looks:
    """Return the features for a seed."""
    random = generator("portrait", seed)
    chosen = [int(random.integers(n)) for n in (len(_SKINS), len(_HAIRS), len(STYLES), len(_EYES), len(_BACKDROPS))]
    skin, hair, style, eyes, backdrop = chosen
    if skin >= 3:
        hair, eyes = 0, eyes % 2
    colours = [colour for name, colour in COLOURS.items() if name not in {"yellow", "pink", "orange"}]
    outfit = Outfit(_GARMENTS[int(random.integers(len(_GARMENTS)))], colours[int(random.integers(len(colours)))])
    features = random.uniform(-1, 1, 5).tolist()
    return _Looks(
        _SKINS[skin], _HAIRS[hair], STYLES[style], _EYES[eyes], outfit, _BACKDROPS[backdrop], *features
    )  # fmt: skip


def _draw_head(figure: Figure, looks: _Looks) -> None:
    """Draw ears and the shaded oval of the face."""
    skin = looks.skin
    for side in (-1, 1):
        ear = figure.patch(smooth([(0.34, -0.60), (0.42, -0.64), (0.43, -0.5), (0.40, -0.36), (0.35, -0.36)]), side)
        figure.fill(ear, shaded(skin, 0.93), 0.45)
        figure.line(
            [(side * 0.385, -0.58), (side * 0.405, -0.5), (side * 0.385, -0.42)], 0.018, shaded(skin, 0.62), 0.6, 0.01
        )
    jaw = 1 + 0.06 * looks.jaw
    outline = [(x * (jaw if y > -0.5 else 1), y) for x, y in _HEAD]
    head = figure.shape(outline)
    figure.fill(head, skin, 0.45)
    rim = head.minus(head.soft(0.10 * figure.face.height))
    paint(figure.canvas, rim, shaded(skin, 0.55), 0.75)
    right = (
        figure.patch([(0.05, -1.2), (0.5, -1.2), (0.5, 0.05), (0.2, 0.05)]).soft(0.14 * figure.face.height).within(head)
    )
    figure.shade(right, 0.02, 0.22, shaded(skin, 0.5))
    for centre, radii, strength in (
        ((-0.06, -0.86), (0.2, 0.1), 0.35),
        ((-0.2, -0.36), (0.09, 0.07), 0.32),
        ((0.19, -0.36), (0.07, 0.06), 0.22),
        ((0.0, -0.07), (0.06, 0.035), 0.3),
    ):
        figure.shade(figure.oval(centre, radii), 0.05, strength, mixed(skin, (255, 246, 236), 0.6))
    for side in (-1, 1):
        figure.shade(figure.oval((side * 0.225, -0.31), (0.08, 0.06)), 0.045, 0.28, mixed(skin, (214, 84, 84), 0.55))
        figure.shade(figure.oval((side * 0.17, -0.585), (0.11, 0.065)), 0.03, 0.34, shaded(skin, 0.62))


def _draw_eyes(figure: Figure, looks: _Looks) -> None:
    """Draw eyes with iris, pupil, lids and lashes, and the brows."""
    skin, dark = looks.skin, mixed(shaded(looks.hair, 0.6), (30, 22, 20), 0.5)
    for side in (-1, 1):
        almond = smooth(
            [
                (0.085, -0.552),
                (0.125, -0.588),
                (0.175, -0.600),
                (0.225, -0.585),
                (0.257, -0.560),
                (0.21, -0.535),
                (0.15, -0.530),
            ]
        )
        white = figure.patch(almond, side)
        figure.fill(white, mixed((244, 242, 238), skin, 0.1))
        x = side * 0.172
        for patch, colour in (
            (figure.oval((x, -0.566), (0.040, 0.040)), shaded(looks.eyes, 0.55)),
            (figure.oval((x, -0.566), (0.034, 0.034)), looks.eyes),
            (figure.oval((x + 0.004, -0.556), (0.022, 0.018)), mixed(looks.eyes, (255, 230, 190), 0.35)),
            (figure.oval((x, -0.566), (0.0165, 0.0165)), (14, 12, 14)),
        ):
            figure.fill(patch.within(white), colour)
        figure.fill(figure.oval((x - 0.013, -0.579), (0.0085, 0.0085)), (255, 255, 255))
        lid = [
            (side * px, py)
            for px, py in ((0.083, -0.552), (0.125, -0.590), (0.175, -0.603), (0.225, -0.588), (0.262, -0.562))
        ]
        figure.line(lid, 0.017, dark, 0.95, 0.003)
        figure.line([(px, py - 0.034) for px, py in lid[1:4]], 0.012, shaded(skin, 0.6), 0.6, 0.006)
        figure.line(
            [(side * 0.10, -0.535), (side * 0.17, -0.525), (side * 0.24, -0.545)], 0.007, shaded(skin, 0.5), 0.7, 0.004
        )
        lift = 0.012 * looks.brow
        brow = smooth(
            [
                (0.065, -0.665),
                (0.15, -0.705 - lift),
                (0.24, -0.695 - lift),
                (0.285, -0.65),
                (0.23, -0.672 - lift),
                (0.15, -0.672),
                (0.07, -0.64),
            ]
        )
        figure.fill(
            figure.patch(brow, side).soft(0.006 * figure.face.height), mixed(shaded(looks.hair, 0.75), skin, 0.12)
        )


def _draw_nose_and_mouth(figure: Figure, looks: _Looks) -> None:
    """Draw the nose, with highlights and shadows, and the lips."""
    skin, wide = looks.skin, 1 + 0.12 * looks.nose
    figure.shade(figure.oval((0.062, -0.45), (0.022, 0.13)), 0.025, 0.30, shaded(skin, 0.55))
    figure.shade(figure.oval((-0.004, -0.46), (0.02, 0.15)), 0.016, 0.50, mixed(skin, (255, 250, 244), 0.6))
    figure.shade(figure.oval((0.0, -0.345), (0.075 * wide, 0.03)), 0.02, 0.42, shaded(skin, 0.6))
    figure.shade(figure.oval((-0.006, -0.375), (0.03, 0.024)), 0.012, 0.55, mixed(skin, (255, 250, 244), 0.65))
    for side in (-1, 1):
        figure.line(
            [(side * 0.085 * wide, -0.39), (side * 0.095 * wide, -0.36), (side * 0.075 * wide, -0.34)],
            0.014,
            shaded(skin, 0.55),
            0.6,
            0.006,
        )
        figure.shade(figure.oval((side * 0.042 * wide, -0.338), (0.02, 0.009)), 0.004, 0.8, shaded(skin, 0.3))
    lip, lift, full = mixed(skin, (182, 64, 72), 0.55), 0.012 + 0.012 * looks.smile, 1 + 0.2 * looks.lips
    upper = [(0.0, -0.232), (0.03, -0.245), (0.08, -0.230), (0.145, -0.205 - lift), (0.07, -0.206), (0.0, -0.204)]
    lower = [
        (0.0, -0.208),
        (0.07, -0.208),
        (0.14, -0.206 - lift),
        (0.09, -0.178 + 0.012 * full),
        (0.0, -0.170 + 0.014 * full),
    ]
    for half, tone in ((upper, shaded(lip, 0.86)), (lower, lip)):
        outline = smooth([*half, *((-x, y) for x, y in reversed(half[1:-1]))])
        figure.fill(figure.patch(outline).soft(0.004 * figure.face.height), tone)
    seam = [(-0.15, -0.205 - lift), (-0.07, -0.205), (0.0, -0.202), (0.07, -0.205), (0.15, -0.205 - lift)]
    figure.line(seam, 0.010, shaded(lip, 0.42), 0.9, 0.003)
    figure.shade(figure.oval((-0.02, -0.182), (0.05, 0.010)), 0.008, 0.5, mixed(lip, (255, 240, 236), 0.7))
    figure.shade(figure.oval((0.0, -0.128), (0.09, 0.018)), 0.02, 0.36, shaded(skin, 0.6))
