from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from aurashot.identity import FaceBox, Point, compare, split_id_photo
from aurashot.identity._grid import grid_of
from aurashot.identity._sheets import _labels
from tests.identity.conftest import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aurashot.identity import Face, IdSheet, YuNetSFace

TILE = 256


def sheet(tiles: Sequence[Image.Image], columns: int = 2, *, footer: int = 0, side: int = TILE) -> Image.Image:
    """Return a sheet with a face on each grey tile, and a dark footer."""
    rows = -(-len(tiles) // columns)
    image = Image.new("RGB", (columns * side, rows * side + footer), (20, 20, 24))
    for place, tile in enumerate(tiles):
        left, top = place % columns * side, place // columns * side
        image.paste((208, 208, 210), (left, top, left + side, top + side))
        small = tile.resize((side // 2, round(side / 2 * tile.height / tile.width)))
        image.paste(small, (left + side // 4, top + side // 5))
    return image


def head(image: Image.Image) -> Image.Image:
    """Return the head of Eileen Collins."""
    return image.crop((130, 20, 320, 230))


def codes(split: IdSheet) -> list[str]:
    """Return the codes of the problems but for the poses, since photographs of one pose have none."""
    return [each.code for each in split.problems if each.code != "pose"]


@pytest.mark.parametrize(("columns", "footer"), [(2, 0), (2, 28), (2, 100), (4, 0), (4, 28)])
def test_the_tiles_of_a_sheet_are_found(columns: int, footer: int, eileen: Image.Image, model: YuNetSFace) -> None:
    """Two by two or four in a row, with or without a footer."""
    split = split_id_photo(sheet([head(eileen)] * 4, columns, footer=footer), model=model)
    assert (True, 4, []) == (split.is_sheet, len(split.tiles), codes(split))
    expected = [
        (place % columns * TILE, place // columns * TILE, place % columns * TILE + TILE, place // columns * TILE + TILE)
        for place in range(4)
    ]
    assert expected == [pytest.approx(tile.box, abs=4) for tile in split.tiles]
    assert all(tile.face and tile.box[0] < tile.face.box.centre.x < tile.box[2] for tile in split.tiles)


def test_a_sheet_is_a_reference(eileen: Image.Image, grace: Image.Image, model: YuNetSFace) -> None:
    """As a split sheet, and as an image of one, for the person and for somebody else."""
    image = sheet([head(eileen)] * 4)
    split = split_id_photo(image, model=model)
    assert ("same", "different") == tuple(compare(split, one, model=model).verdict for one in (eileen, grace))
    result = compare(image, eileen, model=model)
    assert ("same", 4) == (result.verdict, len(result.reference_faces))
    assert "same" == compare(eileen, image, model=model).verdict, "a new ID photo is compared with the photo"


def test_an_image_that_is_no_sheet_stays_whole(eileen: Image.Image, grace: Image.Image, model: YuNetSFace) -> None:
    """It is one tile, and can be a reference all the same."""
    split = split_id_photo(eileen, model=model)
    assert (False, ["whole"], ["not_a_sheet"]) == (split.is_sheet, [tile.label for tile in split.tiles], codes(split))
    assert (0, 0, 512, 512) == split.tiles[0].box
    assert eileen.size == split.tiles[0].to_image().size
    assert "different" == compare(split, grace, model=model).verdict


def test_a_stranger_on_a_sheet_is_a_problem(eileen: Image.Image, grace: Image.Image, model: YuNetSFace) -> None:
    """It is told before images are made from it, and a comparison warns of it."""
    others = [head(eileen)] * 3
    split = split_id_photo(sheet([*others, grace.crop((100, 40, 440, 420))]), model=model)
    assert ["different_people"] == codes(split)
    assert ["stranger"] == [each.code for each in split.reference.reasons]
    assert "same" == compare(split, eileen, model=model).verdict


def test_a_tile_without_a_face_is_a_problem(eileen: Image.Image, model: YuNetSFace) -> None:
    """Three faces show where the fourth should be."""
    split = split_id_photo(sheet([*[head(eileen)] * 3, plain((208, 208, 210))]), model=model)
    assert (True, ["missing_face"]) == (split.is_sheet, codes(split))
    assert split.problems[0].sentence == "No face was found on tile 4"


def test_a_busy_background_is_a_problem(eileen: Image.Image, model: YuNetSFace) -> None:
    """An anchor shows the person and nothing else."""
    image = Image.new("RGB", (512, 512))
    for place in range(4):
        image.paste(eileen.resize((256, 256)), (place % 2 * 256, place // 2 * 256))
    assert ["background"] * 4 == codes(split_id_photo(image, model=model))


def test_poses_are_measured(eileen: Image.Image, model: YuNetSFace) -> None:
    """A tile is turned if its nose is, and smiles if its mouth is wider than that of the other ones."""
    face = split_id_photo(eileen, model=model).tiles[0].face
    assert face is not None
    left, right = (turned(face, yaw) for yaw in (-0.4, 0.4))
    wide = smiling(face)
    assert ["front", "left", "right", "smiling"] == _labels([face, left, right, wide])
    assert ["smiling", "right", "front", "left"] == _labels([wide, right, face, left])
    assert ["front", "front"] == _labels([face, None])


def turned(face: Face, yaw: float) -> Face:
    """Return a face with its nose aside."""
    return replace(face, yaw=yaw)


def smiling(face: Face) -> Face:
    """Return a face with a wider mouth."""
    right, left = face.landmarks.right_mouth, face.landmarks.left_mouth
    wider = face.landmarks._replace(right_mouth=Point(right.x - 6, right.y), left_mouth=Point(left.x + 6, left.y))
    return replace(face, landmarks=wider)


def boxes(*centres: tuple[float, float], width: float = 20) -> list[FaceBox]:
    """Return boxes around some points."""
    return [FaceBox(x - width / 2, y - width / 2, x + width / 2, y + width / 2) for x, y in centres]


@pytest.mark.parametrize(
    ("centres", "size"),
    [
        (((50, 40), (150, 40)), (200, 100)),
        (((50, 40), (150, 40), (50, 140), (150, 120)), (200, 200)),
        (((20, 40), (150, 40), (50, 140), (150, 140)), (200, 200)),
        (((30, 60), (75, 62), (120, 58), (165, 60)), (400, 300)),
        (((50, 40), (52, 42), (50, 140), (150, 140)), (200, 200)),
        (((50, 40), (150, 40), (50, 140), (150, 140)), (200, 600)),
    ],
)
def test_a_group_of_people_is_no_sheet(centres: tuple[tuple[float, float], ...], size: tuple[int, int]) -> None:
    """Their faces are not at the same place of equal tiles that fill the image."""
    assert None is grid_of(boxes(*centres), size)


def test_faces_of_very_different_sizes_are_no_sheet() -> None:
    """All tiles of a sheet show the head in one size."""
    found = [*boxes((50, 40), (150, 40), (50, 140)), *boxes((150, 140), width=40)]
    assert None is grid_of(found, (200, 200))


def test_the_order_of_a_grid_is_that_of_reading() -> None:
    """From the upper left to the lower right, whatever was found first; a tile without a face is left open."""
    grid = grid_of(boxes((150, 140), (50, 40), (150, 40)), (200, 200))
    assert grid is not None
    assert (1, 2, None, 0) == grid.order
    assert (100, 100, 200, 200) == grid.tile(3)
