"""The suite of large photos measures a process, and knows its limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lab.photos import __main__ as photos, photo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def small_photos(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make photos of 30,000 pixels."""
    monkeypatch.setattr(photo, "SIZE", (200, 150))
    photo.scene.cache_clear()
    yield
    photo.scene.cache_clear()


@pytest.mark.parametrize(("form", "limit", "is_good"), [("path", photos.LIMIT, True), ("open file", 1, False)])
def test_a_process_over_its_limit_fails(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, form: str, limit: int, *, is_good: bool
) -> None:
    """A row has a cell for each column, all photos are uploaded, and the limit is compared with the peak."""
    monkeypatch.setattr(photos, "LIMIT", limit)
    folder = tmp_path / "photos"
    folder.mkdir()
    photo.write_photos(folder, 3)
    row, found = photos.measure(str(folder), form, 0.1)

    assert len(photos.HEAD) == len(row)
    assert (3, form, 0.1, 3) == (row[0], *row[3:6])
    assert is_good == found
