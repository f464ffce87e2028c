"""GIF files with a mark in every place, and images of other formats that are converted."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from lab.attack.canary import CANARY, profiles

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL import Image

_XMP_END = b"\1" + bytes(range(255, -1, -1)) + b"\0"
"""Whatever length a reader of blocks takes from the text, it arrives at the last zeros."""
_BLOCK = bytes([len(CANARY)]) + CANARY


def encoded(image: Image.Image, kind: str = "GIF", **options: Any) -> bytes:
    """Encode an image."""
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def _before_image(gif: bytes, extra: bytes) -> bytes:
    at = gif.index(b",\0\0\0\0")
    return gif[:at] + extra + gif[at:]


def planted(image: Image.Image) -> Iterator[tuple[str, bytes]]:
    """Yield each place and a file with the mark in it."""
    gif = encoded(image)
    moving = encoded(image, save_all=True, append_images=[image.rotate(180)], duration=50, loop=0)
    extensions = {
        "a comment": b"!\xfe" + _BLOCK + b"\0",
        "XMP": b"!\xff\x0bXMP DataXMP" + CANARY + _XMP_END,
        "a block of a program": b"!\xff\x0bMYPROG  1.0" + _BLOCK + b"\0",
        "a colour profile": b"!\xff\x0bICCRGBG1012" + _BLOCK + b"\0",
        "a plain text": b"!\x01\x0c" + bytes(12) + _BLOCK + b"\0",
        "an unknown extension": b"!\x77" + _BLOCK + b"\0",
        "behind the control of an image": b"!\xf9\4\0\0\0\0" + _BLOCK + b"\0",
        "behind the number of repetitions": b"!\xff\x0bNETSCAPE2.0\3\1\0\0" + _BLOCK + b"\0",
    }
    for name, extension in extensions.items():
        yield name, _before_image(gif, extension)
        yield f"{name}, at the end", gif[:-1] + extension + b";"
        yield f"{name}, in an animation", _before_image(moving, extension)
    yield "behind the compressed pixels", gif[:-2] + _BLOCK + b"\0;"
    yield "behind the compressed pixels of a frame", moving[:-2] + _BLOCK + b"\0;"
    for name, tail in {"text": CANARY, "an archive": b"PK\3\4" + CANARY, "another image": gif + CANARY}.items():
        yield f"behind the end: {name}", gif + tail


def converted(image: Image.Image) -> Iterator[tuple[str, bytes]]:
    """Yield files of the formats that are converted, with the mark in what they say of themselves."""
    from PIL import Image as Images

    exif = Images.Exif()
    exif[0x010E] = exif[0x013B] = CANARY.decode()
    bare = encoded(image, "BMP")
    yield "BMP: behind the end", bare + CANARY
    for kind in ("TIFF", "AVIF", "HEIF"):
        yield f"{kind}: EXIF", encoded(image, kind, exif=exif)
        yield f"{kind}: behind the end", encoded(image, kind) + CANARY
        for name, profile in profiles().items():
            yield f"{kind}: a colour profile: {name}", encoded(image, kind, icc_profile=profile)
    yield "TIFF: a description", encoded(image, "TIFF", description=CANARY.decode(), software=CANARY.decode())
    yield "AVIF: XMP", encoded(image, "AVIF", xmp=CANARY)
    yield "HEIF: XMP", encoded(image, "HEIF", xmp=CANARY)
