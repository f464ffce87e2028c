"""Change an image as the prompt says and keep its person."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from aurashot.sandbox.drawing._brush import cloud, generator, lit
from aurashot.sandbox.drawing._compose import Person, dressed, noted, outfit_for, prepared, stand
from aurashot.sandbox.drawing._face import Box, find_face
from aurashot.sandbox.drawing._light import LIGHTS
from aurashot.sandbox.drawing._marks import known_matte
from aurashot.sandbox.drawing._matte import backdrop, cut_head, cut_person, smoothstep
from aurashot.sandbox.drawing._scenes import light_of, paint_scene, weathered
from aurashot.sandbox.drawing._warp import smile
from aurashot.sandbox.drawing._words import Wish, read

Floats: TypeAlias = NDArray[np.floating[Any]]

_GAIN: Final = (0.7, 1.4)  # how far the locked face is brightened or darkened to match the target, per band


def edit(target: Image.Image, *, prompt: str, face: Image.Image | None) -> Image.Image:
    """Return the target without its footer, changed as the prompt says.

    It keeps its proportions and, from 512 to 1536 pixels a side, its size.

    With `face`, the face pixels come from it (the identity lock), matched to the target's light.
    """
    wish, image = read(prompt), prepared(target)
    spot, matte = find_face(image), known_matte(image)
    if face is not None:
        image = locked(image, spot, face)
    person = Person(image, matte or cut_person(image, spot), spot)
    if wish.smiling:
        person = Person(smile(image, spot), person.matte, spot)
    if wish.changes_clothes:
        person = _changed(person, wish, prompt)
    return noted(_placed(person, wish, prompt), spot, person.matte)


def _placed(person: Person, wish: Wish, prompt: str) -> Image.Image:
    """Return the person in the new scene; without one, in the old scene in the new light, or in another mood."""
    if wish.changes_scene:
        return stand(person, paint_scene(person.image.size, wish, prompt), light_of(wish), 0.8)
    if wish.light or wish.weather:
        return _relit(person, wish, prompt)
    return person.image if wish.changes_clothes or wish.smiling else _graded(person, prompt)


def _changed(person: Person, wish: Wish, prompt: str) -> Person:
    """Return the person in other clothes, before their old surroundings."""
    head = cut_head(person.image, person.face, matte=person.matte)
    return dressed(head, backdrop(person.image, person.matte), person.face, outfit_for(wish, prompt, None), prompt)


def _relit(person: Person, wish: Wish, prompt: str) -> Image.Image:
    """Return the same image in another light and weather, which show in the surroundings more than on the person."""
    light = LIGHTS[wish.light or "overcast"]
    tint = np.asarray(light.tint, dtype=np.float32) ** 2
    place = lit(person.image, np.broadcast_to(tint * (0.35 + 0.65 * light.ambient), (1, 1, 3)))
    return stand(person, weathered(place, wish, prompt), light, 1.0)


def _graded(person: Person, prompt: str) -> Image.Image:
    """Return the image in a mood that the digest of the prompt decides: no word of it was understood."""
    random = generator("grade", prompt)
    tint = random.uniform(0.78, 1.16, 3).astype(np.float32)
    mist = 1 + 0.12 * cloud(person.image.size, random, 3)
    red, green, blue = (float(band) for band in 1 + (tint - 1) * 0.3)
    light = replace(LIGHTS["day"], tint=(red, green, blue))
    return stand(person, lit(person.image, mist[..., None] * tint), light, 1.0)


def locked(image: Image.Image, spot: Box, face: Image.Image) -> Image.Image:
    """Return the image with the face of another in its place: scaled, matched in colour, feathered at the rim."""
    source = prepared(face)
    box = find_face(source)
    margin = 0.12
    size = round(spot.width * (1 + 2 * margin)), round(spot.height * (1 + 2 * margin))
    frame = (
        box.left - margin * box.width,
        box.top - margin * box.height,
        box.right + margin * box.width,
        box.bottom + margin * box.height,
    )
    new = source.transform(size, Image.Transform.EXTENT, frame, Image.Resampling.BICUBIC)
    corner = round(spot.left - margin * spot.width), round(spot.top - margin * spot.height)
    old = image.crop((*corner, corner[0] + size[0], corner[1] + size[1]))
    oval = _oval(size)
    result = image.copy()
    result.paste(_matched(new, old, oval), corner, Image.fromarray((oval * 255).astype(np.uint8)))
    return result


def _oval(size: tuple[int, int]) -> Floats:
    """Return a feathered oval that covers brows to chin and leaves hairline and ears to the target."""
    x = (np.arange(size[0]) + 0.5) / size[0] * 2 - 1
    y = (np.arange(size[1]) + 0.5) / size[1] * 2 - 1
    radius = np.sqrt((x[None, :] / 0.74) ** 2 + ((y[:, None] - 0.04) / 0.78) ** 2)
    return smoothstep(1.0, 0.72, radius)


def _matched(new: Image.Image, old: Image.Image, oval: Floats) -> Image.Image:
    """Return the new face at the mean brightness and tint of the old one."""
    weight = (oval / oval.sum())[..., None]
    means = [(np.asarray(image, dtype=np.float32) * weight).sum(axis=(0, 1)) + 1 for image in (old, new)]
    return lit(new, np.broadcast_to((means[0] / means[1]).clip(*_GAIN), (1, 1, 3)))
