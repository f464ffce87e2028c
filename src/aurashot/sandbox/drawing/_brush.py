"""The strokes that scenes, bodies and portraits are painted with: gradients, glows, smooth shapes, soft noise.

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
    from collections.abc import Sequence

Floats: TypeAlias = NDArray[np.floating[Any]]
Colour: TypeAlias = tuple[int, int, int]
Point: TypeAlias = tuple[float, float]

_SUPERSAMPLE: Final = 2


def generator(*parts: str) -> np.random.Generator:
    """Return random numbers that depend on the digest of the parts and on nothing else."""
    return np.random.default_rng(
        int.from_bytes(sha256("\x1f".join(parts).encode(errors="surrogatepass")).digest()[:8], "big")
    )


def mixed(first: Colour, second: Colour, share: float) -> Colour:
    """Return `first` with a share (0 to 1) of `second` in it."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def shaded(colour: Colour, factor: float) -> Colour:
    """Return the colour made darker (below 1) or brighter."""
    red, green, blue = (max(0, min(255, round(part * factor))) for part in colour)
    return red, green, blue


def gradient(size: tuple[int, int], stops: Sequence[tuple[float, Colour]]) -> Image.Image:
    """Return a vertical gradient through (height 0 to 1, colour) stops."""
    rows = (np.arange(size[1]) + 0.5) / size[1]
    places = [place for place, _ in stops]
    bands = [np.interp(rows, places, [colour[band] for _, colour in stops]) for band in range(3)]
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
    """Return a closed outline from its right half, given from top to bottom, with x counted from the middle."""
    return [*half, *((-x, y) for x, y in reversed(half))]


