from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from aurashot.cli._portrait import drawn_portrait, portrait_of


def test_photo_without_location(photos: dict[str, Path]) -> None:
    """A photo is shown and sent upright, and without the position where it was taken."""
    exif = Image.Exif()
    exif[0x0112] = 6  # on its side
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 51.0, 29.0)})
    with Image.open(photos["hopper"]) as image:
        image.resize((30, 40)).save("geo.jpeg", exif=exif)
    portrait = portrait_of(Path("geo.jpeg"))
    with Image.open(io.BytesIO(portrait.content)) as seen:
        assert ("face.jpg", (40, 30), {}) == (portrait.file, seen.size, dict(seen.getexif()))


def test_photo_as_it_is(photos: dict[str, Path]) -> None:
    """A photo with nothing to hide is not touched, and named by its content."""
    Path("face.gif").write_bytes(photos["astronaut"].read_bytes())
    portrait = portrait_of(Path("face.gif"))
    assert ("face.jpg", photos["astronaut"].read_bytes()) == (portrait.file, portrait.content)


def test_drawn() -> None:
    """Without a photo the same face is drawn every time."""
    assert drawn_portrait().content == drawn_portrait().content
