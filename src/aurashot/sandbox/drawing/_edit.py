"""Edit an image: change what the prompt asks for, and keep the person."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

from aurashot.sandbox.drawing._compose import Person, annotated, dress, outfit_for, place_person, prepared
from aurashot.sandbox.drawing._face import Box, find_face
from aurashot.sandbox.drawing._light import LIGHTS, Light
from aurashot.sandbox.drawing._marks import known_matte
from aurashot.sandbox.drawing._matte import backdrop, cut_head, cut_person, smoothstep
from aurashot.sandbox.drawing._primitives import cloud, generator, lit
from aurashot.sandbox.drawing._prompt import ParsedPrompt, parse_prompt
from aurashot.sandbox.drawing._scenes import draw_scene, light_of
from aurashot.sandbox.drawing._warp import smile

if TYPE_CHECKING:
    from aurashot.sandbox.drawing._primitives import Floats


_GAIN: Final = (0.7, 1.4)  # limits of the gain per band that matches the face to the target


def edit(target: Image.Image, *, prompt: str, face: Image.Image | None) -> Image.Image:
    """Return the target without its footer, edited as the prompt says.

    The proportions stay the same, and the size stays the same from 512 to 1536 pixels per side. With `face`, the pixels
    of the face come from that reference (the identity lock), matched to the light of the target.
    """
    parsed, image = parse_prompt(prompt), prepared(target)
    box, matte = find_face(image), known_matte(image)
    if face is not None:
        image = _with_face(image, box, face)
    person = Person(image, matte or cut_person(image, box), box)
    if parsed.smiling:
        person = Person(smile(image, box), person.matte, box)
    if parsed.changes_clothes:
        person = _in_new_clothes(person, parsed, prompt)
    return annotated(_in_new_scene(person, parsed, prompt), box, person.matte, face or target)


def _in_new_scene(person: Person, parsed: ParsedPrompt, prompt: str) -> Image.Image:
    """Return the person in the new scene, or else in the old scene with new light, or with new colours."""
    if parsed.changes_scene:
        return place_person(person, draw_scene(person.image.size, parsed, prompt), light_of(parsed), 0.8)
    if parsed.light:
        return _in_new_light(person, LIGHTS[parsed.light])
    return person.image if parsed.changes_clothes or parsed.smiling else _in_new_colours(person, prompt)


def _in_new_clothes(person: Person, parsed: ParsedPrompt, prompt: str) -> Person:
    """Return the person in other clothes, in front of the same background."""
    head = cut_head(person.image, person.face, matte=person.matte)
    return dress(head, backdrop(person.image, person.matte), person.face, outfit_for(parsed, prompt, None), prompt)


def _in_new_light(person: Person, light: Light) -> Image.Image:
    """Return the image in another light, which changes the background more than the person."""
    tint = np.asarray(light.tint, dtype=np.float32) ** 2
    background = lit(person.image, np.broadcast_to(tint * (0.35 + 0.65 * light.ambient), (1, 1, 3)))
    return place_person(person, background, light, 1.0)


def _in_new_colours(person: Person, prompt: str) -> Image.Image:
    """Return the image with a tint from the digest of the prompt, in which no word was recognised."""
    random = generator("grade", prompt)
    tint = random.uniform(0.78, 1.16, 3).astype(np.float32)
    mist = 1 + 0.12 * cloud(person.image.size, random, 3)
    red, green, blue = (float(band) for band in 1 + (tint - 1) * 0.3)
    light = replace(LIGHTS["day"], tint=(red, green, blue))
    return place_person(person, lit(person.image, mist[..., None] * tint), light, 1.0)


def _with_face(image: Image.Image, target: Box, face: Image.Image) -> Image.Image:
    """Return the image with the face of a reference, scaled, matched in colour and feathered at the edge."""
    source = prepared(face)
    box = find_face(source)
    margin = 0.12
    size = round(target.width * (1 + 2 * margin)), round(target.height * (1 + 2 * margin))
    frame = (
        box.left - margin * box.width,
        box.top - margin * box.height,
        box.right + margin * box.width,
        box.bottom + margin * box.height,
    )
    new = source.transform(size, Image.Transform.EXTENT, frame, Image.Resampling.BICUBIC)
    corner = round(target.left - margin * target.width), round(target.top - margin * target.height)
    old = image.crop((*corner, corner[0] + size[0], corner[1] + size[1]))
    oval = _oval(size)
    result = image.copy()
    result.paste(_matched(new, old, oval), corner, Image.fromarray((oval * 255).astype(np.uint8)))
    return result


def _oval(size: tuple[int, int]) -> Floats:
    """Return a feathered oval from brows to chin, without hairline and ears."""
    x = (np.arange(size[0]) + 0.5) / size[0] * 2 - 1
    y = (np.arange(size[1]) + 0.5) / size[1] * 2 - 1
    radius = np.sqrt((x[None, :] / 0.74) ** 2 + ((y[:, None] - 0.04) / 0.78) ** 2)
    return smoothstep(1.0, 0.72, radius)


def _matched(new: Image.Image, old: Image.Image, oval: Floats) -> Image.Image:
    """Return the new face with the mean brightness and tint of the old one."""
    weight = (oval / oval.sum())[..., None]
    means = [(np.asarray(image, dtype=np.float32) * weight).sum(axis=(0, 1)) + 1 for image in (old, new)]
    return lit(new, np.broadcast_to((means[0] / means[1]).clip(*_GAIN), (1, 1, 3)))
