"""Whether faces are arranged as on a 4-in-1 ID sheet: two by two, or four in a row, with or without a footer."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aurashot.identity._faces import FaceBox

_SHAPES: Final = ((2, 2), (4, 1))
"""Columns and rows."""
_TILES: Final = 4
_SPREAD: Final = 0.16
"""How far a face may be from the place that the others have in their tiles, as a share of a tile."""
_SIZES: Final = 1.6
"""The width of the largest face over that of the smallest."""
_FOOTER: Final = 0.25
"""The largest share of the height of an image that a footer takes."""
_LONG: Final = 1.7
"""How much longer than wide, or wider than long, a tile may be."""
_CLOSE: Final = 0.06
"""How much a measured height may differ from a likely one, as a share of it."""


@dataclass(frozen=True, slots=True)
class Grid:
    """The tiles of a sheet.

    Attributes:
        columns: How many tiles are beside each other.
        rows: How many are below each other.
        order: For each tile in reading order, the position of its face in the list of boxes.
        width: The width of a tile in pixels.
        height: Its height.
    """

    columns: int
    rows: int
    order: tuple[int | None, ...]
    width: float
    height: float

    def tile(self, place: int) -> tuple[int, int, int, int]:
        """Return left, top, right and bottom of a tile."""
        row, column = divmod(place, self.columns)
        left, top = column * self.width, row * self.height
        return round(left), round(top), round(left + self.width), round(top + self.height)


def grid_of(boxes: Sequence[FaceBox], size: tuple[int, int]) -> Grid | None:
    """Return how four faces, or three of four, are arranged in an image; None if that is no sheet.

    Args:
        boxes: The faces.
        size: The width and height of the image.
    """
    if len(boxes) not in {_TILES - 1, _TILES} or max(b.width for b in boxes) > _SIZES * min(b.width for b in boxes):
        return None
    return next((grid for shape in _SHAPES if (grid := _arranged(boxes, size, shape))), None)


def _arranged(boxes: Sequence[FaceBox], size: tuple[int, int], shape: tuple[int, int]) -> Grid | None:
    columns, rows = shape
    width = size[0] / columns
    height = _tile_height(boxes, size[1], width) if rows > 1 else _height_in_a_row(size[1], width)
    if not size[1] / rows * (1 - _FOOTER) <= height <= size[1] / rows or not 1 / _LONG <= height / width <= _LONG:
        return None
    places = [_place(box, columns, rows, width, height) for box in boxes]
    if None in places or len(set(places)) < len(boxes) or not _is_regular(boxes, width, height):
        return None
    order = tuple(places.index(place) if place in places else None for place in range(_TILES))
    return Grid(columns, rows, order, width, height)


def _tile_height(boxes: Sequence[FaceBox], height: int, width: float) -> float:
    """Return how far the upper row of faces is from the lower one; what is left below is a footer."""
    middle = (min(box.centre.y for box in boxes) + max(box.centre.y for box in boxes)) / 2
    upper = [box.centre.y for box in boxes if box.centre.y <= middle]
    lower = [box.centre.y for box in boxes if box.centre.y > middle]
    measured = fmean(lower or [0.0]) - fmean(upper or [0.0])
    likely = (height / 2, width)  # no footer, or square tiles
    nearest = min(likely, key=lambda each: abs(measured - each))
    return nearest if abs(measured - nearest) <= _CLOSE * nearest and 2 * nearest <= height else measured


def _height_in_a_row(height: int, width: float) -> float:
    return width if width <= height <= (1 + _FOOTER) * width else float(height)


def _place(box: FaceBox, columns: int, rows: int, width: float, height: float) -> int | None:
    column, row = int(box.centre.x // width), int(box.centre.y // height)
    return row * columns + column if 0 <= column < columns and 0 <= row < rows else None


def _is_regular(boxes: Sequence[FaceBox], width: float, height: float) -> bool:
    """Whether the faces are at the same place in their tiles."""
    across = [box.centre.x % width / width for box in boxes]
    down = [box.centre.y % height / height for box in boxes]
    return max(across) - min(across) <= _SPREAD and max(down) - min(down) <= _SPREAD
