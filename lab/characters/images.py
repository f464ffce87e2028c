"""Small images that can be told apart."""

from __future__ import annotations

import hashlib
import zlib


def png(number: int) -> bytes:
    """Return a small PNG image that is different for each number below 2 ** 48."""
    row = b"\0" + number.to_bytes(6) * 4
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        len(content).to_bytes(4) + kind + content + zlib.crc32(kind + content).to_bytes(4)
        for kind, content in (
            (b"IHDR", (8).to_bytes(4) + (8).to_bytes(4) + b"\x08\x02\0\0\0"),
            (b"IDAT", zlib.compress(row * 8)),
            (b"IEND", b""),
        )
    )


def face_of(key: str) -> bytes:
    """Return the photo from which a character is made under a key."""
    return png(int(key[:12], 16))


def image_of(key: str) -> bytes:
    """Return the image that the service makes under a key."""
    return png(int.from_bytes(hashlib.sha256(key.encode()).digest()[:6]))
