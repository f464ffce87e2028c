"""Work on an image is bounded: by the parts of its file, by its pixels, and by the time that there is."""

from __future__ import annotations

import io
import zlib
from typing import TYPE_CHECKING, Any

import pillow_heif
import pytest

from aurashot.errors import DownloadError, InvalidImageError
from aurashot.images import FileSink, MemorySink
from aurashot.images._orientation import Statements, stated_in_exif, stated_in_png_text, stated_in_xmp
from aurashot.images._scans import Suspect
from aurashot.images._size import extent_of
from aurashot.images._tails import without_tails
from aurashot.images._tiff import check_values
from aurashot.images._window import MOST_PARTS, TooManyPartsError, Window
from lab.attack.bombs import BOMBS
from lab.attack.png import chunk
from tests.images.sending import content_of, sent

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from PIL import Image

    from aurashot.images import ImageRules, Sink

_LIBRARY: Any = pillow_heif
_LIBRARY.register_heif_opener()

PARTS = [
    "JPEG: segments of 4 bytes",
    "JPEG: restarts",
    "PNG: empty chunks",
    "PNG: empty pixels",
    "WebP: empty chunks",
    "GIF: empty extensions",
    "GIF: blocks of a byte",
]


def finished(sink: Sink[Any], content: bytes) -> Any:
    """Store a download."""
    sink.begin()
    sink.write(content)
    return sink.finish()


@pytest.mark.parametrize("name", PARTS)
def test_a_file_of_too_many_parts_is_neither_sent_nor_stored(name: str, rules: ImageRules) -> None:
    """The message names the limit, which a file of any size has, and large files have more of."""
    content = BOMBS[name](200_000)
    with pytest.raises(
        InvalidImageError, match=r"consists of more than \d+,\d{3} (parts|blocks), as no ordinary image"
    ):
        sent(content, rules)
    with pytest.raises(DownloadError, match=r"consists of more than \d+,\d{3} (parts|blocks), as no ordinary image"):
        finished(MemorySink(max_bytes=len(content)), content)


def test_as_many_parts_as_large_images_have_are_taken(encoded: Callable[..., bytes], rules: ImageRules) -> None:
    """PNG files with pixels in thousands of small chunks exist."""
    png = encoded("PNG")
    start = png.index(b"IDAT") - 4
    length = int.from_bytes(png[start : start + 4])
    pixels = png[start + 8 : start + 8 + length]
    many = b"".join(chunk(b"IDAT", pixels[at : at + 8]) for at in range(0, len(pixels), 8))
    assert 1_000 < many.count(b"IDAT") < MOST_PARTS
    content = png[:start] + many + png[start + 12 + length :]
    assert content == content_of(sent(content, rules))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("GIF: a large image on a small screen", "30,000 by 30,000 pixels"),
        ("GIF: an image far from its screen", "65,001 by 65,001 pixels"),
        ("PNG: an animation of large frames", "30,000 by 30,000 pixels"),
        ("WebP: an animation of large frames", "16,384 by 16,384 pixels"),
    ],
)
def test_the_pixels_of_all_frames_count(name: str, words: str, rules: ImageRules) -> None:
    """A small canvas does not hide a large frame, and a small frame not thousands of others."""
    content = BOMBS[name](1_000_000)
    with pytest.raises(InvalidImageError, match=words):
        sent(content, rules)
    with pytest.raises(DownloadError, match=words):
        finished(MemorySink(max_bytes=len(content)), content)


def test_the_tiles_of_a_grid_count(rules: ImageRules) -> None:
    """A HEIC file that shows a small image may be made of large ones."""
    with pytest.raises(InvalidImageError, match="30,000 by 30,000 pixels, over the limit"):
        sent(BOMBS["HEIC: a large tile"](0), rules)


