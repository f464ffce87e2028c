from __future__ import annotations

import io
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import repeat
from threading import Barrier, BrokenBarrierError
from typing import TYPE_CHECKING, Any

import pillow_heif
import pytest
from PIL import Image, ImageChops, ImageOps, ImageStat, features

from aurashot.errors import InvalidImageError
from aurashot.images import ImageRules, _pillow, locate, prepare
from aurashot.images._metadata import survey
from tests.images.profiles import EMBEDDED, PROFILE
from tests.images.sending import sent

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from aurashot.images import LocalImage, Payload


def opened(payload: Payload) -> Image.Image:
    """Decode what would be sent, after checking that nothing in it identifies."""
    with payload.open() as file:
        content = io.BytesIO(file.read())
    assert not survey(content, payload.media_type).identifying
    content.seek(0)
    image = Image.open(content)
    image.load()
    return image


def distance(one: Image.Image, other: Image.Image) -> float:
    """Return the mean difference of two images of one size, 0 to 255."""
    assert one.size == other.size
    difference = ImageChops.difference(one.convert("RGB"), other.convert("RGB"))
    return sum(ImageStat.Stat(difference).mean) / 3


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(2, 9))
def test_a_turned_photograph_is_sent_upright(
    file_format: str,
    orientation: int,
    encoded: Callable[..., bytes],
    exif: Callable[[int], Image.Exif],
    rules: ImageRules,
) -> None:
    """All orientations are applied, position and other EXIF data are gone, and the colour profile stays."""
    content = encoded(file_format, quality=95, exif=exif(orientation), icc_profile=EMBEDDED, comment=b"who")
    with Image.open(io.BytesIO(content)) as before:
        expected = ImageOps.exif_transpose(before)
    result = opened(sent(content, rules))
    assert not result.getexif()
    assert result.info["icc_profile"] == PROFILE
    assert distance(result, expected) < (0.001 if file_format == "PNG" else 2)


def test_turning_a_jpeg_keeps_its_colours_sharp(
    encoded: Callable[..., bytes], exif: Callable[[int], Image.Exif], rules: ImageRules
) -> None:
    """Stripes of colour that are one pixel wide survive, which they would not at half the colour resolution."""
    stripes = Image.new("RGB", (64, 64), "red")
    for column in range(0, 64, 2):
        stripes.paste("blue", (column, 0, column + 1, 64))
    result = opened(sent(encoded("JPEG", stripes, quality=95, subsampling=0, exif=exif(6)), rules))
    assert distance(result, stripes.transpose(Image.Transpose.ROTATE_270)) < 5


def test_a_lossless_webp_stays_lossless(
    portrait: Image.Image, encoded: Callable[..., bytes], exif: Callable[[int], Image.Exif], rules: ImageRules
) -> None:
    """Turning a lossless WebP image loses nothing, its hidden colours under full transparency included."""
    image = portrait.copy()
    image.putalpha(0)
    result = opened(sent(encoded("WEBP", image, lossless=True, exact=True, exif=exif(3)), rules))
    assert result.tobytes() == image.transpose(Image.Transpose.ROTATE_180).tobytes()


@pytest.mark.parametrize("file_format", ["PNG", "WEBP"])
def test_a_turned_animation_keeps_its_frames(
    file_format: str,
    portrait: Image.Image,
    encoded: Callable[..., bytes],
    exif: Callable[[int], Image.Exif],
    rules: ImageRules,
) -> None:
    """Every frame of an animation is turned, and shown as long as before."""
    first = portrait.copy()
    first.putalpha(Image.new("L", first.size, 100))
    frames = [first, first.transpose(Image.Transpose.FLIP_TOP_BOTTOM), first.transpose(Image.Transpose.ROTATE_180)]
    options: dict[str, Any] = {"save_all": True, "append_images": frames[1:], "duration": [100, 200, 300], "loop": 2}
    if file_format == "WEBP":
        options["lossless"] = True
    result = opened(sent(encoded(file_format, first, **options, exif=exif(6)), rules))
    assert (getattr(result, "n_frames", 1), result.info["loop"]) == (3, 2)
    for number, (frame, duration) in enumerate(zip(frames, [100, 200, 300], strict=True)):
        result.seek(number)
        assert result.convert("RGBA").tobytes() == frame.transpose(Image.Transpose.ROTATE_270).tobytes()
        assert result.info["duration"] == duration


def heic(image: Image.Image, **options: Any) -> bytes:
    """Encode a HEIC file."""
    out = io.BytesIO()
    heif: Any = pillow_heif.from_pillow(image)
    heif.save(out, quality=95, **options)
    return out.getvalue()


@pytest.mark.parametrize("orientation", [1, 6])
def test_heic_becomes_an_upright_jpeg(
    orientation: int, portrait: Image.Image, exif: Callable[[int], Image.Exif], rules: ImageRules
) -> None:
    """A photograph of an iPhone is converted, turned once, and keeps its colour profile but no position."""
    payload = sent(heic(portrait, exif=exif(orientation).tobytes(), icc_profile=EMBEDDED), rules)
    result = opened(payload)
    expected = portrait if orientation == 1 else portrait.transpose(Image.Transpose.ROTATE_270)
    assert (payload.media_type, payload.filename) == ("image/jpeg", "image.jpg")
    assert result.info["icc_profile"] == PROFILE
    assert distance(result, expected) < 6


