"""A cast of characters, made side by side: for each face an anchor, and for each anchor three scenes.

    python examples/async_quickstart.py [PHOTO ...]

It needs `AURASHOT_API_KEY`, or a sandbox: run `aurashot sandbox serve` and set the two variables that it prints. Each
character is four images, and each image is billed. Characters are called after their photos; without photos, two
portraits are drawn by code (extra `sandbox`). The images go to `cast/<name>`.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from aurashot import AsyncAuraShot, AuraShotError, ConfigurationError

if TYPE_CHECKING:
    from aurashot import Generation, ImageInput

FOLDER = Path("cast")
SCENES = {
    "cafe": "sitting in a cozy cafe, warm afternoon light",
    "forest": "walking through a snowy forest",
    "stage": "singing on a stage, in a red dress or suit",
}


async def main() -> None:
    """Make everyone at once."""
    faces: dict[str, ImageInput] = {Path(photo).stem: Path(photo) for photo in sys.argv[1:]} or drawn_faces()
    async with AsyncAuraShot() as client, asyncio.TaskGroup() as group:
        for name, face in faces.items():
            group.create_task(character(client, name, face))


async def character(client: AsyncAuraShot, name: str, face: ImageInput) -> None:
    """Make the anchor of one character, then all scenes with it."""
    try:
        anchor = await client.id_photo(face)
        print(await client.download(anchor, FOLDER / name / "id-photo.png"))
    except AuraShotError as error:
        report(f"{name}, ID photo", error)
        return
    async with asyncio.TaskGroup() as group:
        for title, prompt in SCENES.items():
            group.create_task(scene(client, prompt, anchor, FOLDER / name / f"{title}.png"))


async def scene(client: AsyncAuraShot, prompt: str, anchor: Generation, path: Path) -> None:
    """Make one image. Its errors stay here: in a task group they would cancel images that are paid for."""
    try:
        image = await client.generate(prompt, face=anchor)
        print(await client.download(image, path))
    except AuraShotError as error:
        report(str(path), error)


def report(what: str, error: AuraShotError) -> None:
    """Say what went wrong, and what it cost."""
    cost = "it may be on the bill" if error.may_be_charged else "it cost nothing"
    print(f"{what}: {error} ({cost})", file=sys.stderr)


def drawn_faces() -> dict[str, ImageInput]:
    """Return portraits of nobody, as PNG."""
    from aurashot import sandbox

    print("No photos were given: portraits are drawn by code.")
    return {name: sandbox.draw_portrait(name) for name in ("mia", "kai")}


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except ConfigurationError as error:
        sys.exit(str(error))
