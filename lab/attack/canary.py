"""The mark that is planted in files, and a colour profile with it in every place."""

from __future__ import annotations

import re
import zlib
from typing import Any, Final

from PIL import ImageCms

CANARY: Final = b"CANARY 59.3293 18.0686 of whom"
"""What must not be sent."""

_WIDE: Final = CANARY.decode().encode("utf-16-be")
_ZLIB: Final = re.compile(rb"\x78[\x01\x5e\x9c\xda]")


def is_in(content: bytes) -> bool:
    """Whether a file has the mark in it: as it is, in UTF-16, or compressed anywhere."""
    if any(form in content for form in (CANARY, _WIDE)):
        return True
    pixels = b"".join(re.findall(rb"IDAT(.*?)(?:....|\Z)(?=....IDAT|....IEND)", content, re.DOTALL))
    starts = [content[found.start() :] for found in _ZLIB.finditer(content)]
    return any(form in inflated(data) for data in (*starts, pixels) for form in (CANARY, _WIDE))


def inflated(data: bytes) -> bytes:
    """Return what compressed data say, as far as they can be read."""
    try:
        return zlib.decompressobj().decompress(data, 4 * 1024 * 1024)
    except zlib.error:
        return b""


def profiles() -> dict[str, bytes]:
    """Return colour profiles by where the mark is in them."""
    cms: Any = ImageCms
    plain: bytes = cms.ImageCmsProfile(cms.createProfile("sRGB")).tobytes()
    (number,) = (int.from_bytes(plain[128:132]),)
    tags = [plain[132 + 12 * at : 144 + 12 * at] for at in range(number)]
    content = {tag[:4]: plain[int.from_bytes(tag[4:8]) :][: int.from_bytes(tag[8:12])] for tag in tags}
    text = b"desc" + bytes(4) + (len(CANARY) + 1).to_bytes(4) + CANARY + bytes(79)
    wide = b"mluc" + (0).to_bytes(4) + (1).to_bytes(4) + (12).to_bytes(4) + b"enUS"
    wide += len(_WIDE).to_bytes(4) + (28).to_bytes(4) + _WIDE
    return {
        "its description": _profile(plain, content | {b"desc": text}),
        "its licence": _profile(plain, content | {b"cprt": wide}),
        "a tag of a program": _profile(plain, content | {b"mmod": b"text" + bytes(4) + CANARY}),
        "a known tag, behind its end": _profile(plain, content | {b"wtpt": content[b"wtpt"] + CANARY}),
        "a curve, behind its end": _profile(plain, content | {b"gTRC": content[b"gTRC"] + CANARY}),
        "behind its end": _profile(plain, content) + CANARY,
        "its header": plain[:48] + CANARY[:16] + plain[64:84] + CANARY + plain[84 + len(CANARY) :],
        "no profile at all": CANARY * 20,
    }


def _profile(plain: bytes, tags: dict[bytes, bytes]) -> bytes:
    offset = 132 + 12 * len(tags)
    table, data = len(tags).to_bytes(4), b""
    for name, content in tags.items():
        table += name + (offset + len(data)).to_bytes(4) + len(content).to_bytes(4)
        data += content + bytes(-len(content) % 4)
    return (128 + len(table) + len(data)).to_bytes(4) + plain[4:128] + table + data
