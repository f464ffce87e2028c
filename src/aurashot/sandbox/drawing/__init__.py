"""Draw the sandbox's images on the CPU, with pure functions from images to images.

They emulate the service's images with the face pixels of the reference, and are marked SANDBOX; no model is involved.
The same inputs return the same pixels.
"""

from __future__ import annotations

from aurashot.sandbox.drawing._compose import generate
from aurashot.sandbox.drawing._edit import edit
from aurashot.sandbox.drawing._marks import Marks, decode, encode, encode_plain
from aurashot.sandbox.drawing._portrait import draw_portrait
from aurashot.sandbox.drawing._sheet import id_photo

__all__ = ["Marks", "decode", "draw_portrait", "edit", "encode", "encode_plain", "generate", "id_photo"]
