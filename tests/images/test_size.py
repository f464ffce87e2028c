from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import pytest
from hypothesis import given, strategies as st
from PIL import Image

from aurashot.errors import DownloadError
from aurashot.images import MemorySink
from aurashot.images._rules import MAX_PIXELS
from aurashot.images._size import extent_of

TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "GIF": "image/gif"}


def encoded(kind: str, size: tuple[int, int], mode: str = "RGB", **options: Any) -> bytes:
    """Return an image of one colour."""
    file = io.BytesIO()
    Image.new(mode, size).save(file, kind, **options)
    return file.getvalue()


def size_of(file: io.BytesIO, media_type: str) -> tuple[int, int]:
    """Return the largest width and height that a file states."""
    extent = extent_of(file, media_type)
    return extent.width, extent.height


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("size", [(1, 1), (7, 300), (300, 7), (2048, 1025)])
def test_the_size_of_an_image(kind: str, size: tuple[int, int]) -> None:
    """It is what Pillow says, without decoding."""
    assert size == size_of(io.BytesIO(encoded(kind, size)), TYPES[kind])


@pytest.mark.parametrize(
    ("kind", "mode", "options"),
    [
        ("WEBP", "RGB", {"lossless": True}),
        ("WEBP", "RGBA", {}),
        ("WEBP", "RGB", {"exif": b"Exif\0\0MM\0*\0\0\0\x08\0\0"}),
        ("JPEG", "RGB", {"progressive": True}),
        ("JPEG", "CMYK", {}),
        ("JPEG", "L", {}),
        ("PNG", "P", {}),
        ("PNG", "I;16", {}),
    ],
)
def test_every_form_of_a_format(kind: str, mode: str, options: dict[str, Any]) -> None:
    """Lossless, with transparency, with metadata before the image, progressive, of other colours."""
    assert (640, 481) == size_of(io.BytesIO(encoded(kind, (640, 481), mode, **options)), TYPES[kind])


@pytest.mark.parametrize("kind", ["GIF", "WEBP"])
def test_the_canvas_of_an_animation(kind: str) -> None:
    """All of its images lie on it."""
    frames = [Image.new("RGB", (60, 40), colour) for colour in ("red", "blue")]
    file = io.BytesIO()
    frames[0].save(file, kind, save_all=True, append_images=frames[1:], duration=10)
    assert (60, 40) == size_of(file, TYPES[kind])


def bomb(width: int, height: int) -> bytes:
    """Return a whole PNG that says that it has so many pixels, and takes a few hundred bytes."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize(
    ("size", "words"),
    [
        ((12_000, 12_000), "12,000 by 12,000 pixels, over the limit of 50,000,000"),
        ((1, MAX_PIXELS + 1), "pixels, over the limit of"),
        ((0, 7), "no pixels"),
        ((2**31 - 1, 2**31 - 1), "pixels, over the limit of"),
    ],
)
def test_a_bomb_does_not_land(size: tuple[int, int], words: str) -> None:
    """What would fill the memory of whoever opens it is refused by its header."""
    sink = MemorySink(max_bytes=10_000)
    sink.begin()
    sink.write(bomb(*size))
    with pytest.raises(DownloadError, match=words):
        sink.finish()


def test_what_is_just_small_enough_lands() -> None:
    """The cap itself is allowed."""
    sink = MemorySink(max_bytes=10_000)
    sink.begin()
    sink.write(bomb(5_000, 10_000))
    assert bomb(5_000, 10_000) == sink.finish()


@given(kind=st.sampled_from(sorted(TYPES)), at=st.integers(0, 400), junk=st.binary(max_size=64))
def test_junk_has_some_size_or_none(kind: str, at: int, junk: bytes) -> None:
    """Whatever the bytes: two whole numbers, and no error."""
    content = bytearray(encoded(kind, (9, 9)))
    content[at : at + len(junk)] = junk
    width, height = size_of(io.BytesIO(content), TYPES[kind])
    assert width >= 0 <= height
