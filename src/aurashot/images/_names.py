"""File names that are safe on every system, from any text."""

from __future__ import annotations

import re
import unicodedata

_LONGEST = 100
_LONGEST_IN_BYTES = 200  # file systems allow 255, and a number, an extension or a mark of being partial may follow
DEVICE = re.compile(r"(con|conin\$|conout\$|prn|aux|nul|(com|lpt)[0-9¹²³])(\..*)?", re.IGNORECASE)
"""A name that Windows keeps for a device, with any extension."""


def safe_stem(text: str) -> str:
    """Return the text as a file name without its extension: letters and digits of any script, `-`, `_` and `.`.

    Never empty, at most 100 characters and 200 bytes; no dot at the start, and no name of a Windows device.
    """
    kept = "".join(character if _is_kept(character) else "-" for character in unicodedata.normalize("NFC", text))
    stem = re.sub(r"-{2,}", "-", kept).lstrip(".-")
    if DEVICE.fullmatch(stem):
        stem = f"image-{stem}"
    short = stem[:_LONGEST].encode()[:_LONGEST_IN_BYTES].decode(errors="ignore")
    return short.rstrip(".-") or "image"


def _is_kept(character: str) -> bool:
    return character in "-_." or unicodedata.category(character)[0] in "LMN"
