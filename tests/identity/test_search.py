from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageFilter

from aurashot.identity import compare, find_faces
from aurashot.identity._gates import reasons_about
from tests.identity.conftest import plain

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from aurashot.identity import Face, FaceBox, YuNetSFace

HARD_TO_JUDGE: Final[dict[str, Callable[[Image.Image], Image.Image]]] = {
    "too_small": lambda image: image.resize((160, 160)),
    "blurred": lambda image: image.filter(ImageFilter.GaussianBlur(3)),
    "over_exposed": lambda image: ImageEnhance.Brightness(image).enhance(1.4),
    "low_contrast": lambda image: ImageEnhance.Brightness(image).enhance(0.1),
    "tilted": lambda image: image.rotate(60, Image.Resampling.BICUBIC, expand=True),
}


def overlap(one: FaceBox, other: FaceBox) -> float:
    """Return the area that two boxes share over the area that both cover."""
    width = min(one.right, other.right) - max(one.left, other.left)
    height = min(one.bottom, other.bottom) - max(one.top, other.top)
    shared = max(width, 0) * max(height, 0)
    return shared / (one.width * one.height + other.width * other.height - shared)


def only_face(image: Image.Image | Path | bytes, model: YuNetSFace) -> Face:
    """Return the one face in an image."""
    (face,) = find_faces(image, model=model)
    return face


def test_a_face_is_found_with_its_measurements(astronaut: Path, model: YuNetSFace) -> None:
    """The box, the landmarks, and how well it can be seen."""
    face = only_face(astronaut, model)
    assert (178, 62, 269, 177) == pytest.approx(face.box, abs=5)
    assert (200, 102) == pytest.approx(face.landmarks.right_eye, abs=5)
    assert (247, 102) == pytest.approx(face.landmarks.left_eye, abs=5)
    assert (91, 0.93, 0.0, 1.0) == pytest.approx((face.size, face.score, face.exposure, face.roll), abs=3)
    assert abs(face.yaw) < 0.15
    assert (True, False) == (face.sharpness > 0.1, face.is_drawn)
    assert () == reasons_about(face, model.thresholds, "image")


@pytest.mark.parametrize("angle", [-45, 30, 90, 135, 180])
def test_a_turned_face_is_compared_upright(angle: int, eileen: Image.Image, model: YuNetSFace) -> None:
    """However the image is turned, the points of the face are right: without that, the cosine is 0.05 at 45 degrees."""
    turned = eileen.rotate(angle, Image.Resampling.BICUBIC, expand=True)
    result = compare(eileen, turned, model=model)
    assert result.cosine is not None
    assert result.cosine > 0.75
    assert "same" == result.verdict
    assert abs((result.faces[0].roll + angle + 180) % 360 - 180) < 25, "it is that of the image as it is"


def test_exif_orientation_is_applied(eileen: Image.Image, model: YuNetSFace) -> None:
    """A photo that a phone stored on its side has its face where a viewer shows it."""
    exif, file = Image.Exif(), io.BytesIO()
    exif[0x0112] = 6
    eileen.rotate(90, expand=True).save(file, "JPEG", exif=exif, quality=95)
    face = only_face(file.getvalue(), model)
    assert overlap(face.box, only_face(eileen, model).box) > 0.85
    assert abs(face.roll) < 5


def test_a_large_image_has_its_face_at_the_same_place(eileen: Image.Image, model: YuNetSFace) -> None:
    """Positions are in pixels of the image, not of the smaller one that is searched."""
    small, large = only_face(eileen, model), only_face(eileen.resize((2048, 2048)), model)
    assert pytest.approx([4 * each for each in small.box], rel=0.1) == list(large.box)


@pytest.mark.parametrize("code", HARD_TO_JUDGE)
def test_what_makes_a_face_hard_to_judge(code: str, eileen: Image.Image, model: YuNetSFace) -> None:
    """Each has a reason with its code."""
    reasons = reasons_about(only_face(HARD_TO_JUDGE[code](eileen), model), model.thresholds, "image")
    assert [code] == [each.code for each in reasons]
    assert all(each.sentence[0].isupper() and not each.sentence.endswith(".") for each in reasons)


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("turned", {"yaw": -0.7}),
        ("covered", {"eye_brightness": 0.2}),
        ("drawn", {"score": 0.89}),
        ("tilted", {"roll": -31.0}),
    ],
)
def test_gates_by_a_single_measurement(code: str, changes: dict[str, Any], model: YuNetSFace, astronaut: Path) -> None:
    """A measurement beyond its line is a reason."""
    face = replace(only_face(astronaut, model), **changes)
    assert [code] == [each.code for each in reasons_about(face, model.thresholds, "image")]


@pytest.mark.parametrize(
    "image",
    [plain("white", 1), Image.new("RGB", (3000, 3)), plain("gray"), Image.new("L", (20, 20))],
    ids=["tiny", "narrow", "gray", "without colours"],
)
def test_an_image_without_a_face_has_none(image: Image.Image, model: YuNetSFace) -> None:
    """Of whatever size and mode."""
    assert [] == find_faces(image, model=model)


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "CMYK", "I;16"])
def test_every_mode_shows_its_face(mode: str, eileen: Image.Image, model: YuNetSFace) -> None:
    """Grey, palettes, transparency, inks and 16 bits are converted as a viewer shows them."""
    if mode == "I;16":
        image = Image.fromarray(np.asarray(eileen.convert("L"), np.uint16) * 257)
    else:
        image = eileen.convert(mode)
    assert overlap(only_face(eileen, model).box, only_face(image, model).box) > 0.75
