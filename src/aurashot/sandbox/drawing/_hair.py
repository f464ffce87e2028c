"""The hair of drawn portraits: behind the shoulders, and around the face."""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeAlias

from aurashot.sandbox.drawing._primitives import Colour, Point, generator, mixed, shaded, smooth

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aurashot.sandbox.drawing._figure import Figure

_Half: TypeAlias = tuple[Point, ...]

# The right half of the hair behind the neck, from the crown down.
_BEHIND: Final[Mapping[str, _Half]] = MappingProxyType(
    {
        "bob": (
            (0.0, -1.34),
            (0.34, -1.24),
            (0.50, -0.92),
            (0.53, -0.5),
            (0.52, -0.12),
            (0.40, 0.06),
            (0.2, 0.1),
            (0.0, 0.1),
        ),
        "long": (
            (0.0, -1.34),
            (0.34, -1.24),
            (0.50, -0.92),
            (0.53, -0.5),
            (0.58, 0.0),
            (0.62, 0.5),
            (0.5, 0.86),
            (0.25, 0.9),
            (0.0, 0.9),
        ),
    }
)
# The hair in front, which covers the skull down to the hairline, clockwise from the left temple.
_FRONT: Final[Mapping[str, _Half]] = MappingProxyType(
    {
        "short": (
            (-0.39, -0.62),
            (-0.43, -0.95),
            (-0.30, -1.25),
            (0.0, -1.36),
            (0.30, -1.27),
            (0.43, -0.95),
            (0.39, -0.62),
            (0.355, -0.78),
            (0.29, -0.93),
            (0.10, -0.97),
            (-0.14, -0.96),
            (-0.30, -0.92),
            (-0.355, -0.78),
        ),
        "side": (
            (-0.39, -0.60),
            (-0.44, -0.95),
            (-0.32, -1.25),
            (0.0, -1.38),
            (0.32, -1.29),
            (0.44, -0.95),
            (0.39, -0.60),
            (0.35, -0.80),
            (0.22, -0.84),
            (-0.02, -0.93),
            (-0.20, -1.04),
            (-0.30, -0.93),
            (-0.355, -0.78),
        ),
        "bob": (
            (-0.44, -0.10),
            (-0.50, -0.6),
            (-0.44, -1.05),
            (-0.26, -1.29),
            (0.0, -1.37),
            (0.28, -1.29),
            (0.45, -1.05),
            (0.51, -0.6),
            (0.45, -0.10),
            (0.37, -0.3),
            (0.36, -0.66),
            (0.24, -0.84),
            (0.0, -0.88),
            (-0.2, -0.87),
            (-0.33, -0.74),
            (-0.37, -0.3),
        ),
        "long": (
            (-0.47, 0.02),
            (-0.51, -0.6),
            (-0.44, -1.05),
            (-0.26, -1.29),
            (0.02, -1.37),
            (0.28, -1.29),
            (0.45, -1.05),
            (0.52, -0.6),
            (0.48, 0.02),
            (0.37, -0.3),
            (0.365, -0.70),
            (0.25, -0.95),
            (0.06, -1.09),
            (-0.12, -1.0),
            (-0.30, -0.84),
            (-0.375, -0.3),
        ),
    }
)
STYLES: Final = tuple(_FRONT)


def draw_hair_behind(figure: Figure, style: str, colour: Colour) -> None:
    """Draw the hair behind the neck and head."""
    if style in _BEHIND:
        figure.fill(figure.shape(_BEHIND[style]), shaded(colour, 0.62), 0.4)


def draw_hair_before(figure: Figure, style: str, colour: Colour) -> None:
    """Draw the hair on the skull and around the face, with strands and highlights."""
    cap = figure.patch(smooth(_FRONT[style]))
    figure.shade(cap, 0.03, 0.35)
    figure.fill(cap.soft(0.008 * figure.face.height), colour)
    figure.shade(cap.minus(cap.soft(0.07 * figure.face.height)), 0.01, 0.7, shaded(colour, 0.4))
    random = generator("strands", style)
    for _ in range(64):
        angle, reach = random.uniform(-2.75, -0.4), random.uniform(0.86, 1.0)
        start = 0.06 + random.normal(0, 0.03), -1.30 + random.normal(0, 0.02)
        middle = 0.40 * reach * math.cos(angle), -0.92 + 0.40 * reach * math.sin(angle)
        end = 0.47 * reach * math.cos(angle * 0.96 - 0.06), -0.55 + 0.3 * math.sin(angle)
        tone = mixed(colour, (255, 236, 206), 0.22) if random.uniform() < 0.5 else shaded(colour, 0.66)
        figure.shade(figure.stroke((start, middle, end), 0.008).within(cap), 0.004, 0.42, tone)
    shine = figure.patch(
        smooth([(-0.32, -1.02), (-0.2, -1.18), (0.02, -1.25), (0.1, -1.2), (-0.1, -1.12), (-0.24, -0.98)])
    )
    figure.shade(shine.within(cap), 0.05, 0.30, mixed(colour, (255, 244, 226), 0.6))
