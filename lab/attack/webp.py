"""WebP files with a mark in every place."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from lab.attack.canary import CANARY, profiles

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL import Image

_FLAGS = {b"EXIF": 0x08, b"XMP ": 0x04}


def chunk(kind: bytes, content: bytes) -> bytes:
    """Return a chunk."""
    return kind + len(content).to_bytes(4, "little") + content + bytes(len(content) % 2)


def _encoded(image: Image.Image, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, "WEBP", **options)
    return out.getvalue()


def _file(chunks: bytes) -> bytes:
    return b"RIFF" + (4 + len(chunks)).to_bytes(4, "little") + b"WEBP" + chunks


def _chunks(webp: bytes) -> list[tuple[bytes, bytes]]:
    found: list[tuple[bytes, bytes]] = []
    at = 12
    while at < len(webp):
        length = int.from_bytes(webp[at + 4 : at + 8], "little")
        found.append((webp[at : at + 4], webp[at + 8 : at + 8 + length]))
        at += 8 + length + length % 2
    return found


def _joined(chunks: list[tuple[bytes, bytes]]) -> bytes:
    return _file(b"".join(chunk(*one) for one in chunks))


def _extended(image: Image.Image, flags: int) -> bytes:
    size = (image.width - 1).to_bytes(3, "little") + (image.height - 1).to_bytes(3, "little")
    return bytes([flags, 0, 0, 0]) + size


def _animated(image: Image.Image) -> Iterator[tuple[str, bytes]]:
    chunks = _chunks(_encoded(image, save_all=True, append_images=[image.rotate(180)], duration=50))
    at = next(place for place, (kind, _) in enumerate(chunks) if kind == b"ANMF")
    for kind in (b"EXIF", b"XMP ", b"prVt", b"VP8 "):
        longer = [*chunks[:at], (b"ANMF", chunks[at][1] + chunk(kind, CANARY)), *chunks[at + 1 :]]
        yield f"chunk {kind!r} in a frame", _joined(longer)
    yield "a frame behind the fields", _joined([(kind, data + CANARY * (kind == b"ANIM")) for kind, data in chunks])
    still = _chunks(_encoded(image))[-1]
    unseen = [(b"VP8X", _extended(image, 0)), (b"ANMF", chunks[at][1] + chunk(b"XMP ", CANARY)), still]
    yield "a frame without an animation", _joined(unseen)
    yield "an image in an animation", _joined([*chunks, (still[0], still[1] + CANARY)])


def planted(image: Image.Image) -> Iterator[tuple[str, bytes]]:
    """Yield each place and a file with the mark in it."""
    for lossless in (False, True):
        kind = "lossless" if lossless else "lossy"
        pixels = _chunks(_encoded(image, lossless=lossless))[-1]
        for name in (b"EXIF", b"XMP ", b"prVt", b"ICCP", b"ALPH", b"ANIM", b"VP8 ", b"VP8L", b"VP8X"):
            extended = [(b"VP8X", _extended(image, _FLAGS.get(name, 0))), pixels, (name, CANARY)]
            yield f"{kind}: chunk {name!r}", _joined(extended)
            yield f"{kind}: chunk {name!r} of a simple file", _joined([pixels, (name, CANARY)])
        yield f"{kind}: behind the pixels", _joined([(pixels[0], pixels[1] + CANARY)])
        head = (b"VP8X", _extended(image, 0) + CANARY)
        yield f"{kind}: behind the fields of the header", _joined([head, pixels])
        yield f"{kind}: behind the end", _joined([pixels]) + CANARY
        for place, profile in profiles().items():
            coloured = [(b"VP8X", _extended(image, 0x20)), (b"ICCP", profile), pixels]
            yield f"{kind}: a colour profile: {place}", _joined(coloured)
    transparent = image.convert("RGBA")
    transparent.putalpha(image.convert("L"))
    chunks = _chunks(_encoded(transparent))
    longer = [(name, data + CANARY * (name == b"ALPH")) for name, data in chunks]
    yield "behind the transparency", _joined(longer)
    yield from _animated(image)