def test_frames_are_added_up(portrait: Image.Image, encoded: Callable[..., bytes], rules: ImageRules) -> None:
    """Frames that are small enough each are too many together; the limit is the client's."""
    frames = [portrait.rotate(90 * turn) for turn in range(1, 4)]
    content = encoded("WEBP", save_all=True, append_images=frames, lossless=True)
    extent = extent_of(io.BytesIO(content), "image/webp")
    assert (96, 64, 4) == (extent.width, extent.height, extent.frames)
    assert 96 * 64 < extent.pixels <= 4 * 96 * 64
    finished(MemorySink(max_bytes=len(content), max_pixels=extent.pixels), content)
    with pytest.raises(DownloadError, match="in 4 frames, over the limit"):
        finished(MemorySink(max_bytes=len(content), max_pixels=extent.pixels - 1), content)
    with pytest.raises(InvalidImageError, match="in several frames, over the limit"):
        sent(content, rules._replace(max_pixels=extent.pixels - 1))


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "GIF"])
def test_what_follows_the_end_is_not_stored(file_format: str, encoded: Callable[..., bytes], tmp_path: Path) -> None:
    """HTML or an archive behind an image is cut off, in a file and in memory."""
    whole = encoded(file_format)
    for tail in (b"<html>", b"PK\3\4 and so on", whole):
        assert whole == finished(MemorySink(max_bytes=100_000), whole + tail)
        saved: Path = finished(FileSink(tmp_path, stem="cafe", max_bytes=100_000), whole + tail)
        assert whole == saved.read_bytes()


@pytest.mark.parametrize("kind", ["EXIF", "XMP", "text"])
def test_metadata_that_announce_much_cost_little(kind: str) -> None:
    """What is looked at is bounded by what is there, and by a budget."""
    if kind == "EXIF":
        assert stated_in_exif(b"II*\0\x08\0\0\0\xff\xff" + bytes(40)) is None
    elif kind == "XMP":
        names = b"".join(b'xmlns:p%d="http://ns.adobe.com/tiff/1.0/" ' % number for number in range(20_000))
        assert 6 == stated_in_xmp(b'tiff:Orientation="6" ' + names + b":Orientation=" * 10_000)
    else:
        expanding = b"Raw profile type exif\0\0" + zlib.compress(bytes(5_000_000))
        assert (("profile", None), 1_000) == stated_in_png_text(b"zTXt", expanding, 1_000)
        assert Statements().left < 5_000_000


def test_a_field_of_a_tiff_with_millions_of_values_is_refused(rules: ImageRules) -> None:
    """Pillow would make an object of each; the layout of BigTIFF is known as well."""
    with pytest.raises(InvalidImageError, match="more than 100,000 values"):
        sent(BOMBS["TIFF: strips"](1_000_000), rules)
    field = (273).to_bytes(2) + (4).to_bytes(2) + (10**6).to_bytes(8) + bytes(8)
    big = b"MM\0\x2b\0\x08\0\0" + (16).to_bytes(8) + (1).to_bytes(8) + field
    with pytest.raises(TooManyPartsError, match="100,000 values"):
        check_values(io.BytesIO(big))
    with pytest.raises(TooManyPartsError, match="fields"):
        check_values(io.BytesIO(big[:16] + (10**9).to_bytes(8)))


def test_pixels_that_look_like_text_are_not_cut(astronaut: Path, rules: ImageRules) -> None:
    """What is suspicious is only cut if the image looks the same without it."""
    content = astronaut.read_bytes()
    scan, end = content.index(b"\xff\xda") + 14, len(content) - 2
    places = [Suspect(scan, end - 30, end), Suspect(scan, scan + 9_000, scan + 9_100)]
    assert content == without_tails(content, places, "The photo", rules.max_pixels, lambda: None)


def test_a_window_reads_as_the_file_does() -> None:
    """At any offset, in any order, also at the end."""
    content = bytes(range(256)) * 1_000
    window = Window(io.BytesIO(content))
    for offset in (0, 70_000, 3, 200_000, 255_990, 256_010, 65_530):
        assert content[offset : offset + 24] == window.at(offset, 24)
        assert content[offset : offset + 1] == window.rest(offset)[:1]
    assert content[9:200_000] == b"".join(window.blocks(9, 200_000))
    assert window.consists_of([content])
    assert not window.consists_of([content[:-1]])
