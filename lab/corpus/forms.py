"""The forms in which a file is passed to the SDK."""

from __future__ import annotations

import io
import struct
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

MOST_PIXELS: Final = 50_000_000
"""Larger images are not decoded here; the SDK refuses them."""

MARKER: Final = b"GPSLatitude 59.3293 GPSLongitude 18.0686"
"""A location that is planted in a file, and must not be sent."""

_EXIF: Final = b"MM\0*\0\0\0\x08\0\x01\x88\x25\0\x04\0\0\0\x01\0\0\0\x1a\0\0\0\0\0\x01\0\x1b\0\x07"
_EXIF_WITH_MARKER: Final = _EXIF + len(MARKER).to_bytes(4) + b"\0\0\0\x2c\0\0\0\0" + MARKER  # GPSProcessingMethod
_XMP: Final = b'<x:xmpmeta xmlns:x="adobe:ns:meta/">' + MARKER + b"</x:xmpmeta>"
_WEBP_HAS_METADATA: Final = 0x0C
_WEBP_HAS_ALPHA: Final = 0x10
_FILM: Final = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + MARKER


def planted(content: bytes) -> bytes:
    """Return a JPEG, PNG or WebP file with the marker in every place for metadata, and behind its end.

    Raises:
        LookupError: It is another kind of file.
    """
    if content.startswith(b"\xff\xd8\xff"):
        return content[:2] + _jpeg_segments() + content[2:] + _FILM
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return content[:33] + _png_chunks() + content[33:] + _FILM
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        end = 8 + int.from_bytes(content[4:8], "little")
        chunks = _webp_head(content) + content[30 if content[12:16] == b"VP8X" else 12 : end] + _webp_metadata()
        return content[:4] + struct.pack("<I", 4 + len(chunks)) + b"WEBP" + chunks + content[end:] + _FILM
    raise LookupError("nothing is planted in this kind of file")


def _jpeg_segments() -> bytes:
    contents = [
        (0xE1, b"Exif\0\0" + _EXIF_WITH_MARKER),
        (0xE1, b"http://ns.adobe.com/xap/1.0/\0" + _XMP),
        (0xED, b"Photoshop 3.0\0" + MARKER),
        (0xE2, b"MPF\0" + MARKER),
        (0xE5, MARKER),
        (0xFE, MARKER),
    ]
    return b"".join(bytes([0xFF, code]) + (len(content) + 2).to_bytes(2) + content for code, content in contents)


def _png_chunks() -> bytes:
    contents = [
        (b"eXIf", _EXIF_WITH_MARKER),
        (b"tEXt", b"Comment\0" + MARKER),
        (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + _XMP),
        (b"gpSx", MARKER),
    ]
    return b"".join(
        len(content).to_bytes(4) + kind + content + zlib.crc32(kind + content).to_bytes(4) for kind, content in contents
    )


def _webp_head(content: bytes) -> bytes:
    """Return a VP8X chunk that says that there are EXIF and XMP; without it, readers look for none."""
    if content[12:16] == b"VP8X":
        return content[12:20] + bytes([content[20] | _WEBP_HAS_METADATA]) + content[21:30]
    with Image.open(io.BytesIO(content)) as image:
        size = (image.width - 1).to_bytes(3, "little") + (image.height - 1).to_bytes(3, "little")
        flags = _WEBP_HAS_METADATA | (_WEBP_HAS_ALPHA if "A" in image.mode else 0)
    return _webp_chunk(b"VP8X", bytes([flags, 0, 0, 0]) + size)


def _webp_metadata() -> bytes:
    return _webp_chunk(b"EXIF", _EXIF_WITH_MARKER) + _webp_chunk(b"XMP ", _XMP) + _webp_chunk(b"GPS ", MARKER)


def _webp_chunk(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)


@contextmanager
def _as_path(path: Path) -> Generator[Any]:
    yield path


@contextmanager
def _as_bytes(path: Path) -> Generator[Any]:
    yield path.read_bytes()


@contextmanager
def _as_open_file(path: Path) -> Generator[Any]:
    with path.open("rb") as file:
        yield file


@contextmanager
def _planted(path: Path) -> Generator[Any]:
    yield planted(path.read_bytes())


@contextmanager
def _pillow_image(path: Path) -> Generator[Any]:
    with Image.open(path) as image:
        yield image


@contextmanager
def _decoded_pillow_image(path: Path) -> Generator[Any]:
    with Image.open(io.BytesIO(path.read_bytes())) as image:
        _load(image)
        yield image


@contextmanager
def _edited_pillow_image(path: Path) -> Generator[Any]:
    """Change one pixel, in a corner that an orientation cannot be told by."""
    with Image.open(path) as image:
        _load(image)
        other = Image.new(image.mode, (1, 1), 1)
        if image.crop((0, 0, 1, 1)).tobytes() == other.tobytes():
            other = Image.new(image.mode, (1, 1), 0)
        image.paste(other, (0, 0))
        yield image


def _load(image: Image.Image) -> None:
    if image.width * image.height > MOST_PIXELS:
        raise ValueError("it takes too long")
    image.load()


FORMS: Final[dict[str, Callable[[Path], Any]]] = {
    "path": _as_path,
    "bytes": _as_bytes,
    "open file": _as_open_file,
    "Pillow image": _pillow_image,
    "Pillow image, decoded": _decoded_pillow_image,
    "Pillow image, edited": _edited_pillow_image,
    "bytes with a planted location": _planted,
}
