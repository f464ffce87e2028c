from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, strategies as st
from PIL import Image, PngImagePlugin

from aurashot.images import check_complete
from aurashot.images._metadata import Survey, survey, without_metadata
from aurashot.images._orientation import stated_in_exif
from tests.images.profiles import EMBEDDED, PROFILE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FORMATS = ["JPEG", "PNG", "WEBP"]
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"/>'


def type_of(file_format: str) -> str:
    """Return the media type of one of Pillow's formats."""
    return f"image/{file_format.lower()}"


def look(content: bytes, file_format: str) -> Survey:
    """Survey a file that is held in memory."""
    return survey(io.BytesIO(content), type_of(file_format))


def clean(content: bytes, file_format: str) -> bytes:
    """Clean a file that is held in memory, and check that nothing is left to remove."""
    result = without_metadata(io.BytesIO(content), type_of(file_format))
    check_complete(io.BytesIO(result), type_of(file_format))
    assert not look(result, file_format).identifying
    return result


def pixels(content: bytes) -> bytes:
    """Return the decoded pixels of a file."""
    with Image.open(io.BytesIO(content)) as image:
        return image.convert("RGBA").tobytes()


@pytest.mark.parametrize("file_format", [*FORMATS, "GIF"])
def test_a_plain_file_has_nothing_to_remove(file_format: str, encoded: Callable[..., bytes]) -> None:
    """An image without metadata is complete, upright and clean; a colour profile is not metadata."""
    profile = {"icc_profile": PROFILE} if file_format in {"JPEG", "WEBP"} else {}
    assert look(encoded(file_format, **profile), file_format) == Survey(complete=True)


def test_a_real_photograph_is_cleaned_without_touching_its_pixels(grace_hopper: Path) -> None:
    """The comments of a real file go, and every pixel stays."""
    content = grace_hopper.read_bytes()
    assert pixels(clean(content, "JPEG")) == pixels(content)


@pytest.mark.parametrize("file_format", FORMATS)
def test_position_and_xmp_go_and_the_colour_profile_stays(
    file_format: str, encoded: Callable[..., bytes], exif: Callable[[int], Image.Exif]
) -> None:
    """EXIF with GPS and XMP are removed, the ICC profile and the pixels are not; the texts in the profile are."""
    content = encoded(file_format, exif=exif(1), xmp=XMP, icc_profile=EMBEDDED)
    assert look(content, file_format).identifying
    result = clean(content, file_format)
    assert b"xmpmeta" not in result
    with Image.open(io.BytesIO(result)) as image:
        assert not image.getexif()
        assert image.info["icc_profile"] == PROFILE
    assert pixels(result) == pixels(content)


def segment(code: int, content: bytes) -> bytes:
    """Return a JPEG segment."""
    return bytes([0xFF, code]) + (len(content) + 2).to_bytes(2) + content


@pytest.mark.parametrize(
    "extra",
    [
        segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP),
        segment(0xED, b"Photoshop 3.0\x008BIM"),
        segment(0xE2, b"MPF\0II*\0"),
        segment(0xEB, b"JP content credentials"),
        segment(0xE0, b"JFXX\0\x10thumbnail"),
        segment(0xFE, b"a comment"),
        b"\xff\xff" + segment(0xFE, b"a comment after fill bytes"),
    ],
)
def test_every_kind_of_jpeg_metadata_goes(extra: bytes, encoded: Callable[..., bytes]) -> None:
    """XMP, IPTC, second images, credentials, thumbnails and comments are found and removed."""
    plain = encoded("JPEG")
    content = plain[:2] + extra + plain[2:]
    assert look(content, "JPEG").identifying
    assert pixels(clean(content, "JPEG")) == pixels(plain)


def test_the_adobe_segment_of_a_cmyk_photograph_stays(portrait: Image.Image, encoded: Callable[..., bytes]) -> None:
    """What decides about the colours of a CMYK file is kept."""
    content = encoded("JPEG", portrait.convert("CMYK"), comment=b"who made it")
    result = clean(content, "JPEG")
    assert b"Adobe" in result
    assert b"who made it" not in result
    assert pixels(result) == pixels(content)


