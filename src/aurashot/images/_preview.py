"""A small version of an image, to look at."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from aurashot._card import Card, CardImage
from aurashot.errors import ConfigurationError, InvalidImageError
from aurashot.images._formats import ACCEPTED, SNIFF_BYTES, sniff
from aurashot.images._input import LocalImage
from aurashot.images._rules import MAX_BYTES, MAX_PIXELS, ImageRules

if TYPE_CHECKING:
    from collections.abc import Iterable

SIDE: Final = 512
"""The longest side of a preview, in pixels."""
_SHOWN: Final = 384
"""The longest side of a preview on a screen, in the pixels of a page, of which a sharp screen has two."""
_SMALL: Final = 512 * 1024
"""Bytes of an image that is shown as it is where Pillow is missing."""
_QUALITY: Final = 85


@dataclass(frozen=True, slots=True)
class Preview:
    """An image to look at in a notebook, with what is known about it; made by `client.show`.

    A notebook shows it as the last value of a cell, or with `IPython.display.display`. The image is in the HTML, so
    that nothing is loaded when it is shown, now or when the notebook is opened again.
    """

    card: Card

    @property
    def content(self) -> bytes | None:
        """The small image as a file; None if it cannot be shown."""
        return None if self.card.image is None else self.card.image.content

    @property
    def media_type(self) -> str | None:
        """The media type of the small image."""
        return None if self.card.image is None else self.card.image.media_type

    def __repr__(self) -> str:
        return self.card.text()

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:  # noqa: ARG002  # IPython passes them, and chooses itself
        return self.card.bundle()


def preview(title: str, rows: Iterable[tuple[str, str]], alt: str, content: bytes) -> Card:
    """Return the card of an image: at most 512 pixels wide and high, if Pillow is installed.

    Args:
        title: What it is.
        rows: What is known about it.
        alt: What stands for it where it cannot be seen.
        content: Its file. One that cannot be decoded is not shown, and the card says so.
    """
    small = _smaller(content)
    note = () if small else (("Image", "It cannot be shown; open its file"),)
    return Card(title, (*rows, *note), small, alt)


def _smaller(content: bytes) -> CardImage | None:
    from aurashot.images._pixels import decode

    local = LocalImage(content, "image", "The image")
    try:
        image = decode(local, ImageRules("", MAX_BYTES, max_pixels=MAX_PIXELS)).image
    except (ConfigurationError, InvalidImageError):
        media_type = sniff(content[:SNIFF_BYTES])
        return CardImage(content, media_type, _SHOWN) if media_type in ACCEPTED and len(content) <= _SMALL else None
    image.thumbnail((SIDE, SIDE))
    image.info.clear()  # Pillow would write the comment of a JPEG file again
    file = BytesIO()
    image.save(file, "JPEG", quality=_QUALITY)
    return CardImage(file.getvalue(), "image/jpeg", round(image.width * min(1, _SHOWN / max(image.size))))
