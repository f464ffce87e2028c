"""The table of `scripts/lab identity` about a sandbox that drifts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aurashot import Generation
from lab.identity import drift

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
