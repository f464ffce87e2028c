"""Cut what was put behind the pixels of a JPEG file, by decoding it with and without."""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING, Final

from aurashot.errors import InvalidImageError
from aurashot.images._opening import check_pixels, decoded, opened

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aurashot.images._scans import Suspect
    from aurashot.images._window import Check

_LEAST: Final = 4
"""Bytes that may be left over behind pixels: padding, and what encoders write more than they need."""


def without_tails(content: bytes, suspects: Sequence[Suspect], label: str, max_pixels: int, check: Check) -> bytes:
    """Return a JPEG file without what is behind its pixels in suspicious places; its pixels stay the same.

    Raises:
        InvalidImageError: It is too large or broken.
    """

    def looks_like(content: bytes) -> bytes:
        check()
        return decoded(label, lambda: _digest_of_pixels(content, label, max_pixels), check)

    whole, limit = looks_like(content), len(content)
    for start, _, end in sorted(suspects, key=lambda suspect: suspect.end, reverse=True):
        if end > limit:  # it was cut with another one
            continue

        def is_spare(at: int, content: bytes = content, end: int = end) -> bool:
            try:
                return looks_like(content[:at] + content[end:]) == whole
            except InvalidImageError:
                return False

        first = _first(is_spare, start, end)
        if end - first >= _LEAST:
            content, limit = content[:first] + content[end:], first
    return content


def _first(is_spare: Callable[[int], bool], start: int, end: int) -> int:
    """Return the first place from which all is spare; where nothing is, the first question says so."""
    known, step = end, 1
    while known - step > start and is_spare(known - step):
        known -= step
        step *= 2
    needed = max(start, known - step)
    while known - needed > 1:
        middle = (known + needed) // 2
        known, needed = (middle, needed) if is_spare(middle) else (known, middle)
    return known


def _digest_of_pixels(content: bytes, label: str, max_pixels: int) -> bytes:
    image = opened(io.BytesIO(content), "image/jpeg", label)
    check_pixels(image.size, label, max_pixels)
    image.load()
    return hashlib.sha256(image.tobytes()).digest()
