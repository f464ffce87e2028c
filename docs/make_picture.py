"""Make the README's picture: the demo's face and its three pictures, side by side."""  # noqa: INP001 - a script

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from PIL import Image, ImageOps

PICTURE: Final = Path(__file__).with_name("pictures") / "demo.jpg"
NAMES: Final = ("face.png", "id-photo.png", "cafe.png", "rooftop.png")
HEIGHT: Final = 480
GAP: Final = 12


def main() -> None:
    """Run the demo, and put what it made into one picture."""
    with TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "aurashot", "demo", "--out", folder]
        subprocess.run(command, check=True)  # noqa: S603 - our own command
        pictures = [Image.open(Path(folder, name)).convert("RGB") for name in NAMES]
    tiles = [ImageOps.contain(picture, (2 * HEIGHT, HEIGHT)) for picture in pictures]
    strip = Image.new("RGB", (sum(tile.width + GAP for tile in tiles) - GAP, HEIGHT), "white")
    left = 0
    for tile in tiles:
        strip.paste(tile, (left, 0))
        left += tile.width + GAP
    PICTURE.parent.mkdir(exist_ok=True)
    strip.save(PICTURE, quality=88, optimize=True)


if __name__ == "__main__":
    main()
