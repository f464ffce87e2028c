"""The face in all images of a demo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Portrait:
    """A face as it is sent to the service: upright, in a format that browsers show, and without metadata.

    Attributes:
        file: The name of its file in the demo's folder.
        content: The bytes of that file.
        drawn: Whether it was drawn and shows no real person.
    """

    file: str
    content: bytes
    drawn: bool


def portrait_of(photo: Path) -> Portrait:
    """Read a photo.

    Raises:
        InvalidImageError: It cannot be read, or is not an image.
    """
    from aurashot.images import EXTENSIONS, ImageRules, LocalImage, prepare

    rules = ImageRules(own_origin="")  # a path is never compared with a URL
    payload = prepare(LocalImage(photo, "face", f"'{photo}'"), rules)
    with payload.open() as file:
        return Portrait(f"face{EXTENSIONS[payload.media_type]}", file.read(), drawn=False)


def drawn_portrait() -> Portrait:
    """Draw a face.

    Raises:
        ConfigurationError: The extra `sandbox` is not installed.
    """
    from aurashot import sandbox

    return Portrait("face.png", sandbox.draw_portrait("aurashot demo"), drawn=True)
