"""What prompts are understood to ask for."""

from __future__ import annotations

import pytest

from aurashot.sandbox.drawing._scenes import PLACES
from aurashot.sandbox.drawing._words import _TABLE, COLOURS, Wish, read


@pytest.mark.parametrize(
    ("prompt", "wish"),
    [
        ("sitting in a cozy cafe, warm afternoon light, casual outfit", Wish("cafe", "golden", clothes="casual")),
        ("change background to a rooftop bar at night", Wish("rooftop", "night")),
        ("two cafes and three beaches", Wish("cafe")),
        ("make it snowfall in the park", Wish("park", weather="snowfall")),
        ("smiling in a black hoodie", Wish(clothes="hoodie", clothes_colour=COLOURS["black"], smiling=True)),
        ("a dress in green", Wish(clothes="dress", clothes_colour=COLOURS["green"])),
        ("change the background to blue", Wish(scene_colour=COLOURS["blue"])),
        ("a red sky over the sea", Wish("sea", scene_colour=COLOURS["red"])),
        ("a red beach", Wish("beach", scene_colour=COLOURS["red"])),
        ("blonde with blue hair", Wish()),
        ("在咖啡馆里微笑，穿红色毛衣，夜晚", Wish("cafe", "night", None, "sweater", COLOURS["red"], smiling=True)),  # noqa: RUF001  (Chinese has its own comma)
        ("穿T恤在海边，日落", Wish("beach", "sunset", clothes="casual")),  # noqa: RUF001  (Chinese has its own comma)
        ("a scarface in a parkour suite", Wish()),
        ("", Wish()),
    ],
)
def test_prompt_is_read(prompt: str, wish: Wish) -> None:
    """Whole words count, in English and Chinese, and a colour belongs to the noun beside it."""
    assert wish == read(prompt)


def test_every_place_of_the_table_can_be_painted() -> None:
    """No word leads to a place without a painter, and no painter is without a word."""
    assert set(_TABLE["place"]) == set(PLACES)


def test_every_colour_word_has_a_colour() -> None:
    """The table and the palette name the same colours."""
    assert set(_TABLE["colour"]) == set(COLOURS)


def test_wish_knows_what_it_changes() -> None:
    """A place or a background colour asks for a new scene, a garment or its colour for new clothes."""
    assert read("a red background").changes_scene
    assert read("in a forest").changes_scene
    assert not read("in a red dress at night").changes_scene
    assert read("in a red dress at night").changes_clothes
    assert not read("in a forest").changes_clothes
