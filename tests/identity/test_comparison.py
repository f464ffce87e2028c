from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image, ImageFilter, ImageOps
from PIL.PngImagePlugin import PngInfo

from aurashot import AuraShotError, FaceEngineError, InvalidImageError, UnsafeURLError, sandbox
from aurashot.identity import Calibration, FaceReference, Landmarks, Point, compare, find_faces
from aurashot.identity._comparison import verdict_of
from aurashot.identity._findings import ReasonCode, Verdict, reason
from tests.identity.conftest import LINES, ColourModel, plain

if TYPE_CHECKING:
    from pathlib import Path

    from aurashot.identity import Comparison, YuNetSFace


def codes(comparison: Comparison, about: str = "image") -> set[str]:
    """Return the codes of the reasons about the image or the reference."""
    return {each.code for each in comparison.reasons if each.about == about}


def jpeg(image: Image.Image, quality: int) -> bytes:
    """Return an image as JPEG."""
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return file.getvalue()


def drawn(portrait: Image.Image) -> bytes:
    """Return an image as PNG with the sandbox's mark of a drawn face."""
    marks, file = PngInfo(), io.BytesIO()
    marks.add_text("aurashot:face", "1,2,3,4")
    portrait.save(file, "PNG", pnginfo=marks, compress_level=1)
    return file.getvalue()


def test_a_smaller_blurred_copy_is_the_same_person(eileen: Image.Image, model: YuNetSFace) -> None:
    """Size, blur and compression change the face a little."""
    altered = jpeg(eileen.filter(ImageFilter.GaussianBlur(1)).resize((400, 400)), 40)
    result = compare(eileen, altered, model=model)
    assert ("same", model.name, 1) == (result.verdict, result.engine, len(result.faces))
    assert result.cosine is not None
    assert result.similarity is not None
    assert 0.85 < result.cosine < 1
    assert 0.99 < result.similarity < 1


def test_another_woman_is_different(astronaut: Path, grace_hopper: Path, model: YuNetSFace) -> None:
    """Two photographs of two people, in either order."""
    for reference, image in ((astronaut, grace_hopper), (grace_hopper, astronaut)):
        result = compare(reference, image, model=model)
        assert ("different", ()) == (result.verdict, result.reasons)
        assert result.cosine is not None
        assert result.cosine < 0.26
        assert str(result) == f"different (similarity {result.similarity:.2f})"


@pytest.mark.parametrize("mirrored", [False, True])
def test_copied_pixels_are_told(*, mirrored: bool, eileen: Image.Image, model: YuNetSFace) -> None:
    """A copy that was turned, scaled, compressed or mirrored has the pores of the reference."""
    copy = eileen.rotate(7, Image.Resampling.BICUBIC).resize((420, 420))
    image = jpeg(ImageOps.mirror(copy) if mirrored else copy, 60)
    result = compare(eileen, image, model=model)
    assert "same" == result.verdict
    assert {"pasted"} == codes(result)


def test_an_edit_is_not_searched_for_copied_pixels(eileen: Image.Image, model: YuNetSFace) -> None:
    """Edits should keep pixels."""
    assert {"very_close"} >= codes(compare(eileen, eileen, paste_guard=False, model=model))


def test_an_image_without_a_face_is_unsure(eileen: Image.Image, model: YuNetSFace) -> None:
    """There is nothing to compare, so there is no similarity."""
    result = compare(eileen, plain("gray"), model=model)
    assert ("unsure", None, None, {"no_face"}) == (result.verdict, result.similarity, result.cosine, codes(result))
    assert "unsure (nothing compared); image: No face was found (no_face)" == str(result)


def test_a_reference_without_a_face_is_unsure(colours: ColourModel) -> None:
    """The reason names the reference."""
    result = compare(plain("black"), plain("red"), model=colours)
    assert ("unsure", {"no_face"}) == (result.verdict, codes(result, "reference"))


def test_five_faces_are_unsure(eileen: Image.Image, grace: Image.Image, model: YuNetSFace) -> None:
    """Nobody knows who is meant, although one of them is the person."""
    group = Image.new("RGB", (1000, 240), "gray")
    for place in range(5):
        group.paste((eileen if place % 2 else grace).resize((190, 220)), (place * 200, 10))
    result = compare(eileen, group, model=model)
    assert ("unsure", 5) == (result.verdict, len(result.faces))
    assert "several_faces" in codes(result)