@pytest.mark.parametrize("file_format", FORMATS)
def test_what_hangs_on_behind_the_image_goes(file_format: str, encoded: Callable[..., bytes]) -> None:
    """A film or a second image after the end of the first one is cut off."""
    plain = encoded(file_format)
    assert look(plain + b"a film", file_format).identifying
    assert clean(plain + b"a film", file_format) == plain


def test_the_header_of_a_webp_follows_what_was_removed(
    encoded: Callable[..., bytes], exif: Callable[[int], Image.Exif]
) -> None:
    """The flags that announce EXIF and XMP are cleared, the one of the colour profile stays; the length is right."""
    before = encoded("WEBP", exif=exif(1), xmp=XMP, icc_profile=PROFILE)
    after = clean(before, "WEBP")
    assert (before[20] & 0x2C, after[20] & 0x2C) == (0x2C, 0x20)
    assert int.from_bytes(after[4:8], "little") == len(after) - 8


def test_texts_and_times_of_a_png_go(portrait: Image.Image, encoded: Callable[..., bytes]) -> None:
    """Author, comments and the time of a PNG file are removed."""
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Author", "Ada")
    notes.add_itxt("Comment", "at home", zip=True)
    notes.add(b"tIME", b"\x07\xea\x03\x10\x08\x00\x00")
    notes.add(b"caBX", b"credentials")
    content = encoded("PNG", pnginfo=notes)
    assert look(content, "PNG").identifying
    assert clean(content, "PNG") == encoded("PNG")


def test_an_animation_keeps_its_frames_and_their_timing(
    portrait: Image.Image, encoded: Callable[..., bytes], exif: Callable[[int], Image.Exif]
) -> None:
    """Cleaning an animated PNG or WebP touches neither frames nor durations."""
    turned = portrait.transpose(Image.Transpose.ROTATE_180)
    for file_format in ("PNG", "WEBP"):
        content = encoded(file_format, save_all=True, append_images=[turned], duration=[100, 250], exif=exif(1))
        with Image.open(io.BytesIO(clean(content, file_format))) as image, Image.open(io.BytesIO(content)) as before:
            assert getattr(image, "n_frames", 1) == 2
            for frame in range(2):
                image.seek(frame)
                before.seek(frame)
                assert image.convert("RGB").tobytes() == before.convert("RGB").tobytes()
                assert image.info["duration"] == before.info["duration"]


@pytest.mark.parametrize("file_format", FORMATS)
@pytest.mark.parametrize("stated", range(1, 9))
def test_the_orientation_is_read_from_every_container(
    file_format: str, stated: int, encoded: Callable[..., bytes], exif: Callable[[int], Image.Exif]
) -> None:
    """EXIF orientation is found in JPEG, PNG and WebP, in both byte orders."""
    assert stated == look(encoded(file_format, exif=exif(stated)), file_format).orientation
    big_endian = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0" + bytes([stated]) + bytes(6)
    assert stated == look(encoded(file_format, exif=b"Exif\0\0" + big_endian), file_format).orientation


@pytest.mark.parametrize("stated", [0, 9, 255])
def test_an_impossible_orientation_counts_as_upright(stated: int, exif: Callable[[int], Image.Exif]) -> None:
    """A number that means nothing turns nothing."""
    assert stated_in_exif(exif(stated).tobytes()) is None


@given(st.binary(max_size=200), st.sampled_from([b"", b"II*\0", b"MM\0*", b"Exif\0\0II*\0\x08\0\0\0"]))
def test_broken_exif_never_fails(content: bytes, start: bytes) -> None:
    """Whatever the EXIF data hold, an orientation between 1 and 8 comes out, or none."""
    assert stated_in_exif(start + content) in {None, *range(1, 9)}


def test_lossless_webp_is_told_from_lossy(portrait: Image.Image, encoded: Callable[..., bytes]) -> None:
    """Both still and animated WebP files show whether they lost anything."""
    frames = {"save_all": True, "append_images": [portrait.transpose(Image.Transpose.ROTATE_180)]}
    assert look(encoded("WEBP", lossless=True), "WEBP").lossless
    assert look(encoded("WEBP", lossless=True, **frames), "WEBP").lossless
    assert not look(encoded("WEBP"), "WEBP").lossless
    assert not look(encoded("WEBP", **frames), "WEBP").lossless
