"""A colour profile as programs embed it, and what is left of it when it is sent."""

from __future__ import annotations

from typing import Any, Final

from PIL import ImageCms

from aurashot.images._profiles import without_texts

_cms: Any = ImageCms
EMBEDDED: Final[bytes] = _cms.ImageCmsProfile(_cms.createProfile("sRGB")).tobytes()
"""sRGB, as littleCMS writes it: with texts and a date."""


def _sent() -> bytes:
    profile = without_texts(EMBEDDED)
    assert profile
    return profile


PROFILE: Final = _sent()
"""What is left of it."""
