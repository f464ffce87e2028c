from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image, ImageOps

from lab.corpus.__main__ import HEAD, cells
from lab.corpus.archives import Archive, images
from lab.corpus.forms import FORMS, planted
from lab.corpus.judge import has_location, is_wrong, reference
from lab.corpus.run import KNOWN_LARGE, MOST_MEMORY, Row, Worker, run

if TYPE_CHECKING:
    from pathlib import Path

ORIENTATION = 0x0112


@pytest.fixture
def turned(astronaut: Path, tmp_path: Path) -> Path:
    """Return a folder with a photo that lies on its side, a text, and a GIF."""
    folder = tmp_path / "photos"
    folder.mkdir()
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    with Image.open(astronaut) as photo:
        small = photo.crop((0, 0, 384, 256)).resize((96, 64))
        small.save(folder / "photo.jpg", exif=exif)
        small.save(folder / "photo.gif")
    (folder / "text.jpg").write_text("not an image")
    return folder


def test_a_good_corpus_has_no_problems(turned: Path) -> None:
    """Each file is passed in every form that it can have, with and without metadata stripped."""
    rows = run(sorted(turned.iterdir()), workers=1, limit=60)
    assert [] == [problem for row in rows.values() for problem in row.problems]
    assert set(FORMS) == set(rows)
    assert (3, 4, 2, 0) == (
        rows["path"].files,
        *(rows["path"].results[name] for name in ("sent", "refused", "absent")),
    )
    assert {"absent": 4, "sent": 2} == rows["bytes with a planted location"].results
    assert ("photos", "Pillow image", "2", "4", "0", 0, 0, 0, 0, 0) == cells(
        "photos", "Pillow image", rows["Pillow image"]
    )[:-1]
    assert len(HEAD) == len(cells("photos", "path", rows["path"]))


def encoded(image: Image.Image, file_format: str = "PNG") -> bytes:
    """Encode an image."""
    out = io.BytesIO()
    image.save(out, file_format)
    return out.getvalue()


def test_each_wrong_orientation_is_noticed(turned: Path) -> None:
    """What is sent is decoded as it is: an orientation that it only states is wrong."""
    original = reference(turned / "photo.jpg")
    assert original
    with Image.open(turned / "photo.jpg") as photo:
        upright = ImageOps.exif_transpose(photo)
    assert not is_wrong(encoded(upright), original)
    for way in Image.Transpose:
        assert is_wrong(encoded(upright.transpose(way)), original), way
    assert is_wrong((turned / "photo.jpg").read_bytes(), original)
    assert is_wrong(encoded(upright)[:200], original)
    assert reference(turned / "text.jpg") is None


@pytest.mark.filterwarnings("ignore:Image appears to be a malformed MPO file")
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP"])
def test_a_location_that_is_left_is_noticed(file_format: str) -> None:
    """In EXIF, in XMP, or anywhere else; the file with it can still be read."""
    plain = encoded(Image.new("RGB", (8, 8)), file_format)
    assert not has_location(plain)
    assert has_location(planted(plain))
    with Image.open(io.BytesIO(planted(plain))) as image:
        assert image.getexif().get_ifd(0x8825)
        image.load()


@pytest.mark.parametrize(
    "found",
    [
        {"result": "foreign"},
        {"result": "hang"},
        {"result": "sent", "wrong": True},
        {"result": "sent", "location": True},
        {"result": "refused", "peak": MOST_MEMORY + 1},
    ],
)
def test_each_problem_fails_the_run(found: dict[str, Any]) -> None:
    """A result with a problem is listed; others are not."""
    row = Row()
    row.add("a file", {"result": "sent", "wrong": False, "location": False, "peak": MOST_MEMORY})
    assert not row.problems
    row.add("a file", found)
    row.add(f"{next(iter(KNOWN_LARGE))}, path", {"result": "sent", "peak": MOST_MEMORY + 1})
    assert 1 == len(row.problems)


def test_a_file_that_hangs_does_not_end_the_run(turned: Path) -> None:
    """The process is replaced, and the next file is handled."""
    pipe = turned / "pipe.jpg"
    os.mkfifo(pipe)  # opening it waits for its writer
    worker = Worker(limit=1)
    try:
        hanging = next(found for form, _, found in worker.handle(pipe) if form == "bytes")
        worker.limit = 60
        handled = next(worker.handle(turned / "photo.gif"))
    finally:
        worker.end()
    assert {"result": "hang"} == hanging
    assert ("path", None, "sent") == (*handled[:2], handled[2]["result"])


def test_another_archive_is_refused(tmp_path: Path) -> None:
    """An archive in the cache is checked before anything is extracted."""
    (tmp_path / "pillow.tar.gz").write_bytes(b"something else")
    with pytest.raises(SystemExit, match="has the SHA-256"):
        images(Archive("pillow", "1", "pillow.tar.gz", "0" * 64, "Tests"), tmp_path)
