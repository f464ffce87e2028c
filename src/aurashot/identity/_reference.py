"""The face that images are compared with: from one image, several, or an ID sheet.

The vectors of several images are averaged. With one stranger among four references, the best match of the four would
accept the stranger in 97 % of all cases, and the average does in 2 %.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NoReturn, Protocol, TypeAlias, TypeGuard, cast

import numpy as np

from aurashot.errors import InputError
from aurashot.identity._alignment import aligned
from aurashot.identity._findings import Reason, reason
from aurashot.identity._gates import reasons_about
from aurashot.identity._grid import grid_of
from aurashot.identity._pixels import load
from aurashot.identity._search import FoundFace, main_faces, search, usual_model, vector_of
from aurashot.images import ImageInput

if TYPE_CHECKING:
    from aurashot.identity._faces import Face
    from aurashot.identity._model import FaceModel, Pixels, Vector
    from aurashot.identity._pixels import LoadedImage
    from aurashot.identity._thresholds import Thresholds

DETAIL: Final = 160
"""The width and height in pixels of the crops in which fine detail is compared."""
_TURNED: Final = 0.20
"""From this yaw on, a face counts as turned, and is compared with a tile that is turned to the same side, too."""
_NOT_SEVERAL: Final = (str, bytes, bytearray, memoryview)


class HasFaceReference(Protocol):
    """What can be compared with as a whole: an `IdSheet`."""

    @property
    def reference(self) -> FaceReference:
        """The face on it."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class FaceReference:
    """A face to compare images with, prepared once: `FaceReference.from_images(anchor)`.

    It holds vectors of the face, which are biometric data, in memory only: they are in no repr, and it refuses to be
    pickled. Keep the images and make it again.

    Attributes:
        faces: The faces that it was made from.
        engine: The engine that it was made with, and can be used with.
        reasons: What is wrong with the images: no face, several, blurred, a stranger among them, …
        strangers: The positions of faces that differ from the others.
    """

    faces: tuple[Face, ...]
    engine: str
    reasons: tuple[Reason, ...] = ()
    strangers: tuple[int, ...] = ()
    vectors: Any = field(default=(), repr=False)
    details: tuple[Any, ...] = field(default=(), repr=False)

    @classmethod
    def from_images(cls, images: ReferenceInput, *, model: FaceModel | None = None) -> FaceReference:
        """Find the face in one image, in several of one person, or on an ID sheet.

        Raises:
            InvalidImageError: An image cannot be read.
            ConfigurationError: The extra `identity` or a model file is missing.
            FaceEngineError: The engine failed.
        """
        return reference_of(images, model or usual_model())

    @property
    def is_drawn(self) -> bool:
        """Whether all of its faces are known to be drawn."""
        return bool(self.faces) and all(face.is_drawn for face in self.faces)

    def vector_for(self, face: Face) -> Vector:
        """Return the average vector; for a turned face, one that lies halfway to the faces turned to the same side."""
        mean = mean_vector(self.vectors)
        alike = [vector for vector, own in zip(self.vectors, self.faces, strict=True) if _same_turn(face, own)]
        return mean_vector([mean, mean_vector(alike)]) if alike and len(alike) < len(self.faces) else mean

    def closest_details(self, vector: Vector) -> list[Pixels]:
        """Return the one or two faces, as pixels, that are most similar to a vector."""
        cosines = [cosine_of(vector, own) for own in self.vectors]
        order = sorted(range(len(cosines)), key=cosines.__getitem__, reverse=True)
        return [self.details[place] for place in order[:2]]

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled: it would store what people can be recognised by."""
        raise TypeError("A FaceReference holds biometric data and is not pickled; pass the images instead")


ReferenceInput: TypeAlias = ImageInput | HasFaceReference | FaceReference | Sequence[ImageInput]
"""Whatever images can be compared with: an image, several of one person, an `IdSheet`, or a `FaceReference`."""


def _same_turn(one: Face, other: Face) -> bool:
    return min(abs(one.yaw), abs(other.yaw)) >= _TURNED and one.yaw * other.yaw > 0


def mean_vector(vectors: Sequence[Vector]) -> Vector:
    """Return the average direction of some vectors of length 1."""
    mean = np.mean(np.asarray(vectors, np.float32), axis=0)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-9), np.float32)


def cosine_of(one: Vector, other: Vector) -> float:
    """Return the cosine of the angle between two vectors of length 1."""
    return float(np.clip(one @ other, -1.0, 1.0))


def reference_of(given: ReferenceInput, model: FaceModel) -> FaceReference:
    """Return the face of a reference.

    Raises:
        InputError: There is no image, or the reference was prepared with another engine.
    """
    prepared = given if isinstance(given, FaceReference) else getattr(given, "reference", None)
    if isinstance(prepared, FaceReference):
        return _checked(prepared, model)
    if not _are_several(given):
        return reference_from([load(cast("ImageInput", given))], model)
    if not given:
        raise InputError("The list of references is empty; pass an image", argument="reference")
    return reference_from([load(image) for image in given], model)


def _are_several(given: object) -> TypeGuard[Sequence[ImageInput]]:
    return isinstance(given, Sequence) and not isinstance(given, _NOT_SEVERAL)


def _checked(reference: FaceReference, model: FaceModel) -> FaceReference:
    if reference.engine != model.name:
        raise InputError(
            f"The reference was made with the engine {reference.engine}, and its vectors mean nothing to {model.name}; "
            "make it again with the same model=",
            argument="reference",
        )
    return reference


def reference_from(images: Sequence[LoadedImage], model: FaceModel) -> FaceReference:
    """Return the face in one image or several."""
    faces: list[FoundFace] = []
    reasons: list[Reason] = []
    for number, image in enumerate(images, 1):
        about = "reference" if len(images) == 1 else f"reference {number}"
        found = person_in(search(image, model))
        reasons += crowd_reasons(found, about)
        faces += found if is_sheet(found) else found[:1]
        reasons += [each for face in faces[-1:] * (not is_sheet(found)) for each in _about(face, model, about)]
    return reference_from_faces(faces, reasons, model)


def _about(found: FoundFace, model: FaceModel, about: str) -> tuple[Reason, ...]:
    return reasons_about(found.face, model.thresholds, about)


def person_in(found: Sequence[FoundFace]) -> list[FoundFace]:
    """Return the faces that an image is about: the largest first, or the four of a sheet in reading order."""
    main = main_faces(found)
    if main and (grid := grid_of([each.face.box for each in main], _size(main[0]))):
        return [main[place] for place in grid.order if place is not None]
    return main


def _size(found: FoundFace) -> tuple[int, int]:
    height, width = found.image.pixels.shape[:2]
    return width, height


def is_sheet(found: Sequence[FoundFace]) -> bool:
    """Whether faces are arranged as on an ID sheet."""
    return bool(found) and grid_of([each.face.box for each in found], _size(found[0])) is not None


def crowd_reasons(found: Sequence[FoundFace], about: str) -> list[Reason]:
    """Return the reason for an image without exactly one person."""
    if not found:
        return [reason("no_face", "No face was found", about)]
    if len(found) > 1 and not is_sheet(found):
        return [
            reason("several_faces", f"There are {len(found)} faces of similar size, of which one may be meant", about)
        ]
    return []


def reference_from_faces(faces: Sequence[FoundFace], reasons: Sequence[Reason], model: FaceModel) -> FaceReference:
    """Return the face that several images show, with a warning of strangers among them."""
    vectors = [vector_of(found, model) for found in faces]
    strangers = strangers_among(vectors, model.thresholds)
    warnings = [
        reason("stranger", f"Its face differs from most others (median cosine {median:.2f})", f"reference {place + 1}")
        for place, median in strangers.items()
    ]
    return FaceReference(
        faces=tuple(found.face for found in faces),
        engine=model.name,
        reasons=(*reasons, *warnings),
        strangers=tuple(strangers),
        vectors=tuple(vectors),
        details=tuple(detail_of(found) for found in faces),
    )


def detail_of(found: FoundFace) -> Pixels:
    """Return a face in the size in which its fine detail is compared."""
    return aligned(found.image.pixels, found.face.landmarks, DETAIL)


def strangers_among(vectors: Sequence[Vector], thresholds: Thresholds) -> dict[int, float]:
    """Return the vectors whose median cosine to the others is that of another person, with that cosine."""
    if len(vectors) < 3:  # of two, nobody knows which one is the stranger
        return {}
    medians = {
        place: float(np.median([cosine_of(one, other) for at, other in enumerate(vectors) if at != place]))
        for place, one in enumerate(vectors)
    }
    return {place: median for place, median in medians.items() if median < thresholds.different}
