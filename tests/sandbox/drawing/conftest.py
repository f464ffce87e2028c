"""Fixtures of the image tests: two real photographs, and images that are generated from them once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PIL import Image

from aurashot.sandbox.drawing import draw_portrait, generate, id_photo

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def hopper(grace_hopper: Path) -> Image.Image:
    """Return Grace Hopper in a hat and glasses, 512 by 600 pixels."""
    with Image.open(grace_hopper) as file:
        return file.convert("RGB")


@pytest.fixture(scope="session")
def collins(astronaut: Path) -> Image.Image:
    """Return Eileen Collins in an orange suit, 512 by 512 pixels."""
    with Image.open(astronaut) as file:
        return file.convert("RGB")


@pytest.fixture(scope="session")
def portrait() -> Image.Image:
    """Return a drawn portrait."""
    return draw_portrait("ada")


@pytest.fixture(scope="session")
def anchor(collins: Image.Image) -> Image.Image:
    """Return the ID sheet of Eileen Collins."""
    return id_photo(collins, prompt=None)


@pytest.fixture(scope="session")
def cafe(anchor: Image.Image) -> Image.Image:
    """Return Eileen Collins in a cafe."""
    return generate(anchor, prompt="sitting in a cozy cafe, warm afternoon light", clothes=None, scene=None)
