"""The face engine, loaded once, and one that is made of colours and costs nothing."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from aurashot.identity import THRESHOLDS, Detection, FaceBox, Landmarks, Point, Thresholds, YuNetSFace
from aurashot.identity._files import FILES, model_folder
from aurashot.identity._thresholds import YUNET_SFACE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from aurashot.identity import Pixels, Vector

LINES = replace(THRESHOLDS[YUNET_SFACE], min_sharpness=0.0, min_contrast=0.0, max_exposure=1.0, source="invented")


@dataclass(frozen=True)
class ColourModel:
    """An engine to which every image is a face in its middle, and the colour of the face is its person."""

    name: str = "colours"
    thresholds: Thresholds = LINES
    score: float = 0.95

    def detect(self, pixels: Pixels) -> Sequence[Detection]:
        """Find a face unless the image is black."""
        height, width = pixels.shape[:2]
        if not pixels.any():
            return []
        left, top, side = width * 0.3, height * 0.2, width * 0.4
        places = ((0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.35, 0.8), (0.65, 0.8))
        points = [Point(left + x * side, top + y * side) for x, y in places]
        return [Detection(FaceBox(left, top, left + side, top + side), Landmarks(*points), self.score)]

    def vector(self, crop: Pixels) -> Vector:
        """Return the colour of the middle."""
        return np.asarray(crop[40:72, 40:72].reshape(-1, 3).mean(axis=0), np.float32)


@pytest.fixture(scope="session")
def model() -> YuNetSFace:
    """Return the default engine."""
    return YuNetSFace(model_folder())


@pytest.fixture
def colours() -> ColourModel:
    """Return the engine that compares colours."""
    return ColourModel()


@pytest.fixture(scope="session")
def eileen(astronaut: Path) -> Image.Image:
    """Return a photograph of Eileen Collins; her face is 91 pixels wide."""
    with Image.open(astronaut) as image:
        return image.convert("RGB")


@pytest.fixture(scope="session")
def grace(grace_hopper: Path) -> Image.Image:
    """Return a photograph of Grace Hopper; her face is 170 pixels wide."""
    with Image.open(grace_hopper) as image:
        return image.convert("RGB")


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """Return a folder with copies of the model files."""
    source, folder = model_folder(), tmp_path / "models"
    folder.mkdir()
    for file in FILES:
        shutil.copy(source / file.name, folder)
    return folder


def plain(colour: str | tuple[int, int, int], side: int = 100) -> Image.Image:
    """Return an image of one colour."""
    return Image.new("RGB", (side, side), colour)