@dataclass(frozen=True, slots=True)
class Patch:
    """A mask that covers only its own part of a canvas: drawing costs what is drawn, not the whole canvas."""

    mask: Image.Image
    corner: tuple[int, int]

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, right and bottom on the canvas."""
        return (*self.corner, self.corner[0] + self.mask.width, self.corner[1] + self.mask.height)

    def seen(self, box: tuple[int, int, int, int]) -> Image.Image:
        """Return what a box of the canvas shows of the mask; nothing is outside it."""
        left, top = self.corner
        return self.mask.crop((box[0] - left, box[1] - top, box[2] - left, box[3] - top))

    def minus(self, other: Patch) -> Patch:
        """Return this shape with the other cut out of it."""
        return Patch(ImageChops.subtract(self.mask, other.seen(self.box)), self.corner)

    def within(self, other: Patch) -> Patch:
        """Return what both shapes cover."""
        return Patch(ImageChops.multiply(self.mask, other.seen(self.box)), self.corner)

    def soft(self, radius: float) -> Patch:
        """Return the shape blurred, with room around it for the blur."""
        room = math.ceil(2.2 * radius)
        left, top, right, bottom = self.box
        box = (left - room, top - room, right + room, bottom + room)
        return Patch(blurred(self.seen(box), radius), box[:2])


def polygon(points: Sequence[Point], within: tuple[int, int]) -> Patch:
    """Return an antialiased polygon, cut to a canvas of this size."""
    xs, ys = [x for x, _ in points], [y for _, y in points]
    left, top = max(0, math.floor(min(xs))), max(0, math.floor(min(ys)))
    size = max(1, min(within[0], math.ceil(max(xs))) - left), max(1, min(within[1], math.ceil(max(ys))) - top)
    mask = Image.new("L", (size[0] * _SUPERSAMPLE, size[1] * _SUPERSAMPLE))
    moved = [((x - left) * _SUPERSAMPLE, (y - top) * _SUPERSAMPLE) for x, y in points]
    ImageDraw.Draw(mask).polygon(moved, fill=255)
    return Patch(mask.reduce(_SUPERSAMPLE), (left, top))


def ellipse(centre: Point, radii: Point, within: tuple[int, int]) -> Patch:
    """Return an antialiased ellipse."""
    angles = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    xs, ys = centre[0] + radii[0] * np.cos(angles), centre[1] + radii[1] * np.sin(angles)
    return polygon(list(zip(xs.tolist(), ys.tolist(), strict=True)), within)


def stroke(points: Sequence[Point], width: float, within: tuple[int, int]) -> Patch:
    """Return a line of this width in pixels along the points."""
    room = width / 2 + 1
    xs, ys = [x for x, _ in points], [y for _, y in points]
    left, top = max(0, math.floor(min(xs) - room)), max(0, math.floor(min(ys) - room))
    size = (
        max(1, min(within[0], math.ceil(max(xs) + room)) - left),
        max(1, min(within[1], math.ceil(max(ys) + room)) - top),
    )
    mask = Image.new("L", (size[0] * _SUPERSAMPLE, size[1] * _SUPERSAMPLE))
    moved = [((x - left) * _SUPERSAMPLE, (y - top) * _SUPERSAMPLE) for x, y in points]
    ImageDraw.Draw(mask).line(moved, fill=255, width=max(1, round(width * _SUPERSAMPLE)), joint="curve")
    return Patch(mask.reduce(_SUPERSAMPLE), (left, top))


def blurred(image: Image.Image, radius: float) -> Image.Image:
    """Blur; wide blurs are done on a smaller image, which looks the same and is many times faster."""
    shrink = max(1, int(radius / 4))
    if shrink == 1:
        return image.filter(ImageFilter.GaussianBlur(radius))
    small = image.reduce(shrink).filter(ImageFilter.GaussianBlur(radius / shrink))
    return small.resize(image.size, Image.Resampling.BICUBIC)


def paint(canvas: Image.Image, patch: Patch, colour: Colour, opacity: float = 1.0) -> None:
    """Fill the shape with a colour."""
    canvas.paste(colour, patch.box, faded(patch.mask, opacity))


def faded(mask: Image.Image, opacity: float) -> Image.Image:
    """Return the mask at a share of its strength."""
    if opacity == 1.0:
        return mask
    return mask.point([round(level * opacity) for level in range(256)])


def glow(canvas: Image.Image, centre: Point, radius: float, colour: Colour, strength: float = 1.0) -> None:
    """Add light around a point, fading to nothing at the radius."""
    left, top = int(centre[0] - radius), int(centre[1] - radius)
    side = max(2, int(2 * radius))
    offsets = (np.arange(side) + 0.5) / side * 2 - 1
    distance = np.sqrt(offsets[None, :] ** 2 + offsets[:, None] ** 2)
    fall = (1 - distance).clip(0, 1) ** 2 * strength
    light = Image.fromarray((fall[..., None] * np.asarray(colour)).round().clip(0, 255).astype(np.uint8))
    _screened(canvas, light, (left, top))


def disc(canvas: Image.Image, centre: Point, radius: float, colour: Colour, strength: float = 1.0) -> None:
    """Add an out-of-focus light: an even disc with a slightly brighter rim."""
    side = max(3, int(2 * radius) + 3)
    offsets = (np.arange(side) + 0.5) / side * 2 - 1
    distance = np.sqrt(offsets[None, :] ** 2 + offsets[:, None] ** 2)
    fall = ((1 - distance) * radius / 1.5).clip(0, 1) * (0.72 + 0.28 * distance.clip(0, 1) ** 4) * strength
    light = Image.fromarray((fall[..., None] * np.asarray(colour)).round().clip(0, 255).astype(np.uint8))
    _screened(canvas, light, (int(centre[0] - side / 2), int(centre[1] - side / 2)))


def _screened(canvas: Image.Image, light: Image.Image, corner: tuple[int, int]) -> None:
    """Screen a patch of light onto the canvas where the two overlap."""
    box = (corner[0], corner[1], corner[0] + light.width, corner[1] + light.height)
    seen = max(box[0], 0), max(box[1], 0), min(box[2], canvas.width), min(box[3], canvas.height)
    if seen[0] >= seen[2] or seen[1] >= seen[3]:
        return
    patch = light.crop((seen[0] - box[0], seen[1] - box[1], seen[2] - box[0], seen[3] - box[1]))
    canvas.paste(ImageChops.screen(canvas.crop(seen), patch), seen[:2])


def cloud(size: tuple[int, int], random: np.random.Generator, cells: int) -> Floats:
    """Return soft noise from -1 to 1 with about `cells` bumps across."""
    rows = max(2, round(cells * size[1] / size[0]))
    coarse = random.uniform(-1, 1, (rows + 1, cells + 1)).astype(np.float32)
    return np.asarray(Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC))


def lit(image: Image.Image, factors: Floats) -> Image.Image:
    """Multiply the image by factors, one for each pixel or one for each pixel and band."""
    spread = factors[..., None] if factors.ndim == 2 else factors
    return Image.fromarray((np.asarray(image) * spread).clip(0, 255).astype(np.uint8))
