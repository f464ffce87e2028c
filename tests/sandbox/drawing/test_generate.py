"""Generating a person in a scene."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image, ImageChops

from aurashot.sandbox.drawing import draw_portrait, generate
from aurashot.sandbox.drawing._body import _DETAILS
from aurashot.sandbox.drawing._scenes import SCENES
from tests.sandbox.drawing.comparison import difference, likeness


def _made(face: Image.Image, prompt: str) -> Image.Image:
    return generate(face, prompt=prompt, clothes=None, scene=None)


def _mean(image: Image.Image) -> list[float]:
    means: list[float] = np.asarray(image, dtype=np.float64).mean(axis=(0, 1)).tolist()
    return means


def test_generated_image_has_the_face(
    cafe: Image.Image, anchor: Image.Image, collins: Image.Image, hopper: Image.Image
) -> None:
    """The face is the anchor's, pixel for pixel but for size and light, and not another person's."""
    assert (832, 1040) == cafe.size
    assert likeness(cafe, anchor) > 0.97
    assert likeness(cafe, hopper) < 0.7
    assert likeness(_made(collins, "cafe"), collins) < likeness(cafe, anchor)


@pytest.mark.parametrize("seed", ["fay"])
def test_drawn_people_keep_their_face(seed: str) -> None:
    """A portrait without a sheet in between works as a reference too."""
    portrait = draw_portrait(seed)
    assert likeness(_made(portrait, "in a park"), portrait) > 0.97


def test_equal_inputs_give_equal_pixels_in_any_thread(portrait: Image.Image) -> None:
    """Nothing is shared between calls that run at once."""
    with ThreadPoolExecutor(4) as pool:
        first, *others = pool.map(_made, [portrait] * 4, ["a forest at dawn"] * 4)
    assert all(ImageChops.difference(first, other).getbbox() is None for other in others)


@pytest.fixture(scope="module")
def plain(portrait: Image.Image) -> Image.Image:
    """Return the portrait's person in front of a yellow wall."""
    return _made(portrait, "in front of a yellow wall, red shirt")


@pytest.mark.parametrize("scene", sorted(SCENES))
def test_every_scene_looks_different(portrait: Image.Image, plain: Image.Image, scene: str) -> None:
    """The prompt determines the scene, and the face stays the same."""
    image = _made(portrait, f"in the {scene}, red shirt")
    assert likeness(image, portrait) > 0.95
    assert difference(image, plain) > 10


@pytest.mark.parametrize("garment", sorted({*_DETAILS, "casual"}))
def test_every_garment_takes_its_colour(portrait: Image.Image, garment: str) -> None:
    """Below the collar the image has the colour that the prompt names."""
    red, green, blue = _mean(_made(portrait, f"red {garment} in a studio").crop((240, 700, 330, 1000)))
    assert red > 1.5 * max(green, blue)


def test_light_changes_the_scene(portrait: Image.Image) -> None:
    """The sky is brightest by day, red at sunset, dark and blue at night."""
    skies = {
        hour: _mean(_made(portrait, f"by the sea, {hour}").crop((0, 0, 200, 400)))
        for hour in ("noon", "sunset", "night")
    }
    assert sum(skies["noon"]) > sum(skies["sunset"]) > 2 * sum(skies["night"])
    assert skies["sunset"][0] > skies["sunset"][2]
    assert skies["night"][0] < skies["night"][2]


def test_unknown_words_change_the_image(portrait: Image.Image) -> None:
    """A prompt without a known word still determines the palette."""
    assert difference(_made(portrait, "qwerty"), _made(portrait, "asdf")) > 5


def test_smile_moves_the_mouth(portrait: Image.Image) -> None:
    """A smiling person is less like the reference than a serious one, and still that person."""
    grave, happy = (likeness(_made(portrait, prompt), portrait) for prompt in ("in a park", "smiling in a park"))
    assert 0.75 < happy < grave - 0.01


def test_scene_reference_becomes_the_background(portrait: Image.Image, hopper: Image.Image) -> None:
    """Around the person, the image has the colours of the scene reference, not those of the prompt."""
    scene = Image.new("RGB", (400, 300), (20, 160, 60))
    red, green, blue = _mean(generate(portrait, prompt="cafe", clothes=None, scene=scene).crop((0, 0, 120, 400)))
    assert green > 2 * max(red, blue)


def test_clothes_reference_gives_the_cloth(portrait: Image.Image) -> None:
    """The torso shows the texture of the clothes reference."""
    stripes = Image.fromarray(np.repeat([[[220, 30, 30]], [[30, 30, 220]]] * 8, 64, axis=1).astype(np.uint8))
    worn = generate(portrait, prompt="studio", clothes=stripes.resize((512, 512), Image.Resampling.NEAREST), scene=None)
    column = np.asarray(worn.crop((300, 760, 340, 1000)), dtype=np.float64).mean(axis=1)
    assert (column[:, 0] > 2 * column[:, 2]).any()
    assert (column[:, 2] > 2 * column[:, 0]).any()


def test_black_and_white_face_makes_a_black_and_white_image(collins: Image.Image) -> None:
    """A black-and-white face would look wrong in a coloured scene."""
    pixels = np.asarray(_made(collins.convert("L"), "a red suit on the beach"), dtype=np.int16)
    assert 0 == int((pixels.max(axis=2) - pixels.min(axis=2)).max())


@pytest.mark.parametrize("size", [(1, 1), (9, 700), (3000, 2400)])
def test_any_size_of_reference_is_taken(size: tuple[int, int]) -> None:
    """Tiny, narrow and large images are scaled to a size that can be processed."""
    assert (832, 1040) == _made(Image.new("RGB", size, (210, 160, 130)), "park").size
