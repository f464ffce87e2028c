"""Is a photo good enough to become an anchor?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from aurashot.identity._alignment import grey_of
from aurashot.identity._findings import Finding
from aurashot.identity._pixels import load
from aurashot.identity._search import main_faces, search, usual_model

if TYPE_CHECKING:
    from collections.abc import Callable

    from aurashot.identity._faces import Face
    from aurashot.identity._model import FaceModel, Pixels
    from aurashot.identity._search import FoundFace
    from aurashot.images import ImageInput

_WIDTH: Final = 80
_SHARPNESS: Final = 0.02
_EXPOSURE: Final = 0.05
_CONTRAST: Final = 20
_ROLL: Final = 15
_YAW: Final = 0.35
_EYES: Final = 0.40
_SCORE: Final = 0.92
_MOUTH: Final = 0.20
_OUTSIDE: Final = 0.10
_CLEARLY_DRAWN: Final = 0.90


@dataclass(frozen=True, slots=True)
class Preflight:
    """Whether a photo is good enough to become an anchor.

    Attributes:
        findings: What is wrong with it, each with its fix.
        face: The face; None if there is none.
    """

    findings: tuple[Finding, ...]
    face: Face | None

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


def preflight(photo: ImageInput, *, model: FaceModel | None = None) -> Preflight:
    """Check that a photo shows one face, large, sharp, well lit, upright, from the front and uncovered.

    Args:
        photo: A file, bytes, a Pillow image, …; not a URL.
        model: The engine; YuNet and SFace by default.

    Raises:
        InvalidImageError: The photo cannot be read.
        ConfigurationError: The extra `identity` or a model file is missing.
        FaceEngineError: The engine failed.
    """
    loaded = load(photo)
    found = main_faces(search(loaded, model or usual_model()))
    if not found:
        fix = "use a photo in which the whole face can be seen, from the front and upright"
        return Preflight((Finding("no_face", "No face was found", fix),), None)
    crowd = [_several(len(found))] if len(found) > 1 else []
    height, width = loaded.pixels.shape[:2]
    cut = [_CUT] if _is_cut(found[0].face, width, height) else []
    checked = [
        Finding(code, sentence(found[0].face), fix)
        for code, applies, sentence, fix in _CHECKS
        if applies(found[0].face)
    ]
    covered = [] if checked or cut else _covered(found[0])
    return Preflight((*crowd, *cut, *checked, *covered), found[0].face)


def _several(count: int) -> Finding:
    return Finding("several_faces", f"There are {count} faces", "crop the photo to the person that is meant")


_CUT: Final = Finding("cut", "The face is cut off by the edge of the photo", "use a photo that shows the whole head")

_CHECKS: Final[tuple[tuple[str, Callable[[Face], bool], Callable[[Face], str], str], ...]] = (
    (
        "drawn",
        lambda face: face.is_drawn or face.score < _CLEARLY_DRAWN,
        lambda face: f"The face may be drawn, or is hard to recognise as a face (score {face.score:.2f})",
        "use a photograph: images made from a drawing cannot be compared with it",
    ),
    (
        "too_small",
        lambda face: face.size < _WIDTH,
        lambda face: f"The face is {face.size:.0f} pixels wide",
        f"use a photo in which it is at least {_WIDTH}, taken from closer",
    ),
    (
        "blurred",
        lambda face: face.sharpness < _SHARPNESS,
        lambda face: f"The face is blurred (sharpness {face.sharpness:.3f})",
        "hold the camera still, clean its lens, and focus on the eyes",
    ),
    (
        "over_exposed",
        lambda face: face.exposure > _EXPOSURE,
        lambda face: f"The face is over-exposed: {face.exposure:.0%} of it is white",
        "use softer light, without flash or sun on the face",
    ),
    (
        "low_contrast",
        lambda face: face.contrast < _CONTRAST,
        lambda face: f"The face is too dark or too pale (its brightness varies by {face.contrast:.0f} of 255)",
        "face a window or a lamp",
    ),
    (
        "tilted",
        lambda face: abs(face.roll) > _ROLL,
        lambda face: f"The head is tilted by {abs(face.roll):.0f} degrees",
        "rotate the photo, or hold the head upright",
    ),
    (
        "turned",
        lambda face: abs(face.yaw) > _YAW,
        lambda _: "The head is turned to a side",
        "look straight into the camera",
    ),
    (
        "covered",
        lambda face: face.eye_brightness < _EYES,
        lambda _: "The eyes are much darker than the cheeks, as with sunglasses",
        "take off dark glasses, and move hair out of the face",
    ),
)


def _is_cut(face: Face, width: int, height: int) -> bool:
    box = face.box
    outside = max(-box.left, box.right - width, 0) / box.width, max(-box.top, box.bottom - height, 0) / box.height
    return max(outside) > _OUTSIDE


def _covered(found: FoundFace) -> list[Finding]:
    """Return what may be over a face: detectors are less sure of it, or the mouth has no detail."""
    if found.face.score >= _SCORE and _detail_of_mouth(found.crop) >= _MOUTH:
        return []
    sentence = f"Something may be over the face, or it is unclear (score {found.face.score:.2f})"
    return [Finding("covered", sentence, "remove masks, hands and dark glasses, and move hair out of the face")]


def _detail_of_mouth(crop: Pixels) -> float:
    """Return the change of brightness around the mouth over that around the eyes."""
    grey = grey_of(crop)
    change = np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))
    return float(change[84:102, 38:74].mean()) / max(float(change[44:60, 28:84].mean()), 1.0)
