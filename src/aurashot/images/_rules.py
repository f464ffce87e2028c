"""What an image must satisfy before it is sent."""

from __future__ import annotations

from typing import NamedTuple

from aurashot.errors import InvalidImageError


class ImageRules(NamedTuple):
    """The limits of a client, and what it does about metadata.

    Attributes:
        own_origin: Scheme, host and port of the configured service, such as `http://127.0.0.1:8787`; URLs there
            are taken as they are.
        max_bytes: The largest file to read or to send, in bytes.
        strip_metadata: None removes metadata when Pillow is installed, True insists on it, and False sends a file that
            the service accepts exactly as it is, without reading more than its first bytes.
        max_pixels: The largest image to decode, in pixels, all frames together. A file that need not be decoded is
            not measured.
    """

    own_origin: str
    max_bytes: int = 100 * 1024 * 1024
    strip_metadata: bool | None = None
    max_pixels: int = 50_000_000


def check_size(size: int, label: str, rules: ImageRules) -> None:
    """Check the size of a file in bytes.

    Raises:
        InvalidImageError: It is empty, or over the limit.
    """
    if not size:
        raise InvalidImageError(f"{label} is empty; if it is an open file that was read before, call its seek(0) first")
    if size > rules.max_bytes:
        raise InvalidImageError(
            f"{label} is larger than the limit of {rules.max_bytes:,} bytes; make the image smaller"
        )
