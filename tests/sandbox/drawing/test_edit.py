"""Editing an image and keeping its person."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageChops

from aurashot.sandbox.drawing import edit, generate, id_photo
from aurashot.sandbox.drawing._face import find_face
from tests.sandbox.drawing.comparison import difference, likeness

ROOFTOP = "change background to a rooftop bar at night"


def _corner(image: Image.Image) -> Image.Image:
    """Return a part of the background."""
    return image.crop((0, 0, image.width // 6, image.height // 3))


def _brightness(image: Image.Image) -> float:
    return float(np.asarray(image).mean())


def _chest(image: Image.Image) -> Image.Image:
    face = find_face(image)
    middle = (face.left + face.right) // 2
    top = face.bottom + face.height
    return image.crop((middle - face.height // 2, top, middle - face.height // 5, top + face.height // 2))


@pytest.fixture(scope="module")
def rooftop(cafe: Image.Image) -> Image.Image:
    """Return the image from the cafe moved to a rooftop."""
    return edit(cafe, prompt=ROOFTOP, face=None)


def test_edit_keeps_the_person_and_changes_the_background(cafe: Image.Image, rooftop: Image.Image) -> None:
    """Size, position and pixels of the face stay; the background is new."""
    assert cafe.size == rooftop.size
    assert find_face(cafe) == find_face(rooftop)
    assert likeness(cafe, rooftop) > 0.98
    assert difference(_corner(cafe), _corner(rooftop)) > 60


def test_identity_lock_takes_the_face_of_the_reference(
    cafe: Image.Image, anchor: Image.Image, hopper: Image.Image
) -> None:
    """With a face reference, the image shows that face."""
    same = edit(cafe, prompt=ROOFTOP, face=anchor)
    other = edit(cafe, prompt=ROOFTOP, face=id_photo(hopper, prompt=None))
    assert likeness(same, anchor) > 0.95
    assert likeness(other, hopper) > 0.75
    assert likeness(other, hopper) > likeness(other, anchor) + 0.2


def test_equal_inputs_give_equal_pixels(cafe: Image.Image, rooftop: Image.Image) -> None:
    """An edit is a function of its inputs and changes none of them."""
    before = cafe.copy()
    assert ImageChops.difference(rooftop, edit(cafe, prompt=ROOFTOP, face=None)).getbbox() is None
    assert ImageChops.difference(cafe, before).getbbox() is None


def test_photograph_is_cut_out_and_moved(hopper: Image.Image, collins: Image.Image) -> None:
    """The person in a photograph keeps face and clothes in front of the new background."""
    for photo in (hopper, collins):
        moved = edit(photo, prompt="on the beach at sunset", face=None)
        assert photo.size == moved.size
        assert likeness(photo, moved) > 0.97
        assert difference(_corner(photo), _corner(moved)) > 25
    assert difference(_chest(hopper), _chest(edit(hopper, prompt="on the beach", face=None))) < 25


def test_clothes_change_and_the_background_stays(cafe: Image.Image, hopper: Image.Image) -> None:
    """New clothes are drawn where the old ones were."""
    for image in (cafe, hopper):
        dress = edit(image, prompt="wearing a bright green hoodie", face=None)
        red, green, blue = np.asarray(_chest(dress), dtype=np.float64).mean(axis=(0, 1)).tolist()
        assert green > 1.2 * max(red, blue)
        assert difference(_corner(image), _corner(dress)) < 3
        assert likeness(image, dress) > 0.95


def test_light_alone_darkens_the_background_more_than_the_person(cafe: Image.Image) -> None:
    """The prompt "make it night" keeps the scene."""
    night, face = edit(cafe, prompt="make it night", face=None), find_face(cafe)
    box = (face.left, face.top, face.right, face.bottom)
    assert _brightness(_corner(night)) < 0.6 * _brightness(_corner(cafe))
    assert _brightness(night.crop(box)) > 0.6 * _brightness(cafe.crop(box))
    assert likeness(cafe, night) > 0.98


def test_smile_alone_changes_the_mouth_only(cafe: Image.Image) -> None:
    """Only the face changes."""
    smiling, face = edit(cafe, prompt="smile", face=None), find_face(cafe)
    changed = ImageChops.difference(cafe, smiling).getbbox()
    assert changed is not None
    assert changed[0] >= face.left - 0.2 * face.height
    assert changed[3] <= face.bottom + 0.2 * face.height


def test_unknown_words_change_the_colours(cafe: Image.Image) -> None:
    """Another prompt gives other colours, and the person stays."""
    first, second = (edit(cafe, prompt=prompt, face=None) for prompt in ("qwerty", "asdf"))
    assert difference(first, second) > 2
    assert difference(cafe, first) > 2
    assert likeness(cafe, first) > 0.98


@pytest.mark.parametrize(
    ("size", "expected"),
    [((600, 800), (600, 800)), ((100, 200), (512, 1024)), ((4000, 3000), (1536, 1152)), ((5, 2000), (64, 1536))],
)
def test_size_is_kept_within_limits(size: tuple[int, int], expected: tuple[int, int]) -> None:
    """Small targets are enlarged and huge ones reduced; proportions stay unless a side would vanish."""
    assert expected == edit(Image.new("RGB", size, (190, 150, 130)), prompt="red background", face=None).size


def test_edits_can_be_chained(rooftop: Image.Image, anchor: Image.Image) -> None:
    """After three edits, the same person is at the same position in the image."""
    image = rooftop
    for prompt in ("on the beach", "in a black suit", "smiling in the forest"):
        image = edit(image, prompt=prompt, face=anchor)
    assert find_face(rooftop) == find_face(image)
    assert likeness(image, anchor) > 0.8


def test_reference_of_another_size_is_fitted(cafe: Image.Image, collins: Image.Image) -> None:
    """The lock scales the reference's face to the target's."""
    large = collins.resize((1400, 1400))
    assert likeness(edit(cafe, prompt=ROOFTOP, face=large), collins) > 0.75


def test_edited_images_can_be_face_references(rooftop: Image.Image, anchor: Image.Image) -> None:
    """An edited image works as a face reference."""
    assert likeness(generate(rooftop, prompt="park", clothes=None, scene=None), anchor) > 0.95
