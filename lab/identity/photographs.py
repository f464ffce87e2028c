"""The public-domain photographs."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PIL import Image

_FOLDER: Final = Path(__file__).parents[2] / "tests" / "fixtures" / "photos"
NAMES: Final = ("astronaut", "grace_hopper")
PATHS: Final = tuple(_FOLDER / f"{name}.jpg" for name in NAMES)


def photographs() -> list[Image.Image]:
    """Return a portrait of Eileen Collins and one of Grace Hopper."""
    return [Image.open(path).convert("RGB") for path in PATHS]
