from __future__ import annotations

import io
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pillow_heif
import pytest
from hypothesis import given, strategies as st
from PIL import Image

from aurashot.errors import DownloadError
from aurashot.images import EXTENSIONS, check_complete, sniff

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WIRE_FORMATS = ["JPEG", "PNG", "WEBP", "GIF"]


def media_type_of(file_format: str) -> str:
    """Return the media type of one of Pillow's formats."""
    return f"image/{file_format.lower()}"


@pytest.fixture(
    scope="module",
    params=["JPEG", "progressive", "restarts", "PNG", "WEBP", "GIF", "animated GIF", "animated WEBP", "thumbnail"],
)
def whole(request: pytest.FixtureRequest, portrait: Image.Image, encoded: Callable[..., bytes]) -> tuple[bytes, str]:
    """Return a small whole file of each shape, and its media type."""
    small = portrait.resize((24, 16))
    turned = small.transpose(Image.Transpose.ROTATE_180)
    shapes = {
        "JPEG": ("JPEG", encoded("JPEG", small)),
        "progressive": ("JPEG", encoded("JPEG", small, progressive=True, icc_profile=b"profile" * 40)),
        "restarts": ("JPEG", encoded("JPEG", small, restart_marker_blocks=1)),
        "PNG": ("PNG", encoded("PNG", small)),
        "WEBP": ("WEBP", encoded("WEBP", small, exif=b"Exif\0\0II*\0")),
        "GIF": ("GIF", encoded("GIF", small)),
        "animated GIF": ("GIF", encoded("GIF", small, save_all=True, append_images=[turned], comment="two;;;frames")),
        "animated WEBP": ("WEBP", encoded("WEBP", small, save_all=True, append_images=[turned])),
        "thumbnail": ("JPEG", encoded("JPEG", small, exif=b"Exif\0\0" + encoded("JPEG", small.resize((8, 8))))),
    }
    file_format, content = shapes[request.param]
    return content, media_type_of(file_format)


@pytest.mark.parametrize("file_format", [*WIRE_FORMATS, "AVIF", "TIFF", "BMP"])
def test_every_format_is_told_by_its_first_bytes(file_format: str, encoded: Callable[..., bytes]) -> None:
    """The media type of a real file is found, and has an extension."""
    assert media_type_of(file_format) == sniff(encoded(file_format)[:128])
    assert media_type_of(file_format) in EXTENSIONS


def test_a_real_photograph_is_told_to_be_a_jpeg(grace_hopper: Path) -> None:
    """The bytes of a camera are recognised, too."""
    assert sniff(grace_hopper.read_bytes()) == "image/jpeg"


def test_heic_is_told_from_avif(portrait: Image.Image) -> None:
    """A HEIC file is recognised, also one whose major brand is the general one; AVIF under that brand stays AVIF."""
    out = io.BytesIO()
    heif: Any = pillow_heif.from_pillow(portrait)
    heif.save(out)
    assert sniff(out.getvalue()) == "image/heic"
    assert sniff(b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic") == "image/heic"
    assert sniff(b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif") == "image/avif"


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"BMW cars are fast",
        b"<svg xmlns=",
        b"%PDF-1.7",
        b"RIFF\0\0\0\0WAVE",
        b"\0\0\0\x18ftypisom\0\0\0\0isommp42",
        b"GIF90a",
        b"\x89PNG",
    ],
)
def test_other_files_are_no_images(head: bytes) -> None:
    """Texts, drawings, sounds and films are not taken for images."""
    assert sniff(head) is None


@given(st.binary())
def test_sniffing_never_fails(head: bytes) -> None:
    """Whatever the bytes are, the response is a known media type or none."""
    assert sniff(head) in {None, *EXTENSIONS}


@given(st.text())
def test_text_is_never_an_image(text: str) -> None:
    """No random text looks like an image."""
    assert sniff(text.encode()) is None


def test_a_whole_file_is_complete(whole: tuple[bytes, str]) -> None:
    """A whole file passes, and so does one with a few bytes too many."""
    content, media_type = whole
    check_complete(io.BytesIO(content), media_type)
    check_complete(io.BytesIO(content + bytes(16)), media_type)


def test_every_cut_is_noticed(whole: tuple[bytes, str]) -> None:
    """A file that ends one byte early, or at any byte before, is not complete."""
    content, media_type = whole
    for length in range(len(content)):
        with pytest.raises(DownloadError, match="incomplete"):
            check_complete(io.BytesIO(content[:length]), media_type)


def test_a_photograph_with_scans_and_tables_is_walked_to_its_end(grace_hopper: Path) -> None:
    """A JPEG file that is larger than one read is followed marker by marker."""
    content = grace_hopper.read_bytes()
    check_complete(io.BytesIO(content), "image/jpeg")
    with pytest.raises(DownloadError, match="incomplete"):
        check_complete(io.BytesIO(content[:-2]), "image/jpeg")


def test_a_marker_across_two_reads_is_found() -> None:
    """The end of a JPEG file is seen wherever it falls."""
    start_of_scan = b"\xff\xd8\xff\xda\x00\x02"
    for size in range(16 * 1024 - 3, 16 * 1024 + 3):
        check_complete(io.BytesIO(start_of_scan + bytes(size) + b"\xff\xd9"), "image/jpeg")
        check_complete(io.BytesIO(start_of_scan + bytes(size) + b"\xff\xff\xff\xd9"), "image/jpeg")


def test_a_wrong_check_sum_at_the_end_of_a_png_is_noticed(encoded: Callable[..., bytes]) -> None:
    """The last four bytes of a PNG file are looked at, not only counted."""
    content = encoded("PNG")
    with pytest.raises(DownloadError, match="incomplete"):
        check_complete(io.BytesIO(content[:-1] + b"\0"), "image/png")


@given(st.binary(max_size=400), st.sampled_from(["image/jpeg", "image/png", "image/webp", "image/gif"]))
def test_checking_any_bytes_ends_in_a_verdict(content: bytes, media_type: str) -> None:
    """Nonsense is called incomplete, or passes where it closes as it should; it never fails in another way."""
    signature = {"image/png": b"\x89PNG\r\n\x1a\n", "image/webp": b"RIFF", "image/gif": b"GIF89a"}.get(
        media_type, b"\xff\xd8"
    )
    with suppress(DownloadError):
        check_complete(io.BytesIO(signature + content), media_type)
