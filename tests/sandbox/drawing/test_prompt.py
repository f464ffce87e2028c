"""How prompts are parsed."""

from __future__ import annotations

import pytest

from aurashot.sandbox.drawing._prompt import _VOCABULARY, COLOURS, ParsedPrompt, parse_prompt
from aurashot.sandbox.drawing._scenes import SCENES


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        (
            "sitting in a cozy cafe, warm afternoon light, casual outfit",
            ParsedPrompt("cafe", "golden", clothes="casual"),
        ),
        ("change background to a rooftop bar at night", ParsedPrompt("rooftop", "night")),
        ("two cafes and three beaches", ParsedPrompt("cafe")),
        ("smiling in a black hoodie", ParsedPrompt(clothes="hoodie", clothes_colour=COLOURS["black"], smiling=True)),
        ("a dress in green", ParsedPrompt(clothes="dress", clothes_colour=COLOURS["green"])),
        ("change the background to blue", ParsedPrompt(scene_colour=COLOURS["blue"])),
        ("a red sky over the sea", ParsedPrompt("beach", scene_colour=COLOURS["red"])),
        ("a red beach", ParsedPrompt("beach", scene_colour=COLOURS["red"])),
        ("blonde with blue hair", ParsedPrompt()),
        (
            "在咖啡馆里微笑，穿红色毛衣，夜晚",  # noqa: RUF001  (Chinese has its own comma)
            ParsedPrompt("cafe", "night", "sweater", COLOURS["red"], smiling=True),
        ),
        ("穿T恤在海边，日落", ParsedPrompt("beach", "sunset", clothes="casual")),  # noqa: RUF001  (Chinese has its own comma)
        ("a scarface in a parkour suite", ParsedPrompt()),
        ("", ParsedPrompt()),
    ],
)
def test_prompt_is_read(prompt: str, expected: ParsedPrompt) -> None:
    """Whole words count, in English and Chinese, and a colour belongs to the noun beside it."""
    assert expected == parse_prompt(prompt)


def test_every_scene_of_the_table_can_be_drawn() -> None:
    """Every scene has words and a drawing function."""
    assert set(_VOCABULARY["scene"]) == set(SCENES)


def test_every_colour_word_has_a_colour() -> None:
    """The table and the palette name the same colours."""
    assert set(_VOCABULARY["colour"]) == set(COLOURS)


def test_parsed_prompt_knows_what_it_changes() -> None:
    """A scene or a background colour asks for a new scene, a garment or its colour for new clothes."""
    assert parse_prompt("a red background").changes_scene
    assert parse_prompt("in a forest").changes_scene
    assert not parse_prompt("in a red dress at night").changes_scene
    assert parse_prompt("in a red dress at night").changes_clothes
    assert not parse_prompt("in a forest").changes_clothes
