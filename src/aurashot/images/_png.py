"""Turn PNG files without losing what Pillow does not keep: what their colours mean, and 16 bits of each channel.

Sources: PNG third edition, 4.3 (the chunks for colours), 9.2 (filters), 11.2.1 (IHDR).
"""

from __future__ import annotations

import io
import zlib
from typing import TYPE_CHECKING, BinaryIO, Final

from aurashot.images._png_pieces import chosen_chunks

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from PIL.Image import Image

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_HEADER_END: Final = 8 + 25
_GREY_WITH_ALPHA, _COLOUR, _COLOUR_WITH_ALPHA = 4, 2, 6
_MODES: Final = {_COLOUR: "RGB", _COLOUR_WITH_ALPHA: "RGBA"}
_UP: Final = b"\2"
_ROWS: Final = 64


def with_chunks(png: bytes, chunks: bytes) -> bytes:
    """Return a PNG file with further chunks right after its header."""
    return png[:_HEADER_END] + chunks + png[_HEADER_END:]


def turned_16_bits(file: BinaryIO, turned: Callable[[Image], Image]) -> bytes | None:
    """Return a PNG file of 16 bits with its pixels turned; None for all others, and for grey, which Pillow can hold.

    Pillow has no images of 16 bits with several channels. It is given colours as two images, one of the high bytes and
    one of the low bytes, and grey with alpha as one image with four channels of a byte.
    """
    file.seek(24)
    bits, colour = file.read(2)
    if bits != 16 or colour not in (_GREY_WITH_ALPHA, *_MODES):
        return None
    if colour == _GREY_WITH_ALPHA:
        return _turned_grey(file, turned)
    high = turned(_plane(file, _MODES[colour], f"{_MODES[colour]};16B"))
    low = turned(_plane(file, _MODES[colour], f"{_MODES[colour]};16L"))
    header = high.width.to_bytes(4) + high.height.to_bytes(4) + bytes([16, colour, 0, 0, 0])
    chunks = chosen_chunks(file, {b"tRNS"})
    pixels = b"".join(_chunk(b"IDAT", data) for data in _compressed(high, low))
    return _SIGNATURE + _chunk(b"IHDR", header) + chunks + pixels + _chunk(b"IEND", b"")


def _turned_grey(file: BinaryIO, turned: Callable[[Image], Image]) -> bytes:
    out = io.BytesIO()
    image = turned(_plane(file, "RGBA", "RGBA"))
    image.save(out, "png")
    header = image.width.to_bytes(4) + image.height.to_bytes(4) + bytes([16, _GREY_WITH_ALPHA, 0, 0, 0])
    return _SIGNATURE + _chunk(b"IHDR", header) + out.getvalue()[_HEADER_END:]


def _plane(file: BinaryIO, mode: str, raw_mode: str) -> Image:
    """Decode with another raw mode than Pillow would choose for the file."""
    from PIL.PngImagePlugin import PngImageFile

    file.seek(0)
    image = PngImageFile(file)
    image._mode = mode  # noqa: SLF001 - there is no other way to choose it
    image.tile = [tile._replace(args=raw_mode) for tile in image.tile]
    image.load()
    image.info.clear()
    return image


def _compressed(high: Image, low: Image) -> Generator[bytes]:
    """Yield the compressed rows: each is the difference from the row above, which compresses better."""
    compressor = zlib.compressobj()
    stride = 2 * high.width * len(high.getbands())
    high, low = (_differences(plane) for plane in (high, low))
    for top in range(0, high.height, _ROWS):
        box = (0, top, high.width, min(top + _ROWS, high.height))
        rows = bytearray(stride * (box[3] - top))
        rows[0::2], rows[1::2] = high.crop(box).tobytes(), low.crop(box).tobytes()
        filtered = (_UP + rows[start : start + stride] for start in range(0, len(rows), stride))
        if data := compressor.compress(b"".join(filtered)):
            yield data
    yield compressor.flush()


def _differences(plane: Image) -> Image:
    from PIL import Image, ImageChops

    above = Image.new(plane.mode, plane.size, 0)
    above.paste(plane, (0, 1))
    return ImageChops.subtract_modulo(plane, above)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return len(content).to_bytes(4) + kind + content + zlib.crc32(kind + content).to_bytes(4)
