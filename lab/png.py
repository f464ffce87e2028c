"""Create a valid PNG of a given size in bytes."""

from __future__ import annotations

import random
import zlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

WIDTH: Final = 4096
"""In pixels; a row of RGB is 12 KiB."""


def png(mebibytes: int) -> Generator[bytes]:
    """Yield the parts of an uncompressed RGB image."""
    height = mebibytes * 2**20 // (3 * WIDTH + 1)
    row = b"\0" + random.Random(0).randbytes(3 * WIDTH)
    yield b"\x89PNG\r\n\x1a\n"
    yield _chunk(b"IHDR", WIDTH.to_bytes(4) + height.to_bytes(4) + b"\x08\x02\0\0\0")
    stored = zlib.compressobj(0)
    for _ in range(height):
        if data := stored.compress(row):
            yield _chunk(b"IDAT", data)
    yield _chunk(b"IDAT", stored.flush())
    yield _chunk(b"IEND", b"")


def write_png(path: Path, mebibytes: int) -> None:
    """Write an uncompressed RGB image to a file."""
    with path.open("wb") as file:
        file.writelines(png(mebibytes))


def _chunk(kind: bytes, content: bytes) -> bytes:
    return len(content).to_bytes(4) + kind + content + zlib.crc32(kind + content).to_bytes(4)
