"""Is it the same face? Compare an image with a reference, and say same, different or unsure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from aurashot.identity._findings import Reason, Verdict, reason
from aurashot.identity._gates import drawn, reasons_about
from aurashot.identity._paste import copied_detail
from aurashot.identity._pixels import load
from aurashot.identity._reference import (
    FaceReference,
    cosine_of,
    crowd_reasons,
    detail_of,
    is_sheet,
    mean_vector,
    person_in,
    reference_of,
)
from aurashot.identity._search import search, usual_model, vector_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from aurashot.identity._calibration import Calibration
    from aurashot.identity._faces import Face
    from aurashot.identity._model import FaceModel, Vector
    from aurashot.identity._reference import ReferenceInput
    from aurashot.identity._search import FoundFace
    from aurashot.identity._thresholds import Thresholds
    from aurashot.images import ImageInput


_NUMBERED: Final = "reference "
"""How one of several references is called, before its number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Whether an image shows the person of a reference.

    Attributes:
        verdict: `same`, `different` or `unsure`.
        similarity: How alike the faces are, 0 to 1: from 0.80 on they are called the same, below 0.20 different. It is
            no probability. None if there was nothing to compare.
        cosine: What the similarity is made from, -1 to 1.
        engine: The engine, and its version.
        reasons: What the verdict rests on beside the similarity.
        faces: The faces in the image that it is about, the compared one first.
        reference_faces: The faces of the reference.
    """

    verdict: Verdict
    similarity: float | None
    cosine: float | None
    engine: str
    reasons: tuple[Reason, ...] = ()
    faces: tuple[Face, ...] = ()
    reference_faces: tuple[Face, ...] = ()

    def __str__(self) -> str:
        """Return the verdict, the similarity and the reasons on one line."""
        score = "nothing compared" if self.similarity is None else f"similarity {self.similarity:.2f}"
        return "; ".join([f"{self.verdict} ({score})", *map(str, self.reasons)])


def compare(
    reference: ReferenceInput,
    image: ImageInput,
    *,
    strict: bool = False,
    calibration: Calibration | None = None,
    paste_guard: bool = True,
    model: FaceModel | None = None,
) -> Comparison:
    """Compare the face in an image with that of a reference. Nothing is sent, and nothing is stored.

    Args:
        reference: The person: an image, several of them, an `IdSheet`, or a `FaceReference` that was prepared for many
            comparisons. An image of an ID sheet is recognised.
        image: A file, bytes, a Pillow image, …; not a URL.
        strict: Whether "same" needs a cosine of 0.60 rather than 0.50.
        calibration: The person's own line instead.
        paste_guard: Whether to look for pixels that were copied from the reference. Leave it out for edits, which
            should keep them.
        model: The engine; YuNet and SFace by default.

    Raises:
        InvalidImageError: An image cannot be read.
        InputError: The reference or the calibration was made with another engine.
        ConfigurationError: The extra `identity` or a model file is missing.
        FaceEngineError: The engine failed.
    """
    engine = model or usual_model()
    known = reference_of(reference, engine)
    found = person_in(search(load(image), engine))
    lines = lines_of(engine, strict=strict, calibration=calibration)
    return judge(known, found, engine, lines, paste_guard=paste_guard)


def lines_of(model: FaceModel, *, strict: bool, calibration: Calibration | None) -> Thresholds:
    """Return the lines that a comparison uses.

    Raises:
        InputError: The calibration was made with another engine.
    """
    thresholds = model.thresholds
    if calibration is not None:
        calibration.check_engine(model.name)
        thresholds = replace(thresholds, same=calibration.same, different=calibration.different)
    return replace(thresholds, same=max(thresholds.same, thresholds.strict)) if strict else thresholds


def judge(
    reference: FaceReference,
    found: Sequence[FoundFace],
    model: FaceModel,
    lines: Thresholds,
    *,
    paste_guard: bool,
) -> Comparison:
    """Compare faces that were found with a reference."""
    reasons = [*crowd_reasons(found, "image"), *reference.reasons]
    if not found or not reference.faces:
        faces = tuple(each.face for each in found)
        return Comparison(
            verdict="unsure",
            similarity=None,
            cosine=None,
            engine=model.name,
            reasons=tuple(reasons),
            faces=faces,
            reference_faces=reference.faces,
        )
    cosine, first, vector = _closest(reference, found, model)
    ordered = [first, *(each for each in found if each is not first)]
    reasons += reasons_about(first.face, model.thresholds, "image")
    reasons += _drawn_reasons(first.face, reference)
    if paste_guard and cosine >= lines.different:
        line = lines.copied_drawn if first.face.is_drawn and reference.is_drawn else lines.copied
        copied = copied_detail(detail_of(first), reference.closest_details(vector), line)
        reasons += _copy_reasons(copied, line, cosine, lines.close)
    return Comparison(
        verdict=verdict_of(cosine, _decisive(reasons, reference), lines),
        similarity=model.thresholds.similarity(cosine),
        cosine=cosine,
        engine=model.name,
        reasons=tuple(reasons),
        faces=tuple(each.face for each in ordered),
        reference_faces=reference.faces,
    )


def _closest(reference: FaceReference, found: Sequence[FoundFace], model: FaceModel) -> tuple[float, FoundFace, Vector]:
    """Return the cosine of the most similar face, or of the person on a sheet; the face, and its vector."""
    vectors = [vector_of(each, model) for each in found]
    cosines = [cosine_of(vector, reference.vector_for(each.face)) for vector, each in zip(vectors, found, strict=True)]
    best = max(range(len(found)), key=cosines.__getitem__)
    if len(found) > 1 and is_sheet(found):
        return cosine_of(mean_vector(vectors), mean_vector(reference.vectors)), found[best], vectors[best]
    return cosines[best], found[best], vectors[best]


def verdict_of(cosine: float, reasons: Iterable[Reason], lines: Thresholds) -> Verdict:
    """Return the verdict by the lines, unless a reason rules it out."""
    ruled_out = frozenset[Verdict]().union(*(each.forbids for each in reasons))
    if cosine >= lines.same and "same" not in ruled_out:
        return "same"
    if cosine < lines.different and "different" not in ruled_out:
        return "different"
    return "unsure"


def _decisive(reasons: Sequence[Reason], reference: FaceReference) -> list[Reason]:
    """Return the reasons that count: what one reference of several has does not, unless all of them have it."""
    numbered = [each for each in reasons if each.about.startswith(_NUMBERED) and each.code != "no_face"]
    counts = Counter(each.code for each in numbered)
    shared = [each for each in numbered if counts[each.code] >= len(reference.faces)]
    return [*(each for each in reasons if not each.about.startswith(_NUMBERED)), *shared]


def _drawn_reasons(face: Face, reference: FaceReference) -> list[Reason]:
    both = face.is_drawn and reference.is_drawn
    marked = (("image", face.is_drawn), ("reference", reference.is_drawn))
    return [drawn(about, both=both) for about, is_drawn in marked if is_drawn]


def _copy_reasons(copied: float, line: float, cosine: float, close: float) -> list[Reason]:
    if copied >= line:
        return [
            reason("pasted", f"The pixels were copied from the reference: {copied:.0%} of the detail agrees", "image")
        ]
    if cosine >= close:
        return [reason("very_close", f"The face is suspiciously close to the reference (cosine {cosine:.2f})", "image")]
    return []
