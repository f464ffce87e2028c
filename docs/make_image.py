"""Make the images of the documentation: what the demo makes, and what the companion of the examples makes."""  # noqa: INP001 - a script

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from PIL import Image, ImageOps

from aurashot import sandbox

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT: Final = Path(__file__).parents[1]
ASSETS: Final = ROOT / "docs" / "assets"
NAMES: Final = ("face.png", "id-photo.png", "cafe.png", "rooftop.png")
PHOTO: Final = ROOT / "tests" / "fixtures" / "photos" / "astronaut.jpg"
HEIGHT: Final = 480
GAP: Final = 12


def main() -> None:
    """Run the demo and the example, and put what each made into one image."""
    with TemporaryDirectory() as folder:
        _run("-m", "aurashot", "demo", "--out", folder)
        _strip("demo.jpg", [Path(folder, name) for name in NAMES])
    with TemporaryDirectory() as folder, sandbox.serve() as server:
        settings = {"AURASHOT_BASE_URL": server.url, "AURASHOT_API_KEY": server.api_key}
        _run(str(ROOT / "examples" / "companion.py"), str(PHOTO), folder, environment=settings)
        luna = Path(folder, "avatars", "Luna")
        made = sorted((luna / "gallery").glob("*.png"), key=lambda path: path.stat().st_mtime_ns)
        _strip("characters.jpg", [PHOTO, luna / "profile" / "id-photo.png", *made])


def _run(*arguments: str, environment: Mapping[str, str] | None = None) -> None:
    subprocess.run([sys.executable, *arguments], check=True, env={**os.environ, **(environment or {})})  # noqa: S603 - ours


def _strip(name: str, paths: Sequence[Path]) -> None:
    images = [Image.open(path).convert("RGB") for path in paths]
    tiles = [ImageOps.contain(image, (2 * HEIGHT, HEIGHT)) for image in images]
    strip = Image.new("RGB", (sum(tile.width + GAP for tile in tiles) - GAP, HEIGHT), "white")
    left = 0
    for tile in tiles:
        strip.paste(tile, (left, 0))
        left += tile.width + GAP
    ASSETS.mkdir(exist_ok=True)
    strip.save(ASSETS / name, quality=88, optimize=True)


if __name__ == "__main__":
    main()
