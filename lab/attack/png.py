"""PNG files with a mark in every place."""

from __future__ import annotations

import io
import zlib
from typing import TYPE_CHECKING, Any

from lab.attack.canary import CANARY, profiles

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL import Image

_HEAD = 33
_TEXTS = {
    "tEXt": b"Comment\0" + CANARY,
    "zTXt": b"Comment\0\0" + zlib.compress(CANARY),
    "iTXt": b"XML:com.adobe.xmp\0\0\0\0\0" + CANARY,
    "compressed iTXt": b"Comment\0\1\0\0\0" + zlib.compress(CANARY),
}
_LONG = {"pHYs": 9, "gAMA": 4, "cHRM": 32, "sRGB": 1, "cICP": 4, "mDCV": 24, "cLLI": 8, "sBIT": 3, "bKGD": 6, "tRNS": 6}


def chunk(kind: bytes, content: bytes) -> bytes:
    """Return a chunk."""
    return len(content).to_bytes(4) + kind + content + zlib.crc32(kind + content).to_bytes(4)


def _encoded(image: Image.Image, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG", **options)
    return out.getvalue()


def _with(png: bytes, extra: bytes, before: bytes = b"IDAT") -> bytes:
    at = png.index(before) - 4
    return png[:at] + extra + png[at:]


def _pixels(png: bytes) -> tuple[bytes, bytes, bytes]:
    """Return what comes before the pixels, the compressed pixels, and what comes after them."""
    first = png.index(b"IDAT") - 4
    at, pixels = first, b""
    while png[at + 4 : at + 8] == b"IDAT":
        length = int.from_bytes(png[at : at + 4])
        pixels += png[at + 8 : at + 8 + length]
        at += 12 + length
    return png[:first], pixels, png[at:]


def _compressed(png: bytes) -> Iterator[tuple[str, bytes]]:
    before, pixels, after = _pixels(png)
    yield "behind the compressed pixels", before + chunk(b"IDAT", pixels + CANARY) + after
    yield "a chunk behind the pixels", before + chunk(b"IDAT", pixels) + chunk(b"IDAT", CANARY) + after
    more = zlib.compress(zlib.decompress(pixels) + CANARY)
    yield "compressed behind the pixels", before + chunk(b"IDAT", more) + after
    yield (
        "other pixels later",
        before + chunk(b"IDAT", pixels) + chunk(b"tIME", bytes(7)) + chunk(b"IDAT", CANARY) + after,
    )
    yield "a wrong check sum", before + chunk(b"IDAT", pixels)[:-4] + CANARY[:4] + after
    yield "the last chunk", before + chunk(b"IDAT", pixels) + chunk(b"tEXt", CANARY) + after + CANARY


def _animations(image: Image.Image) -> Iterator[tuple[str, bytes]]:
    png = _encoded(image)
    control = bytes(4) + image.width.to_bytes(4) + image.height.to_bytes(4) + bytes(14)
    frame = chunk(b"fdAT", (1).to_bytes(4) + zlib.compress(CANARY))
    yield "a frame without an animation", _with(png, chunk(b"fcTL", control) + frame, b"IEND")
    moving = _encoded(image, save_all=True, append_images=[image.rotate(180)], duration=50)
    yield "a frame that the animation does not count", _with(moving, chunk(b"fcTL", control) + frame, b"IEND")
    last = moving.rindex(b"fdAT") - 4
    length = int.from_bytes(moving[last : last + 4])
    content = moving[last + 8 : last + 8 + length] + CANARY
    yield "behind the pixels of a frame", moving[:last] + chunk(b"fdAT", content) + moving[last + 12 + length :]
    at = moving.index(b"acTL") - 4
    yield (
        "behind the fields of the animation",
        moving[:at] + chunk(b"acTL", moving[at + 8 : at + 16] + CANARY) + moving[at + 20 :],
    )


def planted(image: Image.Image) -> Iterator[tuple[str, bytes]]:
    """Yield each place and a file with the mark in it."""
    png, palette = _encoded(image), _encoded(image.quantize(16))
    for name, content in _TEXTS.items():
        for where in (b"IDAT", b"IEND"):
            yield f"{name} before {where!r}", _with(png, chunk(name[-4:].encode(), content), where)
    for kind in (b"eXIf", b"tIME", b"caBX", b"prVt", b"dSIG", b"iDOT", b"hIST", b"gIFg", b"gIFx", b"vpAg", b"PLTE"):
        yield f"chunk {kind!r}", _with(png, chunk(kind, CANARY))
    yield "a suggested palette", _with(png, chunk(b"sPLT", CANARY + b"\0\x08" + CANARY[:30]))
    yield "a palette that nothing uses", _with(png, chunk(b"PLTE", (CANARY * 3)[:90]))
    for name, length in _LONG.items():
        yield f"behind the fields of {name}", _with(png, chunk(name.encode(), bytes(length) + CANARY))
    yield "behind the transparency", _with(palette, chunk(b"tRNS", b"\xff" * 16 + CANARY))
    start = palette.index(b"PLTE") - 4
    colours = palette[start + 8 : start + 8 + 48]
    yield "behind the palette", palette[:start] + chunk(b"PLTE", colours + CANARY) + palette[start + 60 :]
    yield "a second resolution", _with(png, chunk(b"pHYs", bytes(9)) + chunk(b"pHYs", CANARY[:9]))
    sound = next(iter(profiles().values()))
    yield "the name of the profile", _with(png, chunk(b"iCCP", CANARY + b"\0\0" + zlib.compress(sound)))
    yield "behind the profile", _with(png, chunk(b"iCCP", b"x\0\0" + zlib.compress(sound) + CANARY))
    for name, profile in profiles().items():
        yield f"a colour profile: {name}", _with(png, chunk(b"iCCP", b"x\0\0" + zlib.compress(profile)))
    yield from _compressed(png)
    yield from _animations(image)
    for name, tail in {
        "HTML": b"<html>" + CANARY,
        "an archive": b"PK\3\4" + CANARY,
        "zeros": bytes(9) + CANARY,
    }.items():
        yield f"behind the end: {name}", png + tail
