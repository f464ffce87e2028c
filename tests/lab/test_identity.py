"""The tables of `scripts/lab identity` about what the sandbox makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image

from aurashot import Generation
from aurashot.identity import default_model
from aurashot.sandbox.drawing import draw_portrait
from lab.identity import collages, drift

if TYPE_CHECKING:
    from collections.abc import Sequence


def outcome(drifted: Sequence[bool], *, is_delivered: bool = True) -> drift.Outcome:
    """Return an outcome of these images."""
    images = [{"status": "success", "sandbox": {"drifted": each}} for each in drifted]
    return drift.Outcome(tuple(Generation.model_validate(image) for image in images), is_delivered)


def test_the_interval_of_a_share() -> None:
    """Wilson's, 95 %: also where all or none are counted, it says how little that proves."""
    assert "94.6 to 99.8 %" == drift.interval(99, 100)
    assert "96.3 to 100.0 %" == drift.interval(100, 100)
    assert "0.0 to 27.8 %" == drift.interval(0, 10)
    assert "-" == drift.interval(0, 0)


def test_a_row_tells_what_was_right_and_what_it_cost() -> None:
    """A right image that was refused is a false alarm, and an ideal judge would have kept it."""
    outcomes = [
        outcome([False]),
        outcome([True, False]),
        outcome([False, True]),  # the right image was refused, and another person delivered
        outcome([True, True, True], is_delivered=False),
    ]
    name, calls, delivered, right, alarms, paid, ideal = drift.row("both", outcomes)
    assert ("both", 4, 3) == (name, calls, delivered)
    assert str(right).startswith("2 (")
    assert str(alarms).startswith("1 of 3 (")
    assert ("2.67", "2.33") == (paid, ideal)


def test_people_keep_a_whole_face_in_what_the_sandbox_makes() -> None:
    """The engine finds one face in a scene, and four on an ID sheet; the lab looks at 50 portraits."""
    rows, are_whole = collages.measure(default_model(), 1)
    assert are_whole
    assert [("drawn portraits", 1, 1, 1), ("photographs", 2, 2, 2)] == [(*row[:3], row[4]) for row in rows]


def test_a_face_that_is_cut_is_not_whole() -> None:
    """Half of it is beyond the edge, or there are two, or none."""
    portrait, model = draw_portrait("x"), default_model()
    assert collages.has_one_whole_face(portrait, model)
    assert not collages.has_one_whole_face(portrait.crop((0, 300, 768, 768)), model)
    twice = Image.new("RGB", (1536, 768))
    twice.paste(portrait, (0, 0))
    twice.paste(portrait, (768, 0))
    assert not collages.has_one_whole_face(twice, model)
    assert not collages.has_one_whole_face(Image.new("RGB", (100, 100)), model)
