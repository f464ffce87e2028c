from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PIL import Image

from aurashot.testing import assert_same_person

if TYPE_CHECKING:
    from pathlib import Path


def test_the_same_person_passes(astronaut: Path) -> None:
    """The comparison is returned."""
    assert "same" == assert_same_person(astronaut, astronaut).verdict


def test_another_person_fails_with_both_faces(astronaut: Path, grace_hopper: Path, tmp_path: Path) -> None:
    """The message says why, and where the faces are."""
    with pytest.raises(AssertionError, match=r"person of the anchor: different .* see .*faces"):
        assert_same_person(astronaut, grace_hopper, folder=tmp_path / "faces")
    for name in ("anchor", "image"):
        with Image.open(tmp_path / "faces" / f"{name}.png") as face:
            assert (320, 320) == face.size


def test_what_is_unsure_fails_only_if_strict(astronaut: Path) -> None:
    """An image without a face passes, and is no proof."""
    nobody = Image.new("RGB", (64, 64), "gray")
    assert "unsure" == assert_same_person(astronaut, nobody).verdict
    with pytest.raises(AssertionError, match="No face was found"):
        assert_same_person(astronaut, nobody, strict=True)
