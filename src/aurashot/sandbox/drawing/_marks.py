"""Encode and decode images, and mark them as made by the sandbox: with a visible footer, and with metadata.

A face swap can be convincing, so every generated image has both marks.
"""

from __future__ import annotations

import base64
import struct
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, ImageDraw, ImageOps, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

from aurashot.sandbox.drawing._drawn import recall, remember
from aurashot.sandbox.drawing._face import BOX_KEY, FACE_KEY
from aurashot.sandbox.drawing._fonts import fitted

if TYPE_CHECKING:
    from aurashot.sandbox.drawing._primitives import Colour

MATTE_KEY: Final = "aurashot:matte"
FOOTER: Final = 56  # in pixels, below the image
MAX_PIXELS: Final = 50_000_000

_PREFIX: Final = "aurashot:"
_FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF")
_RIBBON: Final[Colour] = (246, 178, 38)
_GROUND: Final[Colour] = (22, 24, 30)
_TEXT: Final[Colour] = (226, 228, 234)
_MATTE_SHRINK: Final = 4  # the matte is stored at a quarter of the size, in a few kilobytes
_TOLERANCE: Final = 40  # how much JPEG may change the ribbon's colour
_BROKEN: Final = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    struct.error,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)


@dataclass(frozen=True, slots=True)
class Marks:
    """The text in the footer and metadata of an image."""

    operation: str
    request_id: str
    prompt: str | None


def encode(image: Image.Image, marks: Marks) -> bytes:
    """Return the image as PNG bytes, with a footer of `FOOTER` pixels and the marks in its metadata."""
    sheet = Image.new("RGB", (image.width, image.height + FOOTER), _GROUND)
    sheet.paste(image, (0, 0))
    _draw_footer(sheet, marks)
    remember(sheet, image.info)
    file = BytesIO()
    marked = {
        "aurashot:sandbox": "true",
        "aurashot:operation": marks.operation,
        "aurashot:request-id": marks.request_id,
        "aurashot:prompt-digest": _digest(marks.prompt or ""),
    }
    sheet.save(file, "PNG", compress_level=1, pnginfo=_png_chunks(image, marked))
    return file.getvalue()


def encode_plain(image: Image.Image) -> bytes:
    """Return the image as PNG bytes without footer and marks, but with the metadata about its person."""
    file = BytesIO()
    remember(image, image.info)
    image.save(file, "PNG", compress_level=1, pnginfo=_png_chunks(image, {}))
    return file.getvalue()


def _draw_footer(sheet: Image.Image, marks: Marks) -> None:
    """Draw the ribbon and caption."""
    draw, top = ImageDraw.Draw(sheet), sheet.height - FOOTER
    word, ribbon = fitted("SANDBOX", "", 22, sheet.width)
    right = 40 + round(ribbon.getlength(word))
    draw.polygon(((0, top), (right + 14, top), (right, sheet.height), (0, sheet.height)), fill=_RIBBON)
    draw.text((20, top + FOOTER / 2), word, font=ribbon, fill=_GROUND, anchor="lm")
    left, width = right + 26, sheet.width - right - 40
    prompt = " ".join((marks.prompt or "").split())
    text, font = fitted(
        f"{marks.operation}  {prompt}".strip(), f"{marks.operation}  {_digest_label(prompt)}", 18, width
    )
    draw.text((left, top + FOOTER / 2), text, font=font, fill=_TEXT, anchor="lm")


def _digest(prompt: str) -> str:
    return sha256(prompt.encode(errors="surrogatepass")).hexdigest()


def _digest_label(prompt: str) -> str:
    return f"prompt sha256 {_digest(prompt)[:12]}"


def _png_chunks(image: Image.Image, marks: dict[str, str]) -> PngInfo:
    """Return the PNG text chunks: the marks, and the metadata about the person."""
    known = {key: str(value) for key, value in image.info.items() if key in {BOX_KEY, FACE_KEY, MATTE_KEY}}
    chunks = PngInfo()
    for key, value in (marks | known).items():
        chunks.add_text(key, value)
    return chunks


def decode(data: bytes) -> Image.Image:
    """Return JPEG, PNG, WebP or GIF bytes as an upright RGB image; `info` contains the sandbox's metadata only.

    Raises:
        ValueError: It is not such an image, is damaged, or has over 50 million pixels (checked before decoding).
    """
    try:
        with Image.open(BytesIO(data), formats=_FORMATS) as file:
            pixels = file.width * file.height
            if pixels <= MAX_PIXELS:
                return _upright(file)
    except UnidentifiedImageError as error:
        raise ValueError("the file is not a JPEG, PNG, WebP or GIF image") from error
    except _BROKEN as error:
        raise ValueError("the image is damaged or cannot be read") from error
    raise ValueError(f"the image has {pixels:,} pixels, over the limit of {MAX_PIXELS:,}")


def _upright(file: Image.Image) -> Image.Image:
    """Return the first frame as an upright RGB image, with a white background."""
    info = {key: value for key, value in file.info.items() if str(key).startswith(_PREFIX)}
    image = ImageOps.exif_transpose(file)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    upright = image.convert("RGB")
    upright.info = recall(upright) | info
    return upright


def without_footer(original: Image.Image) -> Image.Image:
    """Return the image as RGB without the footer that `encode` adds; it is recognised by the ribbon's colour."""
    image = original if original.mode == "RGB" else original.convert("RGB")
    if image.height <= 2 * FOOTER:
        return image
    left = np.asarray(image.crop((2, image.height - FOOTER + 4, 14, image.height - 4)), dtype=np.int16)
    away = int(np.abs(left - np.asarray(_RIBBON, dtype=np.int16)).max())
    return image.crop((0, 0, image.width, image.height - FOOTER)) if away <= _TOLERANCE else image


def matte_text(matte: Image.Image) -> str:
    """Return the matte of a person as text for the metadata."""
    file = BytesIO()
    matte.reduce(_MATTE_SHRINK).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def known_matte(image: Image.Image) -> Image.Image | None:
    """Return the matte in the metadata of a sandbox image; None for any other image."""
    text = str(image.info.get(MATTE_KEY, ""))
    try:
        with Image.open(BytesIO(base64.b64decode(text)), formats=("PNG",)) as file:
            small = file.convert("L")
    except _BROKEN:
        return None
    expected = -(-image.width // _MATTE_SHRINK), -(-image.height // _MATTE_SHRINK)
    return small.resize(image.size, Image.Resampling.BICUBIC) if small.size == expected else None
