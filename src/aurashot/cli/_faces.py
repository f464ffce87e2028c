"""Comparing faces for people to see: verdicts in words, and faces on pages."""

from __future__ import annotations

import base64
import io
from html import escape
from typing import TYPE_CHECKING

from aurashot.errors import AuraShotError, ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

    from aurashot.identity import Comparison, FaceReference


def reference_in(face: Path) -> FaceReference | None:
    """Return the face in a photo; None if faces cannot be compared here."""
    from aurashot.identity import FaceReference

    try:
        return FaceReference.from_images(face)
    except ConfigurationError:  # the extra or its model files are missing
        return None


def compared(reference: FaceReference, image: Path) -> Comparison | None:
    """Compare an image with a face; None if it cannot be read or the engine fails: the image is there all the same."""
    from aurashot.identity import compare

    try:
        return compare(reference, image)
    except AuraShotError:
        return None


def in_words(comparison: Comparison) -> str:
    """Return verdict, similarity and the codes of the reasons: `unsure 0.98 (drawn, pasted)`."""
    score = "" if comparison.similarity is None else f" {comparison.similarity:.2f}"
    codes = ", ".join(dict.fromkeys(each.code for each in comparison.reasons))
    return f"{comparison.verdict}{score}" + (f" ({codes})" if codes else "")


def face_element(path: Path, *, size: int = 240) -> str:
    """Return the face in an image as an element of a page, with its pixels in it; an empty one if there is none."""
    from aurashot.identity import aligned_face

    face = aligned_face(path, size=size)
    if face is None:
        return '<img alt="no face" src="data:,">'
    file = io.BytesIO()
    face.save(file, "JPEG", quality=88)
    content = base64.b64encode(file.getvalue()).decode()
    return f'<img alt="the face in {escape(path.name)}" src="data:image/jpeg;base64,{content}">'
