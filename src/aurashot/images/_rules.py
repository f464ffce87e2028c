"""What an image must satisfy before it is sent."""

from __future__ import annotations

from typing import Final, NamedTuple

from aurashot.errors import InvalidImageError

BASE64_IMAGE: Final = (
    r"\s*(?:[/_]9j[/_]|iVBORw0KGgo|R0lGOD|UklGR|AAAA..Z0eX|SUkqA|TU0AK|Qk[0-3])[A-Za-z0-9+/_=\s-]{60,}"
)
"""How base64 of an image begins: JPEG, PNG, GIF, WebP, HEIC or AVIF, TIFF, BMP."""

MAX_BYTES: Final = 100 * 1024 * 1024
"""The largest image that is read, sent or stored, unless the user sets another limit."""
MAX_PIXELS: Final = 50_000_000
"""The largest image that is decoded or stored, unless the user sets another limit: 200 MB when it is decoded."""


class ImageRules(NamedTuple):
    """The limits of a client, and what it does about metadata.

    Attributes:
        own_origin: Scheme, host and port of the configured service, such as `http://127.0.0.1:8787`; URLs there
            are taken as they are.
        max_bytes: The largest file to read, to send or to store, in bytes.
        strip_metadata: None removes metadata when Pillow is installed, True insists on it, and False sends a file that
            the service accepts exactly as it is, without reading more than its first bytes.
        allow_paths: Whether a text may be a path or a `file:` URI. If not, it is a URL or a `data:` URI.
        max_pixels: The largest image to decode or to store, in pixels, all frames together. A JPEG file that is
            sent without being decoded is not measured.
    """

    own_origin: str
    max_bytes: int = MAX_BYTES
    strip_metadata: bool | None = None
    max_pixels: int = MAX_PIXELS
    allow_paths: bool = True


def check_size(size: int, label: str, rules: ImageRules) -> None:
    """Check the size of a file in bytes.

    Raises:
        InvalidImageError: It is empty, or over the limit.
    """
    if not size:
        raise InvalidImageError(f"{label} is empty; pass an image")
    if size > rules.max_bytes:
        raise InvalidImageError(
            f"{label} is larger than the limit of {rules.max_bytes:,} bytes; make the image smaller, or "
            "raise max_image_bytes"
        )
