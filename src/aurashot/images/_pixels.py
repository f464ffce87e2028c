"""The pixels of an image as a viewer shows them: upright, 8 bits, RGB, on white."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, cast

from aurashot.images import _pillow
from aurashot.images._opening import check_pixels, decoded, opened, opened_heic
from aurashot.images._original import is_opened
from aurashot.images._payload import open_local
from aurashot.images._shared import SharedRead

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import BinaryIO

    from PIL.Image import Image

    from aurashot.images._input import LocalImage
    from aurashot.images._rules import ImageRules

_DEEP: Final = frozenset({"I", "I;16", "I;16B", "I;16L"})


@dataclass(frozen=True, slots=True)
class DecodedImage:
    """An image that was decoded.

    Attributes:
        image: Its first frame: upright, in RGB, transparency on white.
        texts: The text in the metadata of a PNG file, by keyword.
    """

    image: Image = field(repr=False)
    texts: Mapping[str, str] = field(repr=False)


def decode(local: LocalImage, rules: ImageRules, read: SharedRead | None = None) -> DecodedImage:
    """Read and decode an image. Blocks on the disk and on the processor; a Pillow image is not changed.

    Args:
        local: What to read.
        rules: The limits on bytes and pixels.
        read: The read that others share, if its source is an open file.

    Raises:
        InvalidImageError: It cannot be read, is too large, or is broken.
        ConfigurationError: Pillow is missing.
    """
    _pillow.check_pillow("Decoding an image")
    if _pillow.is_pillow_image(local.source):
        given = cast("Image", local.source)
        return decoded(local.label, lambda: _from_pillow(given, local.label, rules.max_pixels))
    file, media_type = open_local(local, rules, read or SharedRead())
    with file:
        return decoded(local.label, lambda: _from_file(file, media_type, local.label, rules.max_pixels))


def _from_file(file: BinaryIO, media_type: str, label: str, max_pixels: int) -> DecodedImage:
    file.seek(0)
    if media_type == "image/heic":
        return DecodedImage(_flat(opened_heic(file, label, max_pixels)), {})
    image = opened(file, media_type, label)
    check_pixels(image.size, label, max_pixels)
    return _shown(image)


def _from_pillow(image: Image, label: str, max_pixels: int) -> DecodedImage:
    check_pixels(image.size, label, max_pixels)
    return _shown(image) if is_opened(image) else DecodedImage(_flat(image), _texts(image))


def _shown(image: Image) -> DecodedImage:
    image.load()
    return DecodedImage(_flat(_pillow.upright(image)), _texts(image))


def _texts(image: Image) -> dict[str, str]:
    return {str(name): str(text) for name, text in image.info.items() if isinstance(text, str)}


def _flat(image: Image) -> Image:
    from PIL.Image import alpha_composite, new

    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = alpha_composite(new("RGBA", image.size, "white"), image)
    if image.mode in _DEEP:
        image = cast("Any", image).convert("I").point(_to_8_bits).convert("L")
    return _pillow.as_rgb(image)


def _to_8_bits(value: Any) -> Any:
    """Scale a pixel, or the expression that Pillow passes for all of them."""
    return value * (1 / 257) + 0
