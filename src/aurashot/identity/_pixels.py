"""Images of users as arrays; URLs are refused, since nothing is downloaded here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from aurashot.errors import InvalidImageError
from aurashot.images import ImageRules, StoredURL, decode, held, locate

if TYPE_CHECKING:
    from aurashot.identity._model import Pixels
    from aurashot.images import ImageInput

DRAWN_KEY: Final = "aurashot:face"
"""Marks a PNG file whose face was drawn; the sandbox writes it."""

_RULES: Final = ImageRules(own_origin="")


@dataclass(frozen=True, slots=True)
class LoadedImage:
    """A decoded image.

    Attributes:
        pixels: Height by width by 3, RGB.
        is_drawn: Whether its metadata say that its face was drawn.
    """

    pixels: Pixels = field(repr=False)
    is_drawn: bool


def load(image: ImageInput) -> LoadedImage:
    """Read and decode an image.

    Raises:
        InvalidImageError: It is a URL, cannot be read, is broken, or has more than 50 million pixels.
        UnsafeURLError: It is a URL that nobody should fetch.
    """
    local = locate(image, _RULES)
    if isinstance(local, StoredURL):
        local = local.local
    if isinstance(local, str):
        raise InvalidImageError(
            "The image is a URL, and faces are compared without a network; download it with client.download, and pass "
            "the file"
        )
    with held(local.source) as read:
        decoded = decode(local, _RULES, read)
    return LoadedImage(np.asarray(decoded.image, np.uint8), DRAWN_KEY in decoded.texts)
