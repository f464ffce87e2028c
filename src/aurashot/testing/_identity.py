"""An assertion about faces, for tests of programs that generate images."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from aurashot.errors import InputError

if TYPE_CHECKING:
    from aurashot.identity import Comparison, FaceModel, ReferenceInput
    from aurashot.images import ImageInput


def assert_same_person(
    anchor: ImageInput,
    image: ImageInput,
    *,
    strict: bool = False,
    folder: str | Path | None = None,
    model: FaceModel | None = None,
) -> Comparison:
    """Assert that an image does not show another person than the anchor, and return the comparison.

    What is unsure passes, as with the policies of the client. On failure, both faces are saved, and the message says
    where.

    Args:
        anchor: An image of the person, or an ID photo.
        image: The image to check.
        strict: Whether it has to be the same person with a cosine of 0.60 or more; what is unsure then fails.
        folder: Where to save the faces of a failure; a new temporary folder by default.
        model: The engine; YuNet and SFace by default.

    Raises:
        AssertionError: It shows another person.
        InvalidImageError: An image cannot be read.
        ConfigurationError: The extra `identity` or a model file is missing.
    """
    from aurashot.identity import FaceReference, compare

    reference: ReferenceInput = FaceReference.from_images(anchor, model=model)
    comparison = compare(reference, image, strict=strict, model=model)
    passes = comparison.verdict == "same" or (comparison.verdict == "unsure" and not strict)
    if not passes:
        saved = _save(anchor, image, folder, model)
        raise AssertionError(f"The image does not show the person of the anchor: {comparison}; see {saved}")
    return comparison


def _save(anchor: ImageInput, image: ImageInput, folder: str | Path | None, model: FaceModel | None) -> str:
    from aurashot.identity import aligned_face

    target = Path(tempfile.mkdtemp(prefix="aurashot-faces-")) if folder is None else Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    for name, source in (("anchor", anchor), ("image", image)):
        with suppress(InputError):  # an open file was read by the comparison
            face = aligned_face(source, size=320, model=model)
            if face is not None:
                face.save(target / f"{name}.png")
    return str(target)