def test_people_in_the_background_do_not_count(eileen: Image.Image, grace: Image.Image, model: YuNetSFace) -> None:
    """A face of less than half the width is not who the image is about."""
    scene = eileen.resize((700, 700))
    scene.paste(grace.resize((100, 117)), (10, 10))
    assert "same" == compare(eileen, scene, model=model).verdict


def test_a_tiny_face_is_never_different(eileen: Image.Image, grace: Image.Image, model: YuNetSFace) -> None:
    """A face of 20 pixels could be anybody."""
    result = compare(eileen, grace.resize((64, 75)), model=model)
    assert "unsure" == result.verdict
    assert "too_small" in codes(result)


@pytest.mark.parametrize(
    ("code", "cosine", "expected"),
    [
        ("no_face", 0.9, "unsure"),
        ("several_faces", 0.9, "unsure"),
        ("drawn", 0.9, "unsure"),
        ("drawn", 0.1, "unsure"),
        ("blurred", 0.9, "same"),
        ("blurred", 0.1, "unsure"),
        ("covered", 0.1, "unsure"),
        ("turned", 0.1, "unsure"),
        ("tilted", 0.1, "unsure"),
        ("over_exposed", 0.1, "unsure"),
        ("low_contrast", 0.1, "unsure"),
        ("too_small", 0.1, "unsure"),
        ("pasted", 0.9, "same"),
        ("very_close", 0.9, "same"),
        ("stranger", 0.1, "different"),
    ],
)
def test_a_reason_rules_out_verdicts(code: ReasonCode, cosine: float, expected: Verdict) -> None:
    """What makes a face hard to see is no proof of another person."""
    assert expected == verdict_of(cosine, [reason(code, "It is so", "image")], LINES)


@pytest.mark.parametrize(
    ("cosine", "expected"),
    [(1.0, "same"), (0.50, "same"), (0.4999, "unsure"), (0.30, "unsure"), (0.2999, "different"), (-1.0, "different")],
)
def test_the_lines_of_a_verdict(cosine: float, expected: Verdict) -> None:
    """From 0.50 on it is the same person, below 0.30 another one."""
    assert expected == verdict_of(cosine, [], LINES)


@pytest.mark.parametrize(("cosine", "expected"), [(0.50, 0.80), (0.40, 0.50), (0.30, 0.20), (0.60, 0.94), (-1.0, 0.0)])
def test_the_similarity_of_a_cosine(cosine: float, expected: float) -> None:
    """The lines of the verdict are at 0.80 and 0.20."""
    assert expected == round(LINES.similarity(cosine), 2)


def test_strict_moves_the_line(colours: ColourModel) -> None:
    """A cosine of 0.55 is the same person, and with `strict` unsure."""
    one, other = plain((100, 0, 0)), plain((110, 167, 0))
    assert ("same", "unsure") == tuple(
        compare(one, other, strict=strict, model=colours).verdict for strict in (False, True)
    )


def test_a_calibration_moves_the_line(colours: ColourModel) -> None:
    """A person's own line replaces the one of the engine."""
    own = Calibration(
        same=0.40, different=0.2, expected=0.4, cosines=(), strangers=(), confidence="high", engine="colours"
    )
    one, other = plain((100, 0, 0)), plain((100, 200, 0))
    assert "unsure" == compare(one, other, model=colours).verdict
    assert "same" == compare(one, other, calibration=own, model=colours).verdict
    with pytest.raises(ValueError, match="calibration: it was made with the engine colours"):
        compare(one, other, calibration=own, model=replace(colours, name="others"))


def test_drawn_faces_are_never_the_same(model: YuNetSFace) -> None:
    """Two portraits that the sandbox drew look the same to the engine, and it does not say so."""
    one, other = sandbox.draw_portrait("one"), sandbox.draw_portrait("other")
    result = compare(one, other, model=model)
    assert result.cosine is not None
    assert result.cosine > 0.5
    assert ("unsure", {"drawn"}, {"drawn"}) == (result.verdict, codes(result), codes(result, "reference"))


