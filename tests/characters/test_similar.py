from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from aurashot import InputError
from aurashot.characters import SimilarCharacter, similar_characters
from aurashot.identity import THRESHOLDS, FaceReference
from aurashot.identity._thresholds import YUNET_SFACE

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def hopper(grace_hopper: Path) -> FaceReference:
    """Return one face."""
    return FaceReference.from_images(grace_hopper)


@pytest.fixture(scope="module")
def collins(astronaut: Path) -> FaceReference:
    """Return another face."""
    return FaceReference.from_images(astronaut)


def test_a_face_that_another_character_has_is_told(
    hopper: FaceReference, collins: FaceReference, grace_hopper: Path
) -> None:
    """With the similarity; whoever is clearly somebody else is not."""
    others = {"Grace": FaceReference.from_images(grace_hopper.read_bytes()), "Eileen": collins}
    (found,) = similar_characters(hopper, others)
    assert ("Grace", True) == (found.name, found.is_same)
    assert found.similarity > 0.99
    assert found.cosine > 0.99
    assert "The character 'Grace' has the same face (similarity 1.00)" == str(found)
    assert () == similar_characters(collins, {"Grace": hopper})


def test_a_face_that_looks_alike_is_unsure(hopper: FaceReference) -> None:
    """Between the two lines it is neither the same nor another one; the most similar comes first."""
    mean = np.asarray(hopper.vectors[0])
    across = np.zeros_like(mean)
    across[:2] = mean[1], -mean[0]
    across /= np.linalg.norm(across)
    alike = {
        name: FaceReference(hopper.faces, hopper.engine, vectors=(cosine * mean + (1 - cosine**2) ** 0.5 * across,))
        for name, cosine in (("a", 0.40), ("b", 0.55), ("c", 0.20))
    }
    found = similar_characters(hopper, alike)
    assert [("b", True), ("a", False)] == [(each.name, each.is_same) for each in found]
    assert "The character 'a' looks like it (similarity 0.50)" == str(found[1])


def test_faces_that_cannot_be_compared_are_left_out(hopper: FaceReference) -> None:
    """No face, or one of another engine."""
    none = FaceReference((), hopper.engine)
    foreign = FaceReference(hopper.faces, "engine 1", vectors=hopper.vectors)
    assert () == similar_characters(hopper, {"none": none, "foreign": foreign})
    assert () == similar_characters(none, {"Grace": hopper})
    with pytest.raises(InputError, match="thresholds: "):
        similar_characters(foreign, {"Grace": hopper})
    (found,) = similar_characters(foreign, {"x": foreign}, thresholds=THRESHOLDS[YUNET_SFACE])
    assert isinstance(found, SimilarCharacter)
