"""What an engine for faces must do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aurashot.identity._faces import Detection
    from aurashot.identity._thresholds import Thresholds

Pixels: TypeAlias = NDArray[np.uint8]
"""An image: height by width by 3, RGB, 8 bits."""

Vector: TypeAlias = NDArray[np.float32]
"""What a face looks like to an engine; equal faces point in the same direction."""

CROP: int = 112
"""The width and height of the aligned face that `FaceModel.vector` gets, in pixels."""


class FaceModel(Protocol):
    """An engine: a detector, and a network that turns a face into a vector.

    Several threads may call it at once. What it raises arrives as `FaceEngineError`.
    """

    @property
    def name(self) -> str:
        """The name of the engine and its version, as in `Comparison.engine`."""
        ...

    @property
    def thresholds(self) -> Thresholds:
        """Where its lines are."""
        ...

    def detect(self, pixels: Pixels) -> Sequence[Detection]:
        """Return the faces in an image of any size, in its pixels, the upright ones at least."""
        ...

    def vector(self, crop: Pixels) -> Vector:
        """Return the vector, of any length, of a face that was aligned to 112 by 112 pixels."""
        ...