@pytest.mark.parametrize("orientation", [1, 6])
def test_avif_becomes_an_upright_jpeg(
    orientation: int,
    portrait: Image.Image,
    encoded: Callable[..., bytes],
    exif: Callable[[int], Image.Exif],
    rules: ImageRules,
) -> None:
    """An AVIF image is converted and turned."""
    payload = sent(encoded("AVIF", quality=90, exif=exif(orientation)), rules)
    expected = portrait if orientation == 1 else portrait.transpose(Image.Transpose.ROTATE_270)
    assert payload.media_type == "image/jpeg"
    assert distance(opened(payload), expected) < 6


@pytest.mark.parametrize("make", ["heic", "avif"])
def test_transparency_makes_it_a_png(
    make: str, portrait: Image.Image, encoded: Callable[..., bytes], rules: ImageRules
) -> None:
    """What JPEG cannot hold is sent as PNG."""
    image = portrait.copy()
    image.putalpha(portrait.convert("L"))
    payload = sent(heic(image) if make == "heic" else encoded("AVIF", image), rules)
    assert payload.media_type == "image/png"
    assert opened(payload).mode == "RGBA"


@pytest.mark.parametrize("file_format", ["TIFF", "BMP"])
def test_tiff_and_bmp_become_png_without_loss(
    file_format: str, portrait: Image.Image, encoded: Callable[..., bytes], rules: ImageRules
) -> None:
    """Uncompressed formats are sent as PNG, pixel for pixel."""
    payload = sent(encoded(file_format), rules)
    assert payload.media_type == "image/png"
    assert opened(payload).tobytes() == portrait.tobytes()


def test_a_turned_tiff_is_turned_once(portrait: Image.Image, encoded: Callable[..., bytes], rules: ImageRules) -> None:
    """Pillow turns TIFF files by itself; the image is not turned again."""
    result = opened(sent(encoded("TIFF", tiffinfo={0x0112: 6}), rules))
    assert result.tobytes() == portrait.transpose(Image.Transpose.ROTATE_270).tobytes()


def test_files_are_converted_even_when_metadata_may_stay(encoded: Callable[..., bytes]) -> None:
    """`strip_metadata=False` keeps hands off what the service takes, and converts what it does not."""
    assert sent(encoded("BMP"), ImageRules(own_origin="", strip_metadata=False)).media_type == "image/png"


@pytest.mark.parametrize(
    ("mode", "written"),
    [
        ("1", "1"),
        ("L", "L"),
        ("LA", "LA"),
        ("P", "P"),
        ("RGB", "RGB"),
        ("RGBA", "RGBA"),
        ("CMYK", "RGB"),
        ("YCbCr", "RGB"),
        ("I;16", "I;16"),
        ("I", "I;16"),
        ("PA", "RGBA"),
    ],
)
def test_pillow_images_of_every_mode_are_sent_as_png(mode: str, written: str, rules: ImageRules) -> None:
    """A Pillow image becomes a PNG file in the nearest mode that PNG has."""
    payload = sent(Image.new(mode, (8, 6)), rules)
    assert (payload.media_type, payload.filename) == ("image/png", "image.png")
    assert (opened(payload).mode, opened(payload).size) == (written, (8, 6))


def test_sixteen_bits_survive(rules: ImageRules) -> None:
    """The fine steps of a 16-bit image are not rounded away."""
    image = Image.new("I;16", (2, 1))
    image.putpixel((0, 0), 12_345)
    assert opened(sent(image, rules)).getpixel((0, 0)) == 12_345


def test_a_profile_for_inks_is_not_put_on_light(portrait: Image.Image, rules: ImageRules) -> None:
    """Converting CMYK drops its colour profile, which would garble RGB; other profiles stay."""
    inks, light = portrait.convert("CMYK"), portrait.copy()
    inks.info["icc_profile"] = light.info["icc_profile"] = EMBEDDED
    assert "icc_profile" not in opened(sent(inks, rules)).info
    assert opened(sent(light, rules)).info["icc_profile"] == PROFILE


def test_a_pillow_image_opened_from_a_file_loses_its_metadata(
    encoded: Callable[..., bytes], exif: Callable[[int], Image.Exif], rules: ImageRules
) -> None:
    """An image opened from a turned photograph is sent upright and clean, and is itself left as it was."""
    with Image.open(io.BytesIO(encoded("JPEG", exif=exif(6), comment=b"who", dpi=(300, 300)))) as image:
        result = opened(sent(image, rules))
        assert (result.size, image.size) == ((64, 96), (96, 64))
        assert image.info["comment"] == b"who"
        assert "dpi" not in result.info


@pytest.mark.parametrize("mode", ["F", "LAB"])
def test_modes_without_an_agreed_meaning_are_refused(mode: str, rules: ImageRules) -> None:
    """A floating-point or LAB image must be converted by its owner, who knows its range."""
    with pytest.raises(InvalidImageError, match=f"{mode} as PNG.*convert it to RGB"):
        sent(Image.new(mode, (4, 4)), rules)


