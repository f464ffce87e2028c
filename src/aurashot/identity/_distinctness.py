"""Who of a cast looks like whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aurashot.errors import InputError
from aurashot.identity._heat_map import heat_map
from aurashot.identity._reference import cosine_of, mean_vector, reference_of
from aurashot.identity._search import usual_model

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aurashot.identity._model import FaceModel
    from aurashot.identity._reference import FaceReference, ReferenceInput

_NOTHING: Final = "-"


@dataclass(frozen=True, slots=True)
class AlikePair:
    """Two of a cast who look alike.

    Attributes:
        names: Both.
        cosine: How alike they are, -1 to 1.
        confusable: Whether an image of one would be called the same person as the other; if not, it would be unsure.
    """

    names: tuple[str, str]
    cosine: float
    confusable: bool

    def __str__(self) -> str:
        """Return a sentence."""
        how = "would be taken for each other" if self.confusable else "look alike"
        return f"{self.names[0]} and {self.names[1]} {how} (cosine {self.cosine:.2f})"


@dataclass(frozen=True, slots=True)
class Distinctness:
    """Who of a cast looks like whom.

    Attributes:
        names: The cast.
        cosines: A row for each, with the cosine to each; None where a face is missing.
        too_alike: The pairs that are not clearly different, the most alike first.
        notes: Who has no face, several, or a drawn one that cannot be compared.
        engine: The engine, and its version.
    """

    names: tuple[str, ...]
    cosines: tuple[tuple[float | None, ...], ...]
    too_alike: tuple[AlikePair, ...]
    notes: tuple[str, ...]
    engine: str

    def table(self) -> str:
        """Return a table of all cosines as plain text."""
        cells = [["", *self.names]]
        for name, row in zip(self.names, self.cosines, strict=True):
            cells.append([name, *(_NOTHING if cosine is None else f"{cosine:.2f}" for cosine in row)])
        widths = [max(len(row[column]) for row in cells) for column in range(len(cells))]
        lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in cells]
        return "\n".join(line.rstrip() for line in lines)

    def to_svg(self) -> str:
        """Return a heat map as SVG."""
        return heat_map(self.names, self.cosines)


def distinctness(
    cast: Mapping[str, ReferenceInput] | Sequence[ReferenceInput], *, model: FaceModel | None = None
) -> Distinctness:
    """Compare everybody of a cast with everybody else.

    Args:
        cast: The reference of each, by name or in order; names are then 1, 2, 3, …
        model: The engine; YuNet and SFace by default.

    Raises:
        InputError: The cast is empty.
        InvalidImageError: An image cannot be read.
        ConfigurationError: The extra `identity` or a model file is missing.
        FaceEngineError: The engine failed.
    """
    engine = model or usual_model()
    named = dict(cast) if isinstance(cast, Mapping) else {str(number): each for number, each in enumerate(cast, 1)}
    if not named:
        raise InputError("The cast is empty; pass an image of each", argument="cast")
    references = {name: reference_of(each, engine) for name, each in named.items()}
    rows = tuple(tuple(_cosine(one, other) for other in references.values()) for one in references.values())
    return Distinctness(
        names=tuple(references),
        cosines=rows,
        too_alike=_alike(tuple(references), rows, engine),
        notes=_notes(references),
        engine=engine.name,
    )


def _cosine(one: FaceReference, other: FaceReference) -> float | None:
    if not one.faces or not other.faces:
        return None
    return cosine_of(mean_vector(one.vectors), mean_vector(other.vectors))


def _alike(names: Sequence[str], rows: Sequence[Sequence[float | None]], model: FaceModel) -> tuple[AlikePair, ...]:
    lines = model.thresholds
    pairs = [
        AlikePair((names[at], names[place]), cosine, cosine >= lines.same)
        for place, row in enumerate(rows)
        for at, cosine in enumerate(row[:place])
        if cosine is not None and cosine >= lines.different
    ]
    return tuple(sorted(pairs, key=lambda pair: -pair.cosine))


def _notes(references: Mapping[str, FaceReference]) -> tuple[str, ...]:
    drawn = [
        f"{name}: the face is drawn, and drawn faces cannot be told apart"
        for name, each in references.items()
        if each.is_drawn
    ]
    return (*drawn, *(f"{name}: {reason.sentence}" for name, each in references.items() for reason in each.reasons))
