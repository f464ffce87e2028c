"""The parts of an image file, to add, replace or remove some of them: all other bytes stay as they are.

Nothing is decoded or encoded. A file that is cut short or broken gives an error, and never a file.
"""

from __future__ import annotations

import io
import zlib
from typing import TYPE_CHECKING, Final, NamedTuple

from aurashot._reasons import reason_of
from aurashot.errors import InvalidImageError
from aurashot.images import sniff
from aurashot.images._containers import START_OF_SCAN, Part, is_last, walk
from aurashot.images._formats import ACCEPTED, SNIFF_BYTES
from aurashot.images._size import extent_of
from aurashot.images._window import TooManyPartsError, Window

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PNG: Final = "image/png"
JPEG: Final = "image/jpeg"
WEBP: Final = "image/webp"
PNG_HEADER_END: Final = 33
"""Where the first chunk of a PNG file ends: IHDR, of 13 bytes."""
_CHUNK: Final = 12
"""Bytes of a PNG chunk around its content."""


class Change(NamedTuple):
    """What takes the place of some bytes of a file: `start == end` adds, and no `content` removes."""

    start: int
    end: int
    content: bytes = b""


def type_of(image: bytes) -> str:
    """Return the media type of an image by its content.

    Raises:
        InvalidImageError: It is not a JPEG, PNG, WebP or GIF file.
    """
    media_type = sniff(image[:SNIFF_BYTES])
    if media_type not in ACCEPTED:
        raise InvalidImageError("The image is not a JPEG, PNG, WebP or GIF file; pass one of these")
    return media_type


def parts_of(image: bytes, media_type: str) -> list[Part]:
    """Return the parts of a complete file; those of a JPEG file up to its first scan.

    Raises:
        InvalidImageError: It is cut short or broken.
    """
    try:
        extent = extent_of(io.BytesIO(image), media_type)
        parts = list(_head(walk(Window(io.BytesIO(image)), media_type)))
    except TooManyPartsError as error:
        raise InvalidImageError(f"The image consists of {reason_of(error)}, as no ordinary image does") from error
    if not extent.end or not parts or not _is_whole(parts, media_type):
        raise InvalidImageError("The image is cut short or broken; download or copy it again")
    return parts


def _head(parts: Iterable[Part]) -> Iterator[Part]:
    for part in parts:
        yield part
        if part.kind == START_OF_SCAN:
            return


def _is_whole(parts: list[Part], media_type: str) -> bool:
    if media_type == JPEG:
        return parts[-1].kind == START_OF_SCAN
    if media_type == PNG and (parts[0].kind != b"IHDR" or parts[0].end != PNG_HEADER_END):
        return False
    return is_last(parts[-1], media_type)


def changed(image: bytes, changes: Iterable[Change]) -> bytes:
    """Return a file with some of its bytes replaced; the changes do not overlap."""
    joined, at = io.BytesIO(), 0
    view = memoryview(image)
    for start, end, content in sorted(changes):
        joined.write(view[at:start])
        joined.write(content)
        at = end
    joined.write(view[at:])
    return joined.getvalue()


def png_chunk(kind: bytes, content: bytes) -> bytes:
    """Return a chunk of a PNG file."""
    return len(content).to_bytes(4) + kind + content + zlib.crc32(kind + content).to_bytes(4)


def png_content(image: bytes, part: Part) -> bytes:
    """Return the content of a chunk of a PNG file.

    Raises:
        InvalidImageError: Its check sum is wrong, so that decoders skip or refuse it.
    """
    content = image[part.start + 8 : part.end - 4]
    if image[part.end - 4 : part.end] != zlib.crc32(part.kind + content).to_bytes(4):
        raise InvalidImageError("The image has metadata with a wrong check sum; download or copy it again")
    return content


def png_keyword(image: bytes, part: Part) -> str | None:
    """Return the keyword of a text chunk of a PNG file; None for all other chunks."""
    if part.kind not in {b"tEXt", b"zTXt", b"iTXt"}:
        return None
    content = image[part.start + 8 : min(part.end - 4, part.start + 8 + _LONGEST_KEYWORD + 1)]
    return content.partition(b"\0")[0].decode("latin-1")


_LONGEST_KEYWORD: Final = 4_096
"""Bytes in which the end of a keyword is looked for; the standard allows 79, and names of assets are longer."""


def png_text(image: bytes, part: Part, longest: int) -> bytes:
    """Return the text of a text chunk of a PNG file: that of `tEXt` in Latin-1, that of `iTXt` in UTF-8.

    Raises:
        InvalidImageError: It is broken, or longer than so many bytes.
    """
    if part.end - part.start - _CHUNK > longest:
        raise InvalidImageError(f"The image has a text of more than {longest:,} bytes in its metadata; remove it")
    content = png_content(image, part).partition(b"\0")[2]
    if part.kind == b"tEXt":
        return content
    if part.kind == b"zTXt":
        return _decompressed(content[1:], longest)
    flags, _, rest = content[:2], *content[2:].partition(b"\0")[::2]
    text = rest.partition(b"\0")[2]
    return _decompressed(text, longest) if flags[:1] == b"\1" else text


def _decompressed(content: bytes, longest: int) -> bytes:
    try:
        text = zlib.decompressobj().decompress(content, longest + 1)
    except zlib.error as error:
        raise InvalidImageError("The image has a broken text in its metadata; download or copy it again") from error
    if len(text) > longest:
        raise InvalidImageError(f"The image has a text of more than {longest:,} bytes in its metadata; remove it")
    return text
