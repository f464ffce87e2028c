"""A small portrait, and files made from it in every format."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from aurashot.images import ImageRules

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ORIGIN = "http://127.0.0.1:8787"
ORIENTATION = 0x0112
GPS = 0x8825


@pytest.fixture(scope="session")
def portrait(astronaut: Path) -> Image.Image:
    """Return a photograph as a Pillow image, 96 by 64 pixels, no two corners alike."""
    with Image.open(astronaut) as photograph:
        return photograph.crop((150, 0, 342, 128)).resize((96, 64))


@pytest.fixture(scope="session")
def rules() -> ImageRules:
    """Return the rules that a client has by default."""
    return ImageRules(own_origin=ORIGIN)


@pytest.fixture(scope="session")
def exif() -> Callable[[int], Image.Exif]:
    """Return a maker of EXIF data with a position, and the orientation that is asked for."""

    def make(orientation: int = 1) -> Image.Exif:
        data = Image.Exif()
        data[ORIENTATION] = orientation
        data.get_ifd(GPS).update({1: "N", 2: (48.0, 51.0, 29.0), 3: "E", 4: (2.0, 17.0, 40.0)})
        return data

    return make


@pytest.fixture(scope="session")
def encoded(portrait: Image.Image) -> Callable[..., bytes]:
    """Return a maker of image files out of the portrait, or out of another image."""

    def make(file_format: str, image: Image.Image | None = None, **options: Any) -> bytes:
        out = io.BytesIO()
        (image or portrait).save(out, file_format, **options)
        return out.getvalue()

    return make


@pytest.fixture
def forget_pillow(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return a function that makes Pillow look as if it were not installed, once the files are made."""
    return lambda: monkeypatch.setitem(sys.modules, "PIL", None)
