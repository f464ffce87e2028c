from __future__ import annotations

import pickle
from dataclasses import replace

import pytest

from aurashot import InputError
from aurashot.identity import FaceReference, compare
from tests.identity.conftest import ColourModel, plain


def test_several_references_are_averaged(colours: ColourModel) -> None:
    """A face between two references is closer to both together than to each."""
    red, green, both = plain((200, 0, 0)), plain((0, 200, 0)), plain((200, 200, 0))
    alone = compare(red, both, model=colours).cosine
    together = compare([red, green], both, model=colours).cosine
    assert (0.71, 1.0) == pytest.approx((alone, together), abs=0.01)


def test_a_stranger_among_references_is_named(colours: ColourModel) -> None:
    """Its median cosine to the others is that of another person; the others still decide."""
    reference = FaceReference.from_images([*[plain("red")] * 3, plain("blue")], model=colours)
    assert (3,) == reference.strangers
    assert [("stranger", "reference 4")] == [(each.code, each.about) for each in reference.reasons]
    assert "same" == compare(reference, plain("red"), model=colours).verdict
    assert "same" != compare(reference, plain("blue"), model=colours).verdict


def test_of_two_references_neither_is_the_stranger(colours: ColourModel) -> None:
    """Nobody can tell which one is."""
    assert () == FaceReference.from_images([plain("red"), plain("blue")], model=colours).strangers


def test_a_bad_reference_among_good_ones_is_only_told(colours: ColourModel) -> None:
    """One without a face does not keep the others from deciding."""
    result = compare([plain("red"), plain("black")], plain("blue"), model=colours)
    assert ("different", "reference 2") == (result.verdict, result.reasons[0].about)


def test_a_reference_of_nothing_is_an_error(colours: ColourModel) -> None:
    """An empty list is a mistake of the caller."""
    with pytest.raises(InputError, match="list of references is empty"):
        compare([], plain("red"), model=colours)


def test_a_reference_of_another_engine_is_an_error(colours: ColourModel) -> None:
    """Vectors of two engines mean nothing to each other."""
    reference = FaceReference.from_images(plain("red"), model=colours)
    with pytest.raises(InputError, match="made with the engine colours"):
        compare(reference, plain("red"), model=replace(colours, name="another"))


def test_a_reference_keeps_its_vectors_to_itself(colours: ColourModel) -> None:
    """They are biometric data: not in its repr, and not in a pickle."""
    reference = FaceReference.from_images(plain((1, 2, 254)), model=colours)
    assert "vectors" not in repr(reference)
    with pytest.raises(TypeError, match="biometric"):
        pickle.dumps(reference)
    comparison = compare(reference, plain("red"), model=colours)
    assert comparison == pickle.loads(pickle.dumps(comparison))
