"""Images and addresses that the tests on the wire send."""

from __future__ import annotations

import io
from typing import Final

from PIL import Image

FACE: Final = "https://example.com/face.jpg"
GENERATE: Final = "/v1/character/generate"
UPLOADS: Final = "/v1/uploads"


def png(colour: str = "navy", side: int = 24) -> bytes:
    """Return a small PNG that holds nothing but one colour."""
    file = io.BytesIO()
    Image.new("RGB", (side, side), colour).save(file, "PNG")
    return file.getvalue()


def padded_jpeg(size: int) -> bytes:
    """Return a JPEG of about so many bytes, nearly all of them after its end."""
    file = io.BytesIO()
    Image.new("RGB", (24, 24), "navy").save(file, "JPEG")
    return file.getvalue() + bytes(size)
