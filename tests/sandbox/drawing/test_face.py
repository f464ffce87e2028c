"""Where the face is found."""

from __future__ import annotations

import pytest
from PIL import Image, ImageOps

from aurashot.sandbox.drawing import draw_portrait
from aurashot.sandbox.drawing._face import Box, find_face

HOPPER = Box(178, 100, 352, 328)  # by eye
COLLINS = Box(180, 62, 285, 192)


def _overlap(first: Box, second: Box) -> float:
    """Return the share of the common area in the united one."""
    width = min(first.right, second.right) - max(first.left, second.left)
    height = min(first.bottom, second.bottom) - max(first.top, second.top)
    common = max(0, width) * max(0, height)
    return common / (first.width * first.height + second.width * second.height - common)


def _mirrored(box: Box, width: int) -> Box:
    return Box(width - box.right, box.top, width - box.left, box.bottom)


def test_face_of_a_photograph_is_found(hopper: Image.Image, collins: Image.Image) -> None:
    """The box lies on the face, with a hat and glasses as well as beside a skin-coloured suit."""
    assert _overlap(find_face(hopper), HOPPER) > 0.75
    assert _overlap(find_face(collins), COLLINS) > 0.5


def test_face_is_found_in_a_mirror(hopper: Image.Image, collins: Image.Image) -> None:
    """Left and right do not matter."""
    assert _overlap(find_face(ImageOps.mirror(hopper)), _mirrored(HOPPER, hopper.width)) > 0.75
    assert _overlap(find_face(ImageOps.mirror(collins)), _mirrored(COLLINS, collins.width)) > 0.5


def test_size_of_the_image_does_not_matter(hopper: Image.Image) -> None:
    """A photograph three times as large has a box three times as large."""
    large = find_face(hopper.resize((hopper.width * 3, hopper.height * 3)))
    assert _overlap(Box(large.left // 3, large.top // 3, large.right // 3, large.bottom // 3), HOPPER) > 0.75


def test_face_without_colour_is_found(hopper: Image.Image, collins: Image.Image) -> None:
    """In a black-and-white photograph the pattern and the symmetry of a face lead to it."""
    assert _overlap(find_face(hopper.convert("L")), HOPPER) > 0.4
    assert _overlap(find_face(collins.convert("L")), COLLINS) > 0.4


@pytest.mark.parametrize("seed", ["ada", "bo", "dee", "fay", "gus"])
def test_face_of_a_portrait_is_found_without_its_metadata(seed: str) -> None:
    """A portrait that was saved by another program is searched like a photograph."""
    drawn = draw_portrait(seed, size=384)
    told = find_face(drawn)
    drawn.info = {}
    assert _overlap(find_face(drawn), told) > 0.6


def test_metadata_goes_before_the_search(hopper: Image.Image) -> None:
    """What the sandbox wrote is exact, so nothing is searched."""
    marked = hopper.copy()
    marked.info = {"aurashot:face": "10,20,60,90"}
    assert Box(10, 20, 60, 90) == find_face(marked)


@pytest.mark.parametrize("text", ["", "1,2,3", "a,b,c,d", "-5,0,50,60", "10,20,600,90", "10,20,60,700", "10,20,12,90"])
def test_metadata_that_does_not_fit_is_ignored(hopper: Image.Image, text: str) -> None:
    """A box outside the image, upside down or garbled leads back to the search."""
    marked = hopper.copy()
    marked.info = {"aurashot:face": text}
    assert find_face(hopper) == find_face(marked)


@pytest.mark.parametrize("size", [(64, 64), (64, 1536), (1536, 64)])
def test_image_without_a_face_has_a_box_inside_it(size: tuple[int, int]) -> None:
    """There is always a box, since a guess is better than no image."""
    box = find_face(Image.new("RGB", size, "white"))
    assert -1 <= box.left < box.right <= size[0] + 1
    assert -1 <= box.top < box.bottom <= size[1] + 1


def test_grown_box_keeps_its_middle_and_grows_downward() -> None:
    """Fair hair is taken for forehead, so the missing part of a small box is the chin."""
    grown = Box(100, 100, 176, 200).grown(1.2)
    assert (92, 97, 184, 217) == (grown.left, grown.top, grown.right, grown.bottom)