def cases_over_the_cap(
    encoded: Callable[..., bytes], exif: Callable[[int], Image.Exif], portrait: Image.Image
) -> list[Any]:
    """Return an image of 6,144 pixels for every way that decodes."""
    return [portrait, encoded("TIFF"), heic(portrait), encoded("JPEG", exif=exif(6))]


def test_large_images_are_refused_before_they_are_decoded(
    encoded: Callable[..., bytes], exif: Callable[[int], Image.Exif], portrait: Image.Image
) -> None:
    """The cap on pixels holds for every way that decodes, and an image exactly at the cap passes."""
    for image in cases_over_the_cap(encoded, exif, portrait):
        with pytest.raises(InvalidImageError, match="96 by 64 pixels, over the limit of 6,143"):
            sent(image, ImageRules(own_origin="", max_pixels=6_143))
        assert sent(image, ImageRules(own_origin="", max_pixels=6_144)).size > 0


def test_few_images_are_decoded_at_once(
    encoded: Callable[..., bytes], exif: Callable[[int], Image.Exif], rules: ImageRules, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many threads prepare photos, as many as there are CPUs decode at the same time, and at most four."""
    one_too_many = Barrier(min(os.cpu_count() or 1, 4) + 1)
    passed: list[int] = []

    def turned(image: Image.Image, orientation: int) -> Image.Image:
        with suppress(BrokenBarrierError):
            passed.append(one_too_many.wait(0.2))
        return turn(image, orientation)

    turn = _pillow._turned
    monkeypatch.setattr(_pillow, "_turned", turned)
    photos = [encoded("JPEG", exif=exif(6), quality=50 + number) for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        assert 8 == len({payload.digest for payload in pool.map(sent, photos, repeat(rules))})
    assert [] == passed


def test_the_frames_of_an_animation_count_together(
    portrait: Image.Image, encoded: Callable[..., bytes], exif: Callable[[int], Image.Exif]
) -> None:
    """Two frames of 6,144 pixels are as much as one of 12,288."""
    content = encoded("PNG", save_all=True, append_images=[ImageChops.invert(portrait)], exif=exif(3))
    with pytest.raises(InvalidImageError, match="over the limit"):
        sent(content, ImageRules(own_origin="", max_pixels=12_287))
    assert sent(content, ImageRules(own_origin="", max_pixels=12_288)).media_type == "image/png"


def test_a_decompression_bomb_makes_no_warning(encoded: Callable[..., bytes], rules: ImageRules) -> None:
    """An image that Pillow would warn of is refused by the cap, with our own sentence."""
    bomb = encoded("TIFF", Image.new("1", (12_000, 12_000)), compression="group4")
    with pytest.raises(InvalidImageError, match="12,000 by 12,000 pixels"):
        sent(bomb, rules)


@pytest.mark.parametrize("file_format", ["TIFF", "BMP", "AVIF"])
def test_cut_files_are_refused(file_format: str, encoded: Callable[..., bytes], rules: ImageRules) -> None:
    """A file that must be decoded and is cut short is called broken."""
    content = encoded(file_format)
    with pytest.raises(InvalidImageError, match="is broken"):
        sent(content[: len(content) * 2 // 3], rules)


def test_broken_pixels_are_refused(
    encoded: Callable[..., bytes], exif: Callable[[int], Image.Exif], rules: ImageRules
) -> None:
    """A turned PNG file whose pixels are garbled is called broken."""
    content = bytearray(encoded("PNG", exif=exif(6)))
    start = content.index(b"IDAT") + 40
    content[start : start + 40] = bytes(40)
    with pytest.raises(InvalidImageError, match="is broken"):
        sent(bytes(content), rules)


def test_a_closed_pillow_image_is_refused(grace_hopper: Path, rules: ImageRules) -> None:
    """An image whose file was closed before its pixels were read gets our error."""
    with Image.open(grace_hopper) as image:
        found = locate(image, rules)
    with pytest.raises(InvalidImageError, match="The Pillow image is broken"):
        prepare(pick(found), rules)


def pick(found: str | LocalImage) -> LocalImage:
    """Return a located image that is not a URL."""
    assert not isinstance(found, str)
    return found


def test_a_missing_heic_reader_is_named(
    portrait: Image.Image, rules: ImageRules, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With Pillow but without pillow-heif, the message says what to install."""
    content = heic(portrait)
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(InvalidImageError, match=r"pillow-heif.*aurashot\[images\]"):
        sent(content, rules)


def test_a_pillow_without_avif_is_named(
    encoded: Callable[..., bytes], rules: ImageRules, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Pillow that was built without a format is to be upgraded."""
    content = encoded("AVIF")

    def absent(_: str) -> bool:
        return False

    monkeypatch.setattr(features, "check", absent)
    with pytest.raises(InvalidImageError, match=r"image/avif, which this Pillow cannot read.*aurashot\[images\]"):
        sent(content, rules)