def test_a_drawn_stranger_differs_from_a_photograph(colours: ColourModel) -> None:
    """A drawing against a photograph can be somebody else for sure, and never the same."""
    red = drawn(plain("red"))
    for reference, image in ((plain("red"), red), (red, plain("red"))):
        assert "unsure" == compare(reference, image, model=colours).verdict
    for reference, image in ((plain("blue"), red), (red, plain("blue"))):
        assert "different" == compare(reference, image, model=colours).verdict
    assert "unsure" == compare(red, drawn(plain("blue")), model=colours).verdict


def test_a_low_score_is_a_drawn_face(colours: ColourModel) -> None:
    """Detectors are less sure of drawn faces."""
    unsure = replace(colours, score=0.85)
    for other in ("red", "blue"):
        result = compare(plain("red"), plain(other), model=unsure)
        assert ("unsure", True) == (result.verdict, "drawn" in codes(result))


@pytest.mark.parametrize(
    ("image", "error", "words"),
    [
        ("https://cdn.example.com/1.png", InvalidImageError, "without a network"),
        ("http://127.0.0.1/1.png", UnsafeURLError, "https"),
        ("missing.png", InvalidImageError, "does not exist"),
        (b"", InvalidImageError, "empty"),
        (b"no image at all", InvalidImageError, "not a JPEG"),
        (None, InvalidImageError, "None is not an image"),
    ],
)
def test_what_is_no_local_image_is_an_error(
    image: Any, error: type[AuraShotError], words: str, colours: ColourModel
) -> None:
    """Each says what to do."""
    with pytest.raises(error, match=words):
        compare(plain("red"), image, model=colours)


def test_a_cut_file_is_an_error(eileen: Image.Image, colours: ColourModel) -> None:
    """Half a JPEG is not compared."""
    content = jpeg(eileen, 90)
    with pytest.raises(InvalidImageError, match="broken"):
        compare(plain("red"), content[: len(content) // 2], model=colours)


def test_an_image_of_100_megapixels_is_an_error(colours: ColourModel) -> None:
    """It is refused by its header, before it is decoded."""
    file = io.BytesIO()
    Image.new("1", (10_000, 10_000)).save(file, "PNG")
    with pytest.raises(InvalidImageError, match=r"10,000 by 10,000 pixels"):
        compare(plain("red"), file.getvalue(), model=colours)


class Broken(ColourModel):
    """An engine whose network fails."""

    def vector(self, crop: Any) -> Any:
        """Fail as a network does."""
        raise RuntimeError("out of memory")


class Nonsense(ColourModel):
    """An engine whose network returns no numbers."""

    def vector(self, crop: Any) -> Any:
        """Return what is no direction."""
        return [float("nan")] * 3


class FarAway(ColourModel):
    """An engine that finds its face where no image is, as the network of OpenCV 4.12 does in images of one colour."""

    def detect(self, pixels: Any) -> Any:
        """Find it there."""
        (found,) = super().detect(pixels)
        points = (Point(point.x * 1e18, point.y * 1e18) for point in found.landmarks)
        return [replace(found, landmarks=Landmarks(*points))]


def test_a_face_outside_of_all_images_is_none() -> None:
    """It is no face, and no error either."""
    assert () == tuple(find_faces(plain("red"), model=FarAway()))


@pytest.mark.parametrize(
    ("broken", "words"), [(Broken(), "failed .RuntimeError: out of memory."), (Nonsense(), "not usable")]
)
def test_an_engine_that_fails_is_an_error_of_the_sdk(broken: ColourModel, words: str) -> None:
    """It is never taken for a verdict."""
    with pytest.raises(FaceEngineError, match=words) as caught:
        compare(plain("red"), plain("red"), model=broken)
    assert ("not_sent", False) == (caught.value.outcome, caught.value.may_be_charged)


def test_a_reference_can_be_prepared_once(colours: ColourModel) -> None:
    """A prepared reference gives the same comparison as its image."""
    reference = FaceReference.from_images(plain("red"), model=colours)
    assert compare(plain("red"), plain("blue"), model=colours) == compare(reference, plain("blue"), model=colours)
