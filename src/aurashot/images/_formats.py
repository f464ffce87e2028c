"""The media type of an image, from its first bytes."""

from __future__ import annotations

import re

SNIFF_BYTES = 128
"""How many of the first bytes `sniff` may look at."""

EXTENSIONS = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/webp": ".webp",
    "image/gif": ".gif",
    "image/heic": ".heic",
    "image/avif": ".avif",
    "image/tiff": ".tiff",
    "image/bmp": ".bmp",
}
"""Media type to file name extension, for every type that `sniff` knows."""

ACCEPTED = frozenset({"image/jpeg", "image/png", "image/webp", "image/gif"})
"""The media types that the service takes and gives."""

# An `ftyp` box names a major brand and compatible ones; AVIF files may have the general `mif1` or `msf1` as the major
# brand (ISO/IEC 23008-12). A bitmap's two letters also begin English words, so the size of its header is asked as well.
_MAGIC = tuple(
    (media_type, re.compile(pattern, re.DOTALL))
    for media_type, pattern in (
        ("image/jpeg", rb"\xff\xd8\xff"),
        ("image/png", rb"\x89PNG\r\n\x1a\n"),
        ("image/webp", rb"RIFF....WEBP"),
        ("image/gif", rb"GIF8[79]a"),
        ("image/avif", rb"....ftyp(?:avi[fs]|m[is]f1(?:....){1,20}?avi[fs])"),
        ("image/heic", rb"....ftyp(?:he[iv][cxms]|m[is]f1)"),
        ("image/tiff", rb"II[*+]\0|MM\0[*+]"),
        ("image/bmp", rb"BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0"),
    )
)


def sniff(head: bytes) -> str | None:
    """Return the media type that the first bytes of a file show, or None when they show no image.

    Besides the four types that the service accepts, it knows those that Pillow can convert: HEIC, AVIF, TIFF and BMP.
    """
    return next((media_type for media_type, magic in _MAGIC if magic.match(head)), None)
