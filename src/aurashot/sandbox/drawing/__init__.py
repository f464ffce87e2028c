"""The sandbox's images: pure functions from images to images, drawn on the CPU.

They emulate what the service returns, with the real face pixels of the anchor, and are marked SANDBOX; no model is
involved. Equal inputs give equal pixels.
"""

from __future__ import annotations

from aurashot.sandbox.drawing._compose import generate
from aurashot.sandbox.drawing._edit import edit
from aurashot.sandbox.drawing._marks import Marks, decode, encode, encode_plain
from aurashot.sandbox.drawing._portrait import draw_portrait
from aurashot.sandbox.drawing._sheet import id_photo

__all__ = ["Marks", "decode", "draw_portrait", "edit", "encode", "encode_plain", "generate", "id_photo"]
