"""A person's own line, from images that show this person."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from aurashot.errors import InputError
from aurashot.identity._pixels import load
from aurashot.identity._reference import cosine_of, mean_vector, person_in, strangers_among
from aurashot.identity._search import search, usual_model, vector_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aurashot.identity._model import FaceModel, Vector
    from aurashot.images import ImageInput

Confidence: TypeAlias = Literal["low", "medium", "high"]
"""How sure a calibration is: from fewer than 5 images, fewer than 10, or more."""

_LEAST: Final = 3
_BOUNDS: Final = (0.40, 0.60)
"""Below the first, strangers are called the same far more often in some groups of people; above the second, the same
person is refused too often."""
_BAND: Final = 0.20
# Student's t, 95 %, one-sided, for 2, 3, … degrees of freedom; 1.7 and less from 30 on.
_T: Final = (2.92, 2.35, 2.13, 2.02, 1.94, 1.89, 1.86, 1.83, 1.81, 1.80, 1.78, 1.77, 1.76, 1.75, 1.75, 1.74, 1.73)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """A person's own lines, for `compare(…, calibration=)`.

    Attributes:
        same: The lowest cosine that is called the same person.
        different: Below this cosine, it is called another person.
        expected: The cosine below which one in twenty images of this person is expected, before it was limited to 0.40
            to 0.60.
        cosines: The cosine of each image to the average of the others; None for one without a usable face.
        strangers: The positions of images that seem to show somebody else; they are left out.
        confidence: How sure it is.
        engine: The engine that it is for.
    """

    same: float
    different: float
    expected: float
    cosines: tuple[float | None, ...]
    strangers: tuple[int, ...]
    confidence: Confidence
    engine: str

    @classmethod
    def from_images(cls, images: Sequence[ImageInput], *, model: FaceModel | None = None) -> Calibration:
        """Derive the lines of a person from images that show this person alone, each left out once.

        Args:
            images: Three or more; ten that differ in pose and light make it sure.
            model: The engine; YuNet and SFace by default.

        Raises:
            InputError: Fewer than three of them show a face of one person.
            InvalidImageError: An image cannot be read.
            ConfigurationError: The extra `identity` or a model file is missing.
            FaceEngineError: The engine failed.
        """
        engine = model or usual_model()
        found = {place: person_in(search(load(image), engine)) for place, image in enumerate(images)}
        vectors = {place: vector_of(faces[0], engine) for place, faces in found.items() if len(faces) == 1}
        return _calibrated(vectors, len(images), engine)

    def check_engine(self, name: str) -> None:
        """Check that the lines are those of an engine, by its name.

        Raises:
            InputError: They were made with another one.
        """
        if self.engine != name:
            raise InputError(
                f"calibration: it was made with the engine {self.engine}, and means nothing to {name}; make it again "
                "with the same model=",
                argument="calibration",
            )


def _calibrated(vectors: dict[int, Vector], count: int, model: FaceModel) -> Calibration:
    places = list(vectors)
    odd = strangers_among([vectors[place] for place in places], model.thresholds)
    strangers = tuple(places[at] for at in odd)
    kept = {place: vector for place, vector in vectors.items() if place not in strangers}
    if len(kept) < _LEAST:
        raise InputError(
            f"images: {len(kept)} of {count} show one face of one person, and {_LEAST} are needed; pass more",
            argument="images",
        )
    cosines = {place: _left_out(place, kept) for place in kept}
    expected = _lower_bound(list(cosines.values()))
    same = min(max(expected, _BOUNDS[0]), _BOUNDS[1])
    return Calibration(
        same=same,
        different=min(same - _BAND, model.thresholds.different),
        expected=expected,
        cosines=tuple(cosines.get(place) for place in range(count)),
        strangers=strangers,
        confidence="low" if len(kept) < 5 else "medium" if len(kept) < 10 else "high",
        engine=model.name,
    )


def _left_out(place: int, vectors: dict[int, Vector]) -> float:
    return cosine_of(vectors[place], mean_vector([vector for at, vector in vectors.items() if at != place]))


def _lower_bound(cosines: list[float]) -> float:
    """Return the value below which one in twenty further ones is expected (a prediction interval)."""
    count = len(cosines)
    quantile = _T[min(count - 3, len(_T) - 1)]
    return fmean(cosines) - quantile * stdev(cosines) * math.sqrt(1 + 1 / count)
