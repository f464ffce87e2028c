"""Split a 4-in-1 ID photo into its tiles, and say what is wrong with it before images are made from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import numpy as np

from aurashot.identity._findings import Finding
from aurashot.identity._gates import reasons_about
from aurashot.identity._grid import grid_of
from aurashot.identity._pixels import load
from aurashot.identity._reference import cosine_of, reference_from, reference_from_faces
from aurashot.identity._search import main_faces, search, search_in, usual_model

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL.Image import Image as PillowImage

    from aurashot.identity._faces import Face
    from aurashot.identity._grid import Grid
    from aurashot.identity._model import FaceModel, Pixels
    from aurashot.identity._pixels import LoadedImage
    from aurashot.identity._reference import FaceReference
    from aurashot.identity._search import FoundFace
    from aurashot.identity._thresholds import Thresholds
    from aurashot.images import ImageInput

TileLabel: TypeAlias = Literal["front", "left", "right", "smiling", "whole"]
"""What a tile shows, as measured; left and right are those of the image, `whole` is an image that is no sheet."""

_TURNED: Final = 0.12
"""How far the yaw of a turned tile is from that of the others."""
_WIDER: Final = 0.10
"""How much wider the mouth of a smiling face is, in eye distances."""
_MAX_CHROMA: Final = 30.0
_MAX_VARIATION: Final = 30.0
_ANOTHER: Final = "make the ID photo again, or from another photo"


@dataclass(frozen=True, slots=True)
class Tile:
    """One view on an ID sheet.

    Attributes:
        label: What it shows.
        box: Left, top, right and bottom in pixels of the sheet.
        face: The face on it, in pixels of the sheet; None if none was found.
        pixels: The tile, height by width by 3, RGB.
    """

    label: TileLabel
    box: tuple[int, int, int, int]
    face: Face | None
    pixels: Pixels = field(repr=False, compare=False)

    def to_image(self) -> PillowImage:
        """Return the tile as a Pillow image."""
        from PIL import Image

        return Image.fromarray(self.pixels)


@dataclass(frozen=True, slots=True, eq=False)
class IdSheet:
    """An ID photo with its tiles, as a reference for `compare`.

    Attributes:
        tiles: The four tiles in reading order; the whole image if it is no sheet.
        is_sheet: Whether it is one.
        problems: What makes it a poor anchor; empty if nothing does.
        reference: The face on it.
    """

    tiles: tuple[Tile, ...]
    is_sheet: bool
    problems: tuple[Finding, ...]
    reference: FaceReference = field(repr=False)


def split_id_photo(image: ImageInput, *, model: FaceModel | None = None) -> IdSheet:
    """Find the tiles of an ID photo: two by two or four in a row, with or without a footer.

    Args:
        image: A file, bytes, a Pillow image, …; not a URL.
        model: The engine; YuNet and SFace by default.

    Raises:
        InvalidImageError: The image cannot be read.
        ConfigurationError: The extra `identity` or a model file is missing.
        FaceEngineError: The engine failed.
    """
    engine = model or usual_model()
    loaded = load(image)
    found = main_faces(search(loaded, engine))
    height, width = loaded.pixels.shape[:2]
    grid = grid_of([each.face.box for each in found], (width, height))
    return _split(loaded, grid, found, engine) if grid else _whole(loaded, found, engine)


def _whole(image: LoadedImage, found: Sequence[FoundFace], model: FaceModel) -> IdSheet:
    height, width = image.pixels.shape[:2]
    tile = Tile("whole", (0, 0, width, height), found[0].face if found else None, image.pixels)
    sentence = f"The image is no sheet of four views: {len(found)} faces were found"
    problems = (Finding("not_a_sheet", sentence, "make an ID photo from it, and pass that"),)
    return IdSheet((tile,), is_sheet=False, problems=problems, reference=reference_from([image], model))


def _split(image: LoadedImage, grid: Grid, found: Sequence[FoundFace], model: FaceModel) -> IdSheet:
    boxes = [grid.tile(place) for place in range(len(grid.order))]
    faces = [
        found[place] if place is not None else search_in(image, box, model)
        for place, box in zip(grid.order, boxes, strict=True)
    ]
    labels = _labels([each.face if each else None for each in faces])
    tiles = tuple(
        Tile(label, box, each.face if each else None, image.pixels[box[1] : box[3], box[0] : box[2]])
        for label, box, each in zip(labels, boxes, faces, strict=True)
    )
    reference = reference_from_faces([each for each in faces if each is not None], (), model)
    return IdSheet(tiles, True, _problems(tiles, reference, model.thresholds), reference)


def _labels(faces: Sequence[Face | None]) -> list[TileLabel]:
    """Return what each tile shows: turned by its yaw, and smiling by the width of its mouth among the other ones."""
    seen = [face for face in faces if face is not None]
    middle = float(np.median([face.yaw for face in seen])) if seen else 0.0
    middle = min(0.0, middle) if middle < 0 else max(0.0, min(middle, _TURNED))
    frontal = [face for face in seen if abs(face.yaw - middle) < _TURNED]
    widths = [face.landmarks.mouth_width for face in frontal]
    return [_label(face, middle, widths) if face else "front" for face in faces]


def _label(face: Face, middle: float, widths: Sequence[float]) -> TileLabel:
    if abs(face.yaw - middle) >= _TURNED:
        return "right" if face.yaw > middle else "left"
    width = face.landmarks.mouth_width
    return "smiling" if len(widths) > 1 and width == max(widths) and width - min(widths) >= _WIDER else "front"


def _problems(tiles: Sequence[Tile], reference: FaceReference, thresholds: Thresholds) -> tuple[Finding, ...]:
    return (
        *_missing_faces(tiles),
        *_other_people(reference, thresholds),
        *_missing_poses(tiles),
        *_backgrounds(tiles),
        *_poor_faces(tiles, thresholds),
    )


def _missing_faces(tiles: Sequence[Tile]) -> list[Finding]:
    return [
        Finding("missing_face", f"No face was found on tile {number}", _ANOTHER)
        for number, tile in enumerate(tiles, 1)
        if tile.face is None
    ]


def _other_people(reference: FaceReference, thresholds: Thresholds) -> list[Finding]:
    vectors = reference.vectors
    lowest = min((cosine_of(one, other) for place, one in enumerate(vectors) for other in vectors[:place]), default=1.0)
    if lowest >= thresholds.different:
        return []
    sentence = f"The tiles do not show one person for sure: two of them have a cosine of {lowest:.2f}"
    return [Finding("different_people", sentence, _ANOTHER)]


def _missing_poses(tiles: Sequence[Tile]) -> list[Finding]:
    shown = {tile.label for tile in tiles}
    return [
        Finding("pose", f"No tile is clearly turned to the {side}", "images in that pose may drift; " + _ANOTHER)
        for side in ("left", "right")
        if side not in shown
    ]


def _backgrounds(tiles: Sequence[Tile]) -> list[Finding]:
    return [
        Finding("background", f"The background of tile {number} is not plain", "ask for a plain, grey background")
        for number, tile in enumerate(tiles, 1)
        if not _is_plain(tile)
    ]


def _is_plain(tile: Tile) -> bool:
    """Whether the strips beside and above the head have little colour and little change."""
    height, width = tile.pixels.shape[:2]
    side = max(width // 12, 1)
    upper = tile.pixels[: max(height // 2, 1)]
    strips = (upper[:, side // 4 : side], upper[:, width - side : width - side // 4], upper[side // 4 : side])
    colours = np.concatenate([strip.reshape(-1, 3) for strip in strips]).astype(np.float32)
    chroma = float((colours.max(axis=1) - colours.min(axis=1)).mean()) if len(colours) else 0.0
    return chroma <= _MAX_CHROMA and float(colours.mean(axis=1).std()) <= _MAX_VARIATION


def _poor_faces(tiles: Sequence[Tile], thresholds: Thresholds) -> list[Finding]:
    return [
        Finding(reason.code, f"Tile {number}: {reason.sentence[0].lower()}{reason.sentence[1:]}", _ANOTHER)
        for number, tile in enumerate(tiles, 1)
        if tile.face is not None
        for reason in reasons_about(tile.face, thresholds, "image")
        if reason.code != "turned"
    ]
