"""Find the faces in an image, however it is turned.

Detectors know upright faces. A face that leans by more than 12 degrees is turned by the line of its eyes and detected
again, since the points of eyes and mouth are off before; of an image in which no face is certain, the quarter turns are
tried. Where a face is, is always said in pixels of the image as it is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar

import cv2
import numpy as np

from aurashot._reasons import described
from aurashot.errors import AuraShotError, FaceEngineError
from aurashot.identity._alignment import aligned, inverse, mapped, measured, moved
from aurashot.identity._faces import Detection, Face, FaceBox
from aurashot.identity._pixels import load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from PIL.Image import Image

    from aurashot.identity._alignment import Matrix
    from aurashot.identity._model import FaceModel, Pixels, Vector
    from aurashot.identity._pixels import LoadedImage
    from aurashot.images import ImageInput

_SIDES: Final = (1024, 320, 2048)
"""The longer side in pixels at which faces are searched, one after the other until there are any."""
_TURNED_SIDE: Final = 320
_QUARTER_SIDE: Final = 640
_CERTAIN: Final = 0.925
"""The score of an upright photographed face; below it, the head may lean although its eyes seem level."""
_PROBE: Final = 30.0
_ROUNDS: Final = 2
_LEAST_SIDE: Final = 16
_SHOWN: Final = 0.75
"""The size of a face in a crop for people, over that in a crop for networks."""
_MAX_ROLL: Final = 12.0
_WORSE: Final = 0.03
_BETTER: Final = 0.01
_BACKGROUND: Final = 0.5
"""Faces of less than this share of the largest one's width are people in the background."""
_FAR: Final = 1e6
"""Pixels that no image has: OpenCV 4.12 finds faces that are further away in images of one colour."""
_DOUBTFUL: Final = 0.15
"""How much lower than the best score another face's may be."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class FoundFace:
    """A face with the pixels that it is compared by."""

    face: Face
    crop: Pixels = field(repr=False)
    image: LoadedImage = field(repr=False)


def find_faces(image: ImageInput, *, model: FaceModel | None = None) -> list[Face]:
    """Return the faces in an image, the largest first, with measurements of how well each can be seen.

    Args:
        image: A file, bytes, a Pillow image, …; not a URL.
        model: The engine; YuNet and SFace by default.

    Raises:
        InvalidImageError: The image cannot be read.
        ConfigurationError: The extra `identity` or a model file is missing.
        FaceEngineError: The engine failed.
    """
    return [found.face for found in search(load(image), model or usual_model())]


def aligned_face(image: ImageInput, *, size: int = 160, model: FaceModel | None = None) -> Image | None:
    """Return the largest face in an image, upright and centred, as a Pillow image; None if there is no face.

    Args:
        image: A file, bytes, a Pillow image, …; not a URL.
        size: The width and height of the result in pixels.
        model: The engine; YuNet and SFace by default.

    Raises:
        InvalidImageError: The image cannot be read.
        ConfigurationError: The extra `identity` or a model file is missing.
        FaceEngineError: The engine failed.
    """
    from PIL.Image import fromarray

    found = main_faces(search(load(image), model or usual_model()))
    return fromarray(aligned(found[0].image.pixels, found[0].face.landmarks, size, zoom=_SHOWN)) if found else None


def usual_model() -> FaceModel:
    """Return the default engine."""
    from aurashot.identity._opencv import default_model

    return default_model()


def search(image: LoadedImage, model: FaceModel) -> list[FoundFace]:
    """Return the faces in an image, the largest first."""
    found = sorted(_detections(image.pixels, model), key=lambda each: -each.box.width)
    return [_found(each, image) for each in found]


def search_in(image: LoadedImage, box: tuple[int, int, int, int], model: FaceModel) -> FoundFace | None:
    """Return the largest face in a part of an image, in pixels of the image."""
    left, top, right, bottom = box
    part = np.ascontiguousarray(image.pixels[top:bottom, left:right])
    shift = np.array([[1.0, 0.0, left], [0.0, 1.0, top]])
    found = [_found(_at(each, shift), image) for each in _detections(part, model)]
    return next(iter(main_faces(sorted(found, key=lambda each: -each.face.size))), None)


def _found(detection: Detection, image: LoadedImage) -> FoundFace:
    crop = aligned(image.pixels, detection.landmarks)
    return FoundFace(measured(detection, crop, is_drawn=image.is_drawn), crop, image)


def main_faces(faces: Sequence[FoundFace]) -> list[FoundFace]:
    """Return the faces that an image is about, the largest first: without small and doubtful ones."""
    best = max((each.face.score for each in faces), default=0.0)
    certain = [each for each in faces if each.face.score >= best - _DOUBTFUL]
    largest = max((each.face.size for each in certain), default=0.0)
    return [each for each in certain if each.face.size >= _BACKGROUND * largest]


def vector_of(found: FoundFace, model: FaceModel) -> Vector:
    """Return the vector of a face, with a length of 1.

    Raises:
        FaceEngineError: The engine failed, or what it returned is no direction.
    """
    vector = np.asarray(asked(model, lambda: model.vector(found.crop)), np.float32).reshape(-1)
    length = float(np.linalg.norm(vector))
    if not math.isfinite(length) or not length:
        raise FaceEngineError(f"The face engine {model.name} returned a vector that is not usable; use another engine")
    return vector / np.float32(length)


def asked(model: FaceModel, call: Callable[[], T]) -> T:
    """Call an engine.

    Raises:
        FaceEngineError: It failed.
    """
    try:
        return call()
    except AuraShotError:
        raise
    except Exception as error:  # an engine may be anybody's, and raise anything
        raise FaceEngineError(
            f"The face engine {model.name} failed ({described(error)}); try another image, or reinstall the engine"
        ) from error


def _detections(pixels: Pixels, model: FaceModel) -> list[Detection]:
    found: list[Detection] = []
    for side in _sides(pixels):
        if found := _detected(pixels, model, side):
            break
    turned = 0.0
    if max((each.score for each in found), default=0.0) < model.thresholds.min_score:
        found, turned = _in_quarter_turns(pixels, model, found)
    return [_straightened(pixels, each, turned, model) for each in found]


def _sides(pixels: Pixels) -> Iterator[int]:
    longest = max(pixels.shape[:2])
    yield from dict.fromkeys(min(side, longest) for side in _SIDES)


def _detected(pixels: Pixels, model: FaceModel, side: int) -> list[Detection]:
    """Return the faces that are found in an image of a reduced size, in pixels of the image."""
    height, width = pixels.shape[:2]
    shrink = min(1.0, side / max(height, width))
    size = round(width * shrink), round(height * shrink)
    if min(size) < _LEAST_SIDE:
        return []
    small = pixels if shrink == 1 else np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    matrix = np.array([[width / size[0], 0, 0], [0, height / size[1], 0]])
    found = asked(model, lambda: list(model.detect(small)))
    return [_at(each, matrix) for each in found if _is_possible(each)]


def _is_possible(found: Detection) -> bool:
    numbers = [found.score, *found.box, *(number for point in found.landmarks for number in point)]
    return all(abs(number) < _FAR for number in numbers) and found.landmarks.eye_distance > 1


def _at(found: Detection, matrix: Matrix, *, swapped: bool = False) -> Detection:
    """Return a detection as it is in the image that a matrix leads to; its box stays upright."""
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    ((x, y),) = moved(np.array([found.box.centre], np.float64), matrix)
    width, height = found.box.width * scale / 2, found.box.height * scale / 2
    if swapped:
        width, height = height, width
    box = FaceBox(float(x) - width, float(y) - height, float(x) + width, float(y) + height)
    return Detection(box, mapped(found.landmarks, matrix), found.score)


def _in_quarter_turns(pixels: Pixels, model: FaceModel, found: list[Detection]) -> tuple[list[Detection], float]:
    """Return the faces of the quarter turn in which one is most certain, with its angle, or those already found."""
    best, best_turn, best_score = found, 0, max((each.score for each in found), default=0.0) + _BETTER
    for turns in (1, 3, 2):
        turned = np.ascontiguousarray(np.rot90(pixels, turns))
        candidates = _detected(turned, model, _QUARTER_SIDE)
        score = max((each.score for each in candidates), default=0.0)
        if score > best_score:
            matrix = _back_from_quarter_turns(pixels, turns)
            found = [_at(each, matrix, swapped=turns != 2) for each in candidates]
            best, best_turn, best_score = found, turns, score
    return best, 90.0 * best_turn


def _back_from_quarter_turns(pixels: Pixels, turns: int) -> Matrix:
    """Return where a point of an image that was turned counterclockwise came from."""
    height, width = pixels.shape[:2]
    return np.array(
        {
            1: [[0, -1, width], [1, 0, 0]],
            2: [[-1, 0, width], [0, -1, height]],
            3: [[0, 1, 0], [-1, 0, height]],
        }[turns],
        np.float64,
    )


def _straightened(pixels: Pixels, found: Detection, seen_at: float, model: FaceModel) -> Detection:
    """Return a face with the points that are found after it was turned upright.

    A detector that is made for upright faces can report level eyes in a face that leans by 45 degrees; its score tells.

    Args:
        pixels: The image.
        found: The face in it.
        seen_at: The angle in degrees by which the image was turned when the face was found.
        model: The engine.
    """
    best = found
    for _ in range(_ROUNDS):
        if best.score >= _CERTAIN:
            break
        probes = {angle: _turned_back(pixels, best, angle, model) for angle in (seen_at + _PROBE, seen_at - _PROBE)}
        angle, probe = max(probes.items(), key=lambda item: item[1].score if item[1] else 0.0)
        if probe is None or probe.score <= best.score + _BETTER:
            break
        best, seen_at = probe, angle
    roll = best.landmarks.roll
    turned = None if _between(roll, seen_at) <= _MAX_ROLL else _turned_back(pixels, best, roll, model)
    return best if turned is None or turned.score < best.score - _WORSE else turned


def _between(one: float, other: float) -> float:
    """Return the angle between two directions, 0 to 180 degrees."""
    return abs((one - other + 180) % 360 - 180)


def _turned_back(pixels: Pixels, found: Detection, roll: float, model: FaceModel) -> Detection | None:
    """Turn the surroundings of a face by an angle in degrees, detect it there, and return it as it is in the image."""
    width = 3 * max(found.box.width, found.box.height)
    side = round(min(width, _TURNED_SIDE))
    centre = found.box.centre
    matrix = np.asarray(cv2.getRotationMatrix2D((centre.x, centre.y), roll, side / width), np.float64)
    matrix[:, 2] += side / 2 - np.array(centre)
    turned = np.asarray(cv2.warpAffine(pixels, matrix, (side, side), flags=cv2.INTER_LINEAR), np.uint8)
    middle = (side / 2, side / 2)
    candidates = [each for each in _detected(turned, model, side) if _holds(each.box, middle)]
    nearest = min(candidates, key=lambda each: math.dist(each.box.centre, middle), default=None)
    return None if nearest is None else _at(nearest, inverse(matrix))


def _holds(box: FaceBox, point: tuple[float, float]) -> bool:
    return box.left < point[0] < box.right and box.top < point[1] < box.bottom
