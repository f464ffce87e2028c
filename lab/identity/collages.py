"""Look for the faces in what the sandbox makes from drawn portraits and from photographs.

Each person is put into a scene and on an ID sheet. A face is whole if the engine finds one alone, within the image, and
its cosine to the original says that nothing of it is missing: half a face is below 0.6.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aurashot.identity import compare, find_faces, split_id_photo
from aurashot.sandbox.drawing import draw_portrait, generate, id_photo
from lab.identity.photographs import photographs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL.Image import Image

    from aurashot.identity import FaceModel

HEAD: Final = ("made from", "images", "one whole face in the scene", "lowest cosine", "four faces on the ID sheet")
LEAST_COSINE: Final = 0.7
_SCENES: Final = ("cafe", "rooftop", "park", "stage", "beach", "office", "forest", "home", "city", "studio")
_LIGHTS: Final = ("", "at night", "at sunset")


def measure(model: FaceModel, portraits: int) -> tuple[list[tuple[str, int, int, str, int]], bool]:
    """Return a row for drawn portraits and one for photographs, and whether every face is whole.

    Args:
        model: The engine.
        portraits: How many portraits are drawn.
    """
    drawn = [draw_portrait(f"person {number}") for number in range(portraits)]
    found = {"drawn portraits": drawn, "photographs": photographs()}
    rows = [row(name, images, model) for name, images in found.items()]
    return rows, all(count == scenes == sheets for _, count, scenes, _, sheets in rows)


def row(name: str, images: Sequence[Image], model: FaceModel) -> tuple[str, int, int, str, int]:
    """Return a row of the table."""
    scenes, sheets, lowest = 0, 0, 1.0
    for number, image in enumerate(images):
        prompt = f"{_SCENES[number % len(_SCENES)]} {_LIGHTS[number % len(_LIGHTS)]}"
        scene = generate(image, prompt=prompt, clothes=None, scene=None)
        cosine = _cosine(image, scene, model)
        lowest = min(lowest, cosine)
        scenes += cosine >= LEAST_COSINE and has_one_whole_face(scene, model)
        sheet = split_id_photo(id_photo(image, prompt=None), model=model)
        sheets += sheet.is_sheet and all(tile.face for tile in sheet.tiles)
    return name, len(images), scenes, f"{lowest:.2f}", sheets


def has_one_whole_face(image: Image, model: FaceModel) -> bool:
    """Return whether exactly one face is found, and none of it is beyond the edge of the image."""
    faces = find_faces(image, model=model)
    box = faces[0].box if faces else None
    return bool(box and len(faces) == 1 and min(box) >= 0 and box.right <= image.width and box.bottom <= image.height)


def _cosine(original: Image, scene: Image, model: FaceModel) -> float:
    return compare(original, scene, model=model, paste_guard=False).cosine or 0.0
