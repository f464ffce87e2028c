"""Faces in the terminal, where it shows images: with Sixel or kitty's graphics protocol."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from PIL.Image import Image

CELLS: Final = 16
"""Columns of the terminal that a face takes; the gap to the next one comes on top."""
_GAP: Final = 2
WIDEST: Final = 48
"""Columns that a single image takes at most."""


@dataclass(frozen=True, slots=True)
class Row:
    """Faces side by side, and the lines of captions below them."""

    image: Any
    captions: tuple[str, ...]


def renderable() -> Any:
    """Return the class that renders images for this terminal; None if it shows none.

    The terminal is asked, which takes up to 0.2 s, and its answer arrives on standard input.
    """
    interactive = sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    if not interactive:
        return None
    try:
        from textual_image import renderable as found
    except ImportError:
        return None
    return found.Image if found.Image in {found.SixelImage, found.TGPImage} else None


def opened(path: str, columns: int, kind: Any) -> Any:
    """Return an image file as something that the terminal shows; None if it cannot be read.

    Args:
        path: The file.
        columns: The width that it takes.
        kind: What `renderable` returned.
    """
    from PIL import Image

    try:
        with Image.open(path) as image:
            image.thumbnail((1024, 1024))
            return kind(image.convert("RGB"), width=max(1, columns))
    except (OSError, ValueError, Image.DecompressionBombError):
        return None


def rows(faces: Sequence[tuple[Sequence[str], Image | None]], columns: int, kind: Any) -> Iterator[Row]:
    """Return captioned faces as rows that fit into so many columns; where there is no face, a gap is left.

    Args:
        faces: The lines of its caption, as many for each, and a square image.
        columns: The width of the terminal.
        kind: What `renderable` returned.
    """
    count = max(1, columns // (CELLS + _GAP))
    for start in range(0, len(faces), count):
        some = faces[start : start + count]
        width = (CELLS + _GAP) * len(some) - _GAP
        captions = zip(*(lines for lines, _ in some), strict=True)
        yield Row(kind(_side_by_side([face for _, face in some]), width=width), tuple(map(_caption, captions)))


def _side_by_side(faces: Sequence[Image | None]) -> Image:
    from PIL import Image

    side = next((face.width for face in faces if face), CELLS)
    step = side * (CELLS + _GAP) // CELLS
    strip = Image.new("RGB", (step * len(faces) - (step - side), side))
    for place, face in enumerate(faces):
        if face:
            strip.paste(face, (step * place, 0))
    return strip


def _caption(names: Sequence[str]) -> str:
    from rich.cells import cell_len, set_cell_size

    short = [name if cell_len(name) <= CELLS else set_cell_size(name, CELLS - 1) + "…" for name in names]
    return "".join(set_cell_size(name, CELLS + _GAP) for name in short).rstrip()
