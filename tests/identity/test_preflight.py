from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from aurashot.identity import preflight
from tests.identity.conftest import plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from aurashot.identity import YuNetSFace


def covered(image: Image.Image, box: tuple[int, int, int, int]) -> Image.Image:
    """Return an image with a grey box over a part of it."""
    copy = image.copy()
    ImageDraw.Draw(copy).rectangle(box, fill=(120, 150, 170))
    return copy


UNFIT: Final[dict[str, Callable[[Image.Image], Image.Image]]] = {
    "no_face": lambda _: plain("gray"),
    "too_small": lambda image: image.resize((300, 300)),
    "blurred": lambda image: image.filter(ImageFilter.GaussianBlur(2)),
    "over_exposed": lambda image: ImageEnhance.Brightness(image).enhance(1.4),
    "low_contrast": lambda image: ImageEnhance.Brightness(image).enhance(0.25),
    "tilted": lambda image: image.rotate(25, Image.Resampling.BICUBIC),
    "cut": lambda image: image.crop((205, 20, 420, 300)),
    "covered": lambda image: covered(image, (195, 130, 245, 165)),
}


def test_good_photographs_have_no_findings(eileen: Image.Image, grace: Image.Image, model: YuNetSFace) -> None:
    """Two portraits by photographers can become anchors."""
    for photo in (eileen, grace):
        result = preflight(photo, model=model)
        assert (True, ()) == (result.ok, result.findings)
        assert result.face is not None


@pytest.mark.parametrize("code", UNFIT)
def test_each_finding_has_its_fix(code: str, eileen: Image.Image, model: YuNetSFace) -> None:
    """What is wrong, and what to do about it."""
    result = preflight(UNFIT[code](eileen), model=model)
    assert code in [each.code for each in result.findings]
    assert not result.ok
    assert all(each.sentence[0].isupper() and each.fix[0].islower() for each in result.findings)


def test_two_people_are_a_finding(eileen: Image.Image, grace: Image.Image, model: YuNetSFace) -> None:
    """The anchor has to show one."""
    both = Image.new("RGB", (1024, 600), "gray")
    both.paste(eileen.resize((600, 600)))
    both.paste(grace.resize((424, 497)), (600, 0))
    assert ["several_faces"] == [each.code for each in preflight(both, model=model).findings]
