"""Drawing primitives: colours, gradients, glows, smooth shapes, noise.

Colours are (red, green, blue) tuples of 0 to 255. Points are in pixels unless a docstring says otherwise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Floats: TypeAlias = NDArray[np.floating[Any]]
Colour: TypeAlias = tuple[int, int, int]
Point: TypeAlias = tuple[float, float]

_SUPERSAMPLE: Final = 2


def generator(*parts: str) -> np.random.Generator:
    """Return a random generator that is seeded with the digest of the parts."""
    return np.random.default_rng(
        int.from_bytes(sha256("\x1f".join(parts).encode(errors="surrogatepass")).digest()[:8], "big")
    )


def mixed(first: Colour, second: Colour, share: float) -> Colour:
    """Return a mix of two colours; `share` is that of the second, 0 to 1."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def shaded(colour: Colour, factor: float) -> Colour:
    """Return the colour, made darker (factor below 1) or brighter."""
    red, green, blue = (max(0, min(255, round(part * factor))) for part in colour)
    return red, green, blue


def gradient(size: tuple[int, int], stops: Sequence[tuple[float, Colour]]) -> Image.Image:
    """Return a vertical gradient through (height 0 to 1, colour) stops."""
    rows = (np.arange(size[1]) + 0.5) / size[1]
    heights = [height for height, _ in stops]
    bands = [np.interp(rows, heights, [colour[band] for _, colour in stops]) for band in range(3)]
    column = np.stack(bands, axis=1).round().astype(np.uint8)
    return Image.fromarray(np.repeat(column[:, None], size[0], axis=1))


def smooth(points: Sequence[Point], steps: int = 10) -> list[Point]:
    """Return a closed Catmull-Rom curve through the points."""
    knots = np.asarray(points, dtype=np.float64)
    before, after, beyond = (np.roll(knots, shift, axis=0) for shift in (1, -1, -2))
    along = (np.arange(steps) / steps)[None, :, None]
    a, b, c, d = (part[:, None, :] for part in (before, knots, after, beyond))
    curve = 0.5 * (
        2 * b + (c - a) * along + (2 * a - 5 * b + 4 * c - d) * along**2 + (3 * b - a - 3 * c + d) * along**3
    )
    return [(float(x), float(y)) for x, y in curve.reshape(-1, 2)]


def mirrored(half: Sequence[Point]) -> list[Point]:
    """Return a closed symmetric outline from its right half, which goes from top to bottom; x is 0 in the middle."""
    return [*half, *((-x, y) for x, y in reversed(half))]


