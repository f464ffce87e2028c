"""Put a person into a scene: `generate`, and the steps that it shares with `edit` and the ID sheet."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from PIL import Image, ImageOps

from aurashot.sandbox.drawing._body import Outfit, draw_body
from aurashot.sandbox.drawing._face import BOX_KEY, FACE_KEY, Box, find_face
from aurashot.sandbox.drawing._foreground import draw_table
from aurashot.sandbox.drawing._light import Light, light_in, light_person
from aurashot.sandbox.drawing._marks import MATTE_KEY, known_matte, matte_text, without_footer
from aurashot.sandbox.drawing._matte import Cutout, cut_head
from aurashot.sandbox.drawing._primitives import Colour, blurred, faded, generator
from aurashot.sandbox.drawing._prompt import COLOURS, ParsedPrompt, parse_prompt
from aurashot.sandbox.drawing._scenes import draw_scene, light_of, photographed_scene
from aurashot.sandbox.drawing._warp import smile

SIZE: Final = (832, 1040)
_FACE_HEIGHT: Final = 0.232  # of the image's height
_GARMENTS: Final = ("casual", "shirt", "sweater", "hoodie", "jacket")
_GARMENT_COLOURS: Final = {"suit": "navy", "shirt": "white", "jacket": "black"}
_WIDEST: Final = 1.18  # width of head and hair, in face heights, above which the face box is too small
_SHORTEST, _LONGEST, _LEAST = 512, 1536, 64  # pixels per side of the images that are processed
_COLOURLESS: Final = 5.0  # the mean chroma below which a face counts as black-and-white


@dataclass(frozen=True, slots=True)
class Person:
    """An image of a person: the pixels, the matte of the person, and the box of the face."""

    image: Image.Image
    matte: Image.Image
    face: Box


def generate(face: Image.Image, *, prompt: str, clothes: Image.Image | None, scene: Image.Image | None) -> Image.Image:
    """Return the person of `face` in a scene, 832 by 1040 pixels; references override the prompt."""
    parsed, head = parse_prompt(prompt), head_of(face)
    if parsed.smiling:
        head = replace(head, image=smile(head.image, head.face))
    background = draw_scene(SIZE, parsed, prompt) if scene is None else photographed_scene(SIZE, prepared(scene))
    light = light_of(parsed) if scene is None else light_in(background)
    person = dress(head, background, _face_box(prompt), outfit_for(parsed, prompt, clothes), prompt)
    image, matte = place_person(person, background, light, 0.8), person.matte
    if scene is None and parsed.scene == "cafe":
        image, matte = draw_table(image, matte, light)
    if _is_colourless(head):
        image = ImageOps.grayscale(image).convert("RGB")
    return annotated(image, person.face, matte, face)


def head_of(original: Image.Image) -> Cutout:
    """Cut the head out of any image."""
    image = prepared(original)
    face, matte = find_face(image), known_matte(image)
    head = cut_head(image, face, matte=matte)
    too_wide = head.width / _WIDEST
    return (
        cut_head(image, face.grown(1.1 * too_wide))
        if too_wide > 1 and not {FACE_KEY, BOX_KEY} & {*image.info}
        else head
    )


def prepared(original: Image.Image) -> Image.Image:
    """Return the image without a footer, scaled to 512 to 1536 pixels per side."""
    image = without_footer(original)
    zoom = min(_LONGEST / max(image.size), max(1.0, _SHORTEST / min(image.size)))
    size = max(_LEAST, round(image.width * zoom)), max(_LEAST, round(image.height * zoom))
    if size == image.size:
        return image
    scaled = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2)
    scaled.info = {}  # its boxes are in pixels of the old size
    return scaled


def annotated(image: Image.Image, face: Box, matte: Image.Image, source: Image.Image) -> Image.Image:
    """Store the face box and the matte in the image's `info`, for `encode` and for the next operation.

    The key of the box says whether the face was drawn, as in the image that it comes from.
    """
    key = FACE_KEY if FACE_KEY in source.info else BOX_KEY
    image.info = {key: str(face), MATTE_KEY: matte_text(matte)}
    return image


def dress(head: Cutout, background: Image.Image, face: Box, outfit: Outfit, seed: str) -> Person:
    """Return the head on drawn shoulders, with the face in this box of the background."""
    canvas = background.copy()
    matte = draw_body(canvas, face, _skin(head), outfit, seed)
    on = _fitted(head, face)
    corner = face.left - on.face.left, face.top - on.face.top
    canvas.paste(on.image, corner, on.matte)
    matte.paste(255, (*corner, corner[0] + on.matte.width, corner[1] + on.matte.height), on.matte)
    return Person(canvas, matte, face)


def place_person(person: Person, background: Image.Image, light: Light, share: float) -> Image.Image:
    """Return the background with the person in front, in its light and with a soft shadow around them."""
    shadow = faded(blurred(person.matte, person.face.height / 7), 0.30)
    behind = Image.composite(Image.new("RGB", background.size, (14, 12, 22)), background, shadow)
    return Image.composite(light_person(person.image, person.matte, light, share), behind, person.matte)


def outfit_for(parsed: ParsedPrompt, seed: str, cloth: Image.Image | None) -> Outfit:
    """Return the outfit that the prompt asks for; the seed determines the rest."""
    random = generator("outfit", seed)
    garment = parsed.clothes or _GARMENTS[int(random.integers(len(_GARMENTS)))]
    usual = _GARMENT_COLOURS.get(garment) or list(COLOURS)[int(random.integers(len(COLOURS)))]
    if cloth is None:
        return Outfit(garment, parsed.clothes_colour or COLOURS[usual])
    cloth = prepared(cloth)
    middle = ImageOps.fit(cloth, (8, 8), bleed=0.25).resize((1, 1), Image.Resampling.BOX)
    colour: Colour = tuple(np.asarray(middle)[0, 0].tolist())
    return Outfit(parsed.clothes or "casual", colour, cloth)


def _face_box(seed: str) -> Box:
    """Return the face box of a generated image: near the middle, slightly to one side."""
    height = round(_FACE_HEIGHT * SIZE[1])
    width = round(0.76 * height)
    left = round((0.5 + generator("spot", seed).uniform(-0.05, 0.05)) * SIZE[0] - width / 2)
    top = round(0.185 * SIZE[1])
    return Box(left, top, left + width, top + height)


def _fitted(head: Cutout, face: Box) -> Cutout:
    """Return the head, scaled to the height of the face box."""
    zoom = face.height / head.face.height
    size = round(head.image.width * zoom), round(head.image.height * zoom)
    scaled = [image.resize(size, Image.Resampling.LANCZOS) for image in (head.image, head.matte)]
    left = round(head.face.centre[0] * zoom - face.width / 2)
    top = round(head.face.top * zoom)
    return Cutout(scaled[0], scaled[1], Box(left, top, left + face.width, top + face.height))


def _skin(head: Cutout) -> Colour:
    """Return the median colour of cheeks and chin."""
    face = head.face
    left, right = face.left + 0.25 * face.width, face.right - 0.25 * face.width
    patch = head.image.crop((round(left), round(face.top + 0.55 * face.height), round(right), round(face.bottom - 2)))
    red, green, blue = np.median(np.asarray(patch).reshape(-1, 3), axis=0).round().astype(int).tolist()
    return red, green, blue


def _is_colourless(head: Cutout) -> bool:
    """Return whether the face is black-and-white; the generated image then is, too."""
    pixels = np.asarray(head.image.crop((head.face.left, head.face.top, head.face.right, head.face.bottom)), np.int16)
    return float((pixels.max(axis=2) - pixels.min(axis=2)).mean()) < _COLOURLESS
