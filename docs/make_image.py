"""Make the README's image: the demo's face and its three images, side by side."""  # noqa: INP001 - a script

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from PIL import Image, ImageOps

IMAGE: Final = Path(__file__).with_name("assets") / "demo.jpg"
NAMES: Final = ("face.png", "id-photo.png", "cafe.png", "rooftop.png")
HEIGHT: Final = 480
GAP: Final = 12


def main() -> None:
    """Run the demo, and put what it made into one image."""
    with TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "aurashot", "demo", "--out", folder]
        subprocess.run(command, check=True)  # noqa: S603 - our own command
        images = [Image.open(Path(folder, name)).convert("RGB") for name in NAMES]
    tiles = [ImageOps.contain(image, (2 * HEIGHT, HEIGHT)) for image in images]
    strip = Image.new("RGB", (sum(tile.width + GAP for tile in tiles) - GAP, HEIGHT), "white")
    left = 0
    for tile in tiles:
        strip.paste(tile, (left, 0))
        left += tile.width + GAP
    IMAGE.parent.mkdir(exist_ok=True)
    strip.save(IMAGE, quality=88, optimize=True)


if __name__ == "__main__":
    main()
