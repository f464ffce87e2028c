"""Where the lines between same, unsure and different are, for each engine, and what they were measured on."""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """The lines and gates of an engine.

    Attributes:
        same: The lowest cosine that is called the same person.
        different: Below this cosine, it is called another person.
        strict: The lowest cosine that is called the same person with `strict=True`.
        centre: The cosine at which `similarity` is 0.5.
        slope: How steeply `similarity` rises there.
        min_width: The width of a face in pixels below which it is too small.
        min_sharpness: The sharpness below which a face is blurred.
        max_exposure: The largest share of white pixels.
        min_contrast: The smallest standard deviation of brightness, of 255.
        min_score: The detector's score below which a face may not be a photographed face.
        max_yaw: How far the nose may be from the middle of the eyes, in eye distances.
        min_eye_brightness: The least brightness of the eyes over that of the cheeks.
        max_roll: The angle of the eyes, in degrees, above which a face counts as tilted.
        copied: The correlation of fine detail from which on two faces have the same pixels.
        copied_drawn: The same for two drawn faces, which have flat colours and thin lines in common.
        close: The cosine from which on two images are suspiciously close.
        source: What the numbers were measured on.
    """

    same: float
    different: float
    strict: float
    centre: float
    slope: float
    min_width: float = 32.0
    min_sharpness: float = 0.010
    max_exposure: float = 0.05
    min_contrast: float = 7.0
    min_score: float = 0.90
    max_yaw: float = 0.60
    min_eye_brightness: float = 0.30
    max_roll: float = 30.0
    copied: float = 0.80
    copied_drawn: float = 0.93
    close: float = 0.90
    source: str = ""

    def similarity(self, cosine: float) -> float:
        """Return the similarity, 0 to 1, of two faces with this cosine."""
        return 1 / (1 + math.exp(-self.slope * (cosine - self.centre)))


YUNET_SFACE: Final = "YuNet 2023mar + SFace 2021dec, int8"
"""The name of the default engine."""

THRESHOLDS: Final[Mapping[str, Thresholds]] = MappingProxyType(
    {
        YUNET_SFACE: Thresholds(
            same=0.50,
            different=0.30,
            strict=0.60,
            centre=0.40,
            slope=14.0,
            source=(
                "9,466 labelled faces: 730 AI-generated images of 157 people, 4,268 people of LFW (8,095 same pairs, "
                "29.5 million different pairs), 741 press photographs of 35 people; provisional, since the lines were "
                "chosen with these sets in sight, and no image of the hosted service was seen"
            ),
        ),
    }
)
"""The lines and gates of the engines that come with the SDK, by the engine's name."""
