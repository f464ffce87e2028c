from __future__ import annotations

import pytest

from aurashot import InputError
from aurashot.identity import Calibration
from tests.identity.conftest import ColourModel, plain


@pytest.mark.parametrize(("count", "confidence"), [(3, "low"), (5, "medium"), (10, "high")])
def test_more_images_make_it_sure(count: int, confidence: str, colours: ColourModel) -> None:
    """Three images show little of how much a face varies, and ten a lot."""
    calibration = Calibration.from_images([plain((200, place, 0)) for place in range(count)], model=colours)
    assert (confidence, "colours", count) == (calibration.confidence, colours.name, len(calibration.cosines))
    assert (0.60, 0.30) == pytest.approx((calibration.same, calibration.different))
    assert calibration.expected > 0.99


def test_a_person_who_varies_gets_a_lower_line(colours: ColourModel) -> None:
    """The line is below the cosines that images of this person have, within 0.40 to 0.60."""
    images = [plain(each) for each in ((255, 0, 0), (100, 140, 0), (90, 0, 150), (120, 120, 120), (250, 90, 0))]
    calibration = Calibration.from_images(images, model=colours)
    assert 0.40 <= calibration.same < 0.60
    assert calibration.different <= calibration.same - 0.19
    assert all(cosine is not None and calibration.expected < cosine for cosine in calibration.cosines)


def test_strangers_and_images_without_a_face_are_left_out(colours: ColourModel) -> None:
    """They are named by their positions."""
    images = [plain("red"), plain("black"), plain("red"), plain("blue"), plain("red")]
    calibration = Calibration.from_images(images, model=colours)
    assert (3,) == calibration.strangers
    assert [True, False, True, False, True] == [cosine is not None for cosine in calibration.cosines]


@pytest.mark.parametrize("names", [[], ["red", "red"], ["red", "red", "black"]])
def test_fewer_than_three_faces_are_an_error(names: list[str], colours: ColourModel) -> None:
    """Two images do not show how much a face varies."""
    with pytest.raises(InputError, match=r"2 of 3|0 of 0|2 of 2"):
        Calibration.from_images([plain(name) for name in names], model=colours)
