"""Small images for a model's context."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from anyio import CapacityLimiter, to_thread

from aurashot.images import ImageRules, LocalImage, decode, sniff

if TYPE_CHECKING:
    from PIL.Image import Image

LARGEST_SIDE: Final = 512
"""Pixels."""
MOST_BYTES: Final = 60_000
"""Of a preview in base64, which is what an answer holds."""
_QUALITIES: Final = (85, 75, 60, 45, 30)
_RULES: Final = ImageRules(own_origin="")
_AT_ONCE: Final = 2
"""Images that are decoded at the same time; one of 50 million pixels takes 200 MB."""


@dataclass(frozen=True, slots=True)
class Whole:
    """An image that was decoded to its end.

    Attributes:
        media_type: Of the file.
        width: Pixels.
        height: Pixels.
        size: Bytes of the file.
        preview: A JPEG of at most 512 pixels, in base64; empty if none was asked for.
    """

    media_type: str
    width: int
    height: int
    size: int
    preview: str = field(default="", repr=False)


class Previews:
    """Decodes images, a few at a time.

    Args:
        wanted: Whether previews are made.
    """

    def __init__(self, *, wanted: bool) -> None:
        self._wanted = wanted
        self._limiter = CapacityLimiter(_AT_ONCE)

    async def examine(self, content: bytes, *, preview: bool = False) -> Whole:
        """Decode an image, and make its preview.

        Args:
            content: The file.
            preview: Whether a preview is made also if the settings want none.

        Raises:
            InvalidImageError: It is not a whole image.
        """
        return await to_thread.run_sync(_examined, content, self._wanted or preview, limiter=self._limiter)


def _examined(content: bytes, wanted: bool) -> Whole:  # noqa: FBT001  # called by position, in a thread
    image = decode(LocalImage(content, "image", "The image"), _RULES).image
    media_type = sniff(content) or "application/octet-stream"
    preview = preview_of(image) if wanted else ""
    return Whole(media_type, image.width, image.height, len(content), preview)


def preview_of(image: Image) -> str:
    """Return a small JPEG in base64, within the limits."""
    small = image.copy()
    side = LARGEST_SIDE
    while True:
        small.thumbnail((side, side))
        for quality in _QUALITIES:
            file = io.BytesIO()
            small.save(file, "JPEG", quality=quality, optimize=True)
            encoded = base64.b64encode(file.getvalue()).decode()
            if len(encoded) <= MOST_BYTES:
                return encoded
        side //= 2
