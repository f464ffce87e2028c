"""Files that commands write."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from aurashot import InputError
from aurashot.cli._files import move

if TYPE_CHECKING:
    from pathlib import Path


def test_a_file_takes_its_final_name(tmp_path: Path) -> None:
    """A file that has the name is replaced."""
    for name in ("made.png", "cafe.png"):
        (tmp_path / name).write_text(name, encoding="utf-8")
    move(tmp_path / "made.png", tmp_path / "cafe.png")
    assert {"cafe.png": "made.png"} == {path.name: path.read_text("utf-8") for path in tmp_path.glob("*.png")}


def test_a_link_in_the_place_of_the_file_is_not_followed(tmp_path: Path) -> None:
    """What somebody else has put there is renamed as it is: what it leads to is not copied, and stays where it is."""
    secret = tmp_path / "secret"
    secret.write_text("key", encoding="utf-8")
    (tmp_path / "made.png").symlink_to(secret)
    move(tmp_path / "made.png", tmp_path / "cafe.png")
    assert (tmp_path / "cafe.png").is_symlink()
    assert "key" == secret.read_text("utf-8")


def test_what_is_no_regular_file_stays(tmp_path: Path) -> None:
    """A named pipe is not replaced by an image."""
    (tmp_path / "made.png").write_text("image", encoding="utf-8")
    os.mkfifo(tmp_path / "cafe.png")
    with pytest.raises(InputError, match="cafe"):
        move(tmp_path / "made.png", tmp_path / "cafe.png")
    assert (tmp_path / "made.png").exists()
    assert (tmp_path / "cafe.png").is_fifo()
