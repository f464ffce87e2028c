"""The ID sheet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image, ImageChops

from aurashot.sandbox.drawing import id_photo
from aurashot.sandbox.drawing._face import find_face
from tests.sandbox.drawing.comparison import difference, likeness

if TYPE_CHECKING:
    from collections.abc import Iterator


def _tiles(sheet: Image.Image) -> Iterator[Image.Image]:
    """Yield the four quarters, each with the box of its face: the turned ones have moved sideways."""
    for left, top, moved in ((0, 0, 0), (512, 0, -26), (0, 512, 26), (512, 512, 0)):
        tile = sheet.crop((left, top, left + 512, top + 512))
        tile.info = {"aurashot:face": f"{176 + moved},134,{336 + moved},344"}
        yield tile


def test_sheet_holds_four_faces_of_the_person(collins: Image.Image, hopper: Image.Image, anchor: Image.Image) -> None:
    """Every tile shows the anchor's own pixels and nobody else's: the front exactly, the others bent."""
    assert (1024, 1024) == anchor.size
    front, left, right, smiling = (likeness(tile, anchor) for tile in _tiles(anchor))
    assert front > 0.999
    assert min(left, right) > 0.6
    assert max(left, right) < 0.98
    assert 0.8 < smiling < 0.999
    assert all(likeness(tile, anchor) > likeness(tile, hopper) for tile in _tiles(anchor))


def test_turned_tiles_are_turned_to_opposite_sides(anchor: Image.Image) -> None:
    """The two turned heads differ more from each other than each from the front."""
    front, left, right, _ = (tile.crop((176, 134, 336, 344)) for tile in _tiles(anchor))
    assert difference(left, right) > max(difference(left, front), difference(right, front))


def test_front_of_the_sheet_is_the_photograph(hopper: Image.Image) -> None:
    """The face on the sheet correlates with the photograph it was cut from."""
    assert likeness(id_photo(hopper, prompt=None), hopper) > 0.95


def test_box_points_at_the_front_tile(anchor: Image.Image) -> None:
    """The next operation takes the face from the first of the four."""
    face = find_face(anchor)
    assert (176, 134, 336, 344) == (face.left, face.top, face.right, face.bottom)


def test_sheet_of_a_sheet_is_the_same_person(anchor: Image.Image) -> None:
    """An anchor can be made from an anchor."""
    assert likeness(id_photo(anchor, prompt=None), anchor) > 0.98


def test_background_is_light_and_neutral(anchor: Image.Image) -> None:
    """A corner of each tile is nearly white and nearly grey."""
    for tile in _tiles(anchor):
        pixel = tile.getpixel((12, 12))
        assert isinstance(pixel, tuple)
        assert min(pixel) > 215
        assert max(pixel) - min(pixel) < 10


def test_prompt_can_ask_for_clothes(collins: Image.Image, anchor: Image.Image) -> None:
    """Clothes are drawn as the prompt says; without a word for them nothing changes."""
    dress = id_photo(collins, prompt="in a red suit")
    assert difference(dress, anchor) > 3
    assert likeness(dress, anchor) > 0.99
    assert ImageChops.difference(anchor, id_photo(collins, prompt="for a novel")).getbbox() is None
