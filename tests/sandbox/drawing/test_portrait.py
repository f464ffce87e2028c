"""The people who do not exist."""

from __future__ import annotations

import pytest
from PIL import Image, ImageChops

from aurashot.sandbox.drawing import draw_portrait
from aurashot.sandbox.drawing._face import find_face
from aurashot.sandbox.drawing._hair import STYLES
from aurashot.sandbox.drawing._portrait import _looks
from tests.sandbox.drawing.comparison import difference


def test_equal_seeds_give_equal_pixels(portrait: Image.Image) -> None:
    """A portrait is a function of its seed."""
    assert ImageChops.difference(portrait, draw_portrait("ada")).getbbox() is None


def test_other_seeds_give_other_people(portrait: Image.Image) -> None:
    """Another seed changes far more than noise would."""
    assert difference(portrait, draw_portrait("bo")) > 10


@pytest.mark.parametrize("size", [96, 512, 768, 1000])
def test_size_is_the_side_of_a_square(size: int) -> None:
    """The face's box scales with the image."""
    drawn = draw_portrait("ada", size=size)
    assert (size, size) == drawn.size
    assert "RGB" == drawn.mode
    assert abs(find_face(drawn).height - 300 * size / 768) <= 1


def test_seeds_reach_every_hair_style() -> None:
    """Forty people show every style, and each style can be drawn."""
    seeds = {_looks(f"seed {number}").style: f"seed {number}" for number in range(40)}
    assert set(STYLES) == set(seeds)
    people = [draw_portrait(seed, size=192) for seed in seeds.values()]
    assert all(difference(people[0], other) > 5 for other in people[1:])


def test_dark_skin_goes_with_black_hair() -> None:
    """Hair of the colour of the skin would hide the face from the search."""
    people = [_looks(f"seed {number}") for number in range(40)]
    dark = [person for person in people if sum(person.skin) < 400]
    assert dark
    assert all(sum(person.hair) < 100 for person in dark)
