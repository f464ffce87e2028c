"""Read references, draw the image of an operation, and store it."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING, TypeAlias

from aurashot.sandbox import drawing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from PIL.Image import Image

    from aurashot.sandbox._store import FileStore, StoredFile

Images: TypeAlias = "Mapping[str, Image]"

_PIXELS_PER_TOKEN = 28 * 28  # what the Qwen image models count as one token

_STRANGERS = 6

# The prompts of workflows without a description.
_DEFAULT_PROMPTS = {"virtual_try_on": "wearing the product", "pose_change": "in another pose"}


@dataclass(frozen=True, slots=True)
class ImageRequest:
    """One image to draw, with its references, which are keyed by their JSON field.

    Attributes:
        drifts: Whether it shows another person than the references.
    """

    operation: str
    request_id: str
    prompt: str | None
    images: Images
    drifts: bool = False


@dataclass(frozen=True, slots=True)
class Drawing:
    """An image that was drawn and stored, with the number of tokens that a model would have counted."""

    file: StoredFile
    tokens: int


def _id_photo(given: Images, prompt: str | None) -> Image:
    return drawing.id_photo(given["face"], prompt=prompt)


def _generate(given: Images, prompt: str | None) -> Image:
    return drawing.generate(given["face"], prompt=prompt or "", clothes=given.get("clothes"), scene=given.get("scene"))


def _edit(given: Images, prompt: str | None) -> Image:
    return drawing.edit(given["target"], prompt=prompt or "", face=given.get("face"))


def _try_on(given: Images, prompt: str | None) -> Image:
    renamed = {"face": "modelImage", "clothes": "productImage", "scene": "sceneImage"}
    return _generate({to: given[name] for to, name in renamed.items() if name in given}, prompt)


def _pose(given: Images, prompt: str | None) -> Image:
    return _edit({"target": given["originalImage"]}, prompt)


_DRAW: dict[str, Callable[[Images, str | None], Image]] = {
    "id-photo": _id_photo,
    "generate": _generate,
    "edit": _edit,
    "virtual_try_on": _try_on,
    "pose_change": _pose,
}


def read(path: Path) -> Image:
    """Decode a stored file.

    Raises:
        ValueError: It is not a readable image.
    """
    return drawing.decode(path.read_bytes())


def draw(image_request: ImageRequest, store: FileStore) -> Drawing:
    """Draw, mark and store an image; this takes up to a second of CPU time."""
    prompt = image_request.prompt or _DEFAULT_PROMPTS.get(image_request.operation)
    images = image_request.images
    if image_request.drifts:
        images = {**images, "face": _stranger(zlib.crc32(image_request.request_id.encode()) % _STRANGERS)}
    image = _DRAW[image_request.operation](images, prompt)
    marks = drawing.Marks(operation=image_request.operation, request_id=image_request.request_id, prompt=prompt)
    file = store.add(BytesIO(drawing.encode(image, marks)))
    return Drawing(file, image.width * image.height // _PIXELS_PER_TOKEN)


@cache
def _stranger(number: int) -> Image:
    return drawing.draw_portrait(f"stranger {number}")


def draw_portrait(seed: str, size: int = 768) -> bytes:
    """Return a drawn portrait as PNG bytes, `size` pixels square; the same seed gives the same person."""
    return drawing.encode_plain(drawing.draw_portrait(seed, size=size))
