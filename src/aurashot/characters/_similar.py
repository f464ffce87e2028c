"""Is a face that of another character already?"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from aurashot.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aurashot.identity import FaceReference, Thresholds


class SimilarCharacter(NamedTuple):
    """A character whose face is like another one.

    Attributes:
        name: The character.
        similarity: How alike the faces are, 0 to 1, as in `Comparison`.
        cosine: What the similarity is made from, -1 to 1.
        is_same: Whether they would be called the same person; if not, it would be unsure.
    """

    name: str
    similarity: float
    cosine: float
    is_same: bool

    def __str__(self) -> str:
        """Return a sentence."""
        what = "has the same face" if self.is_same else "looks like it"
        return f"The character '{self.name}' {what} (similarity {self.similarity:.2f})"


def similar_characters(
    face: FaceReference, others: Mapping[str, FaceReference], *, thresholds: Thresholds | None = None
) -> tuple[SimilarCharacter, ...]:
    """Compare a face with those of other characters, and return who is not clearly somebody else, most similar first.

    Drawn faces are left out: those of different people cannot be told apart. So are faces of another engine, whose
    numbers mean nothing.

    Args:
        face: The face.
        others: The face of each other character, by name.
        thresholds: The lines of the engine; those of YuNet and SFace are known.

    Raises:
        InputError: The lines of another engine are missing.
        ConfigurationError: The extra `identity` is missing.
    """
    from aurashot.identity import THRESHOLDS
    from aurashot.identity._reference import cosine_of, mean_vector

    lines = thresholds or THRESHOLDS.get(face.engine)
    if lines is None:
        raise InputError(
            f"thresholds: the lines of the engine {face.engine} are not known; pass its thresholds",
            argument="thresholds",
        )
    if not face.faces or face.is_drawn:
        return ()
    mean = mean_vector(face.vectors)
    cosines = {
        name: cosine_of(mean, mean_vector(each.vectors))
        for name, each in others.items()
        if each.faces and not each.is_drawn and each.engine == face.engine
    }
    found = [
        SimilarCharacter(name, lines.similarity(cosine), cosine, cosine >= lines.same)
        for name, cosine in cosines.items()
        if cosine >= lines.different
    ]
    return tuple(sorted(found, key=lambda each: -each.cosine))