@dataclass(frozen=True, slots=True)
class Patch:
    """A mask for a part of a canvas, so that the cost of drawing depends on the size of the shape only."""

    mask: Image.Image
    corner: tuple[int, int]

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, right and bottom on the canvas."""
        return (*self.corner, self.corner[0] + self.mask.width, self.corner[1] + self.mask.height)

    def seen(self, box: tuple[int, int, int, int]) -> Image.Image:
        """Return the mask inside a box of the canvas; it is 0 outside of the patch."""
        left, top = self.corner
        return self.mask.crop((box[0] - left, box[1] - top, box[2] - left, box[3] - top))

    def minus(self, other: Patch) -> Patch:
        """Return this shape without the other."""
        return Patch(ImageChops.subtract(self.mask, other.seen(self.box)), self.corner)

    def within(self, other: Patch) -> Patch:
        """Return the intersection of both shapes."""
        return Patch(ImageChops.multiply(self.mask, other.seen(self.box)), self.corner)

    def soft(self, radius: float) -> Patch:
        """Return the shape blurred, with room around it for the blur."""
        room = math.ceil(2.2 * radius)
        left, top, right, bottom = self.box
        box = (left - room, top - room, right + room, bottom + room)
        return Patch(blurred(self.seen(box), radius), box[:2])


def polygon(points: Sequence[Point], canvas_size: tuple[int, int]) -> Patch:
    """Return an antialiased polygon, clipped to a canvas of this size."""
    return _antialiased(points, 0.0, canvas_size, lambda draw, scaled: draw.polygon(scaled, fill=255))


def ellipse(centre: Point, radii: Point, canvas_size: tuple[int, int]) -> Patch:
    """Return an antialiased ellipse."""
    angles = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    xs, ys = centre[0] + radii[0] * np.cos(angles), centre[1] + radii[1] * np.sin(angles)
    return polygon(list(zip(xs.tolist(), ys.tolist(), strict=True)), canvas_size)


def stroke(points: Sequence[Point], width: float, canvas_size: tuple[int, int]) -> Patch:
    """Return an antialiased line of this width in pixels along the points."""
    thick = max(1, round(width * _SUPERSAMPLE))
    return _antialiased(
        points, width / 2 + 1, canvas_size, lambda draw, scaled: draw.line(scaled, 255, thick, joint="curve")
    )


def _antialiased(
    points: Sequence[Point],
    margin: float,
    canvas_size: tuple[int, int],
    draw: Callable[[ImageDraw.ImageDraw, list[Point]], None],
) -> Patch:
    """Draw at twice the size into a mask that covers the points and a margin, and scale it down."""
    xs, ys = [x for x, _ in points], [y for _, y in points]
    left, top = (max(0, math.floor(min(values) - margin)) for values in (xs, ys))
    right, bottom = (
        min(limit, math.ceil(max(values) + margin)) for limit, values in zip(canvas_size, (xs, ys), strict=True)
    )
    mask = Image.new("L", (max(1, right - left) * _SUPERSAMPLE, max(1, bottom - top) * _SUPERSAMPLE))
    draw(ImageDraw.Draw(mask), [((x - left) * _SUPERSAMPLE, (y - top) * _SUPERSAMPLE) for x, y in points])
    return Patch(mask.reduce(_SUPERSAMPLE), (left, top))


def blurred(image: Image.Image, radius: float) -> Image.Image:
    """Blur an image; wide blurs are done on a smaller copy, which looks the same and is much faster."""
    shrink = max(1, int(radius / 4))
    if shrink == 1:
        return image.filter(ImageFilter.GaussianBlur(radius))
    small = image.reduce(shrink).filter(ImageFilter.GaussianBlur(radius / shrink))
    return small.resize(image.size, Image.Resampling.BICUBIC)


def paint(canvas: Image.Image, patch: Patch, colour: Colour, opacity: float = 1.0) -> None:
    """Fill the shape with a colour."""
    canvas.paste(colour, patch.box, faded(patch.mask, opacity))


def faded(mask: Image.Image, opacity: float) -> Image.Image:
    """Return the mask multiplied by an opacity."""
    if opacity == 1.0:
        return mask
    return mask.point([round(level * opacity) for level in range(256)])


def glow(canvas: Image.Image, centre: Point, radius: float, colour: Colour, strength: float = 1.0) -> None:
    """Add light around a point, fading to zero at the radius."""
    side = max(2, int(2 * radius))
    falloff = (1 - _distance(side)).clip(0, 1) ** 2 * strength
    _add_light(canvas, falloff, colour, (int(centre[0] - radius), int(centre[1] - radius)))


def disc(canvas: Image.Image, centre: Point, radius: float, colour: Colour, strength: float = 1.0) -> None:
    """Add an out-of-focus light: an even disc with a slightly brighter rim."""
    side = max(3, int(2 * radius) + 3)
    distance = _distance(side)
    falloff = ((1 - distance) * radius / 1.5).clip(0, 1) * (0.72 + 0.28 * distance.clip(0, 1) ** 4) * strength
    _add_light(canvas, falloff, colour, (int(centre[0] - side / 2), int(centre[1] - side / 2)))


def _distance(side: int) -> Floats:
    """Return the distance of the pixels of a square from its centre; 1 at the middle of its sides."""
    offsets = (np.arange(side) + 0.5) / side * 2 - 1
    return np.sqrt(offsets[None, :] ** 2 + offsets[:, None] ** 2)


def _add_light(canvas: Image.Image, falloff: Floats, colour: Colour, corner: tuple[int, int]) -> None:
    """Screen light onto the canvas; Pillow clips what lies outside."""
    light = Image.fromarray((falloff[..., None] * np.asarray(colour)).round().clip(0, 255).astype(np.uint8))
    behind = canvas.crop((*corner, corner[0] + light.width, corner[1] + light.height))
    canvas.paste(ImageChops.screen(behind, light), corner)


def cloud(size: tuple[int, int], random: np.random.Generator, cells: int) -> Floats:
    """Return soft noise from -1 to 1 with about `cells` bumps across."""
    rows = max(2, round(cells * size[1] / size[0]))
    coarse = random.uniform(-1, 1, (rows + 1, cells + 1)).astype(np.float32)
    return np.asarray(Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC))


def lit(image: Image.Image, factors: Floats) -> Image.Image:
    """Multiply the image by factors, one for each pixel or one for each pixel and band."""
    spread = factors[..., None] if factors.ndim == 2 else factors
    return Image.fromarray((np.asarray(image) * spread).clip(0, 255).astype(np.uint8))
