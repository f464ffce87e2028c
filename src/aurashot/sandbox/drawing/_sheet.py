"""The ID photo: four views of one person on a neutral background."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from PIL import Image, ImageDraw

from aurashot.sandbox.drawing._body import Outfit
from aurashot.sandbox.drawing._compose import annotated, dress, head_of, outfit_for, place_person
from aurashot.sandbox.drawing._face import Box
from aurashot.sandbox.drawing._fonts import fitted
from aurashot.sandbox.drawing._light import LIGHTS
from aurashot.sandbox.drawing._primitives import gradient
from aurashot.sandbox.drawing._prompt import parse_prompt
from aurashot.sandbox.drawing._warp import smile, turn

if TYPE_CHECKING:
    from aurashot.sandbox.drawing._matte import Cutout

_TILE: Final = 512
_FACE: Final = Box(176, 134, 336, 344)
_GREY: Final = (112, 118, 128)
_BACKGROUND: Final = ((0.0, (236, 238, 241)), (0.6, (224, 227, 231)), (1.0, (206, 210, 216)))


def id_photo(face: Image.Image, *, prompt: str | None) -> Image.Image:
    """Return four views of the person in `face`, 1024 by 1024 pixels: front, left, right, smiling.

    The turned heads are approximate, and labelled so: the warp looks like about thirty degrees.
    """
    head, parsed = head_of(face), parse_prompt(prompt or "")
    outfit = outfit_for(parsed, prompt or "", None) if parsed.changes_clothes else Outfit("casual", _GREY)
    poses = {
        "front": head,
        "left 45\N{DEGREE SIGN} (approximate)": turn(head, "left"),
        "right 45\N{DEGREE SIGN} (approximate)": turn(head, "right"),
        "smiling": replace(head, image=smile(head.image, head.face)),
    }
    sheet, matte = Image.new("RGB", (2 * _TILE, 2 * _TILE)), Image.new("L", (2 * _TILE, 2 * _TILE))
    for place, (label, pose) in enumerate(poses.items()):
        corner = place % 2 * _TILE, place // 2 * _TILE
        tile, silhouette = _tile(pose, outfit, label)
        sheet.paste(tile, corner)
        matte.paste(silhouette, corner)
    return annotated(sheet, _FACE, matte, face)


def _tile(head: Cutout, outfit: Outfit, label: str) -> tuple[Image.Image, Image.Image]:
    """Return one quarter of the sheet, and the matte of its person."""
    backdrop = gradient((_TILE, _TILE), _BACKGROUND)
    person = dress(head, backdrop, _FACE, outfit, "sheet")
    tile = place_person(person, backdrop, LIGHTS["day"], 0.4)
    text, font = fitted(label, label.replace("\N{DEGREE SIGN}", " degrees"), 16, _TILE)
    draw, half = ImageDraw.Draw(tile), round(font.getlength(text) / 2) + 14
    draw.rounded_rectangle((256 - half, 474, 256 + half, 502), 14, fill=(246, 247, 249))
    draw.text((256, 488), text, font=font, fill=(52, 56, 64), anchor="mm")
    draw.rectangle((0, 0, _TILE - 1, _TILE - 1), outline=(246, 247, 249), width=2)
    return tile, person.matte
