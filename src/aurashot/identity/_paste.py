"""Whether two faces have the same pixels: copied, rather than generated again.

Both faces are laid over each other, and the detail of one to three pixels is correlated. A generated image of the same
person has the same features, and not the same pores and hairs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np

from aurashot.identity._alignment import grey_of
from aurashot.identity._reference import DETAIL

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from aurashot.identity._alignment import Grey
    from aurashot.identity._model import Pixels

_STEPS: Final = 40
_PRECISION: Final = 1e-4
_BLUR: Final = 5
_FINE, _COARSE = 1.0, 3.0
_LEAST_DETAIL: Final = 1e-3


def _oval() -> NDArray[np.bool_]:
    y, x = np.mgrid[0:DETAIL, 0:DETAIL].astype(np.float32)
    middle, across, down = DETAIL / 2, 0.36 * DETAIL, 0.44 * DETAIL
    return np.asarray(((x - middle) / across) ** 2 + ((y - middle) / down) ** 2 <= 1, np.bool_)


_INSIDE: Final = _oval()


def copied_detail(crop: Pixels, references: Iterable[Pixels], enough: float = 1.0) -> float:
    """Return how much of the fine detail of a face is that of a reference or of its mirror image, -1 to 1.

    Args:
        crop: The face, aligned to 160 by 160 pixels.
        references: The faces of the reference, the same size.
        enough: The value from which on no further one is tried.
    """
    grey = grey_of(crop)
    best = 0.0
    for reference in references:
        other = grey_of(reference)
        for shown in (other, np.ascontiguousarray(other[:, ::-1])):
            best = max(best, _correlation(grey, shown))
            if best >= enough:
                return best
    return best


def _correlation(one: Grey, other: Grey) -> float:
    registered = _registered(one, other)
    first, second = (_detail(each)[_INSIDE] for each in (one, registered))
    if min(float(first.std()), float(second.std())) < _LEAST_DETAIL:
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])


def _registered(one: Grey, other: Grey) -> Grey:
    """Return the other face, laid over the first by an affine transform; as it is where there is none."""
    matrix: Any = np.eye(2, 3, dtype=np.float32)
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, _STEPS, _PRECISION)
    mask = _INSIDE.astype(np.uint8)
    try:
        _, matrix = cv2.findTransformECC(one, other, matrix, cv2.MOTION_AFFINE, criteria, mask, _BLUR)
    except cv2.error:  # the faces have nothing in common
        return other
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(other, matrix, (DETAIL, DETAIL), flags=flags), np.float32)


def _detail(grey: Grey) -> Grey:
    fine, coarse = (cv2.GaussianBlur(grey, (0, 0), sigma) for sigma in (_FINE, _COARSE))
    return np.asarray(fine, np.float32) - np.asarray(coarse, np.float32)
