"""Compare each altered photograph with both originals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from aurashot.identity import compare, find_faces
from aurashot.identity._alignment import aligned
from lab.identity.alterations import ALTERATIONS
from lab.identity.photographs import photographs
from lab.page import table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL import Image

    from aurashot.identity import Comparison, FaceModel, Vector

TOLERANCE: Final = 0.06
MOST_BETWEEN: Final = 0.30
"""The cosine of the two women, however they are altered, has to stay below."""
HEAD: Final = ("altered", "known", "measured", "turned back", "verdict on the same woman", "on the other one")


@dataclass(frozen=True, slots=True)
class Row:
    """One alteration of both photographs.

    Attributes:
        name: What was done.
        known: The cosines measured elsewhere.
        plain: The cosines of the faces as the detector finds them.
        same: The comparisons with the original.
        other: The comparisons with the other woman.
    """

    name: str
    known: tuple[float, float]
    plain: tuple[float, ...]
    same: tuple[Comparison, ...]
    other: tuple[Comparison, ...]

    @property
    def disagreements(self) -> int:
        """How many cosines are further than the tolerance from those measured elsewhere."""
        pairs = zip(self.known, self.plain, strict=True)
        return sum(round(abs(known - found), 2) > TOLERANCE for known, found in pairs)

    @property
    def wrong(self) -> int:
        """How many verdicts are wrong: same for two women, or different for one."""
        return sum(each.verdict == "different" for each in self.same) + sum(
            each.verdict == "same" for each in self.other
        )

    @property
    def cells(self) -> tuple[object, ...]:
        """The row of the table."""
        return (
            self.name,
            _two(self.known),
            _two(self.plain),
            _two([each.cosine for each in self.same]),
            _verdicts(self.same),
            _verdicts(self.other),
        )


def measure(model: FaceModel) -> list[Row]:
    """Return a row for each alteration."""
    images = photographs()
    originals = [_plain_vector(image, model) for image in images]
    rows: list[Row] = []
    for alteration in ALTERATIONS:
        altered = [alteration.alter(image, find_faces(image, model=model)[0]) for image in images]
        plain = [float(vector @ _plain_vector(image, model)) for vector, image in zip(originals, altered, strict=True)]
        same = tuple(_compared(one, other, model) for one, other in zip(images, altered, strict=True))
        other = tuple(_compared(one, other, model) for one, other in zip(reversed(images), altered, strict=True))
        rows.append(Row(alteration.name, alteration.known, tuple(plain), same, other))
    return rows


def _compared(reference: Image.Image, image: Image.Image, model: FaceModel) -> Comparison:
    return compare(reference, image, model=model, paste_guard=False)


def _plain_vector(image: Image.Image, model: FaceModel) -> Vector:
    """Return the vector of the largest face, without turning the image."""
    pixels = np.asarray(image, np.uint8)
    face = max(model.detect(pixels), key=lambda each: each.box.width)
    vector = model.vector(aligned(pixels, face.landmarks))
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


def report(rows: Sequence[Row]) -> tuple[str, bool]:
    """Return the table with a summary, and whether all is well."""
    count, wrong = 2 * len(rows), sum(row.wrong for row in rows)
    off = [row.name for row in rows for _ in range(row.disagreements)]
    between = max(each.cosine or 0.0 for row in rows for each in row.other)
    unsure = [
        sum(each.verdict == "unsure" for row in rows for each in getattr(row, kind)) for kind in ("same", "other")
    ]
    beyond = f" (all but: {', '.join(off)})" if off else ""
    summary = (
        f"Cosines within {TOLERANCE} of the known ones: {count - len(off)} of {count}{beyond}. Wrong verdicts: {wrong} "
        f"of {2 * count}; unsure: {unsure[0]} of {count} on the same woman, {unsure[1]} of {count} on the other one. "
        f"The largest cosine of the two women: {between:.2f}."
    )
    is_good = wrong == 0 and between < MOST_BETWEEN and len(off) <= 0.1 * count
    return f"{table(HEAD, [row.cells for row in rows])}\n\n{summary}", is_good


def _two(cosines: Sequence[float | None]) -> str:
    return " / ".join("-" if each is None else f"{each:.2f}" for each in cosines)


def _verdicts(comparisons: Sequence[Comparison]) -> str:
    return " / ".join(_verdict(each) for each in comparisons)


def _verdict(comparison: Comparison) -> str:
    codes = [each.code for each in comparison.reasons if each.forbids and comparison.verdict == "unsure"]
    return ": ".join([comparison.verdict, ", ".join(codes)] if codes else [comparison.verdict])
