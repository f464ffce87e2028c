"""Find and remove metadata that identifies people or places, without changing a pixel.

What stays is listed, rather than what goes: the parts that decide how the image looks, its ICC profile among them, and
of each part the fields that its format gives it. EXIF (with the GPS position), XMP, IPTC, comments, texts, times,
embedded second images, trailing data and everything unknown are left out. A file is without metadata if it is what
rewriting it would give.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, BinaryIO, Final

from aurashot.images._containers import Part, is_last, walk
from aurashot.images._gif_pieces import gif_pieces
from aurashot.images._jpeg import MalformedError, jpeg_pieces
from aurashot.images._orientation import (
    UPRIGHT,
    XMP_PREFIX,
    Statements,
    stated_in_exif,
    stated_in_png_text,
    stated_in_xmp,
)
from aurashot.images._png_pieces import png_pieces
from aurashot.images._scans import Suspect, suspects
from aurashot.images._webp_pieces import webp_pieces
from aurashot.images._window import Window, unlimited

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from aurashot.images._window import Check, Piece

_PNG_TEXTS: Final = (b"tEXt", b"zTXt", b"iTXt")
_STATING: Final = {"image/jpeg": (b"\xe1",), "image/png": (b"eXIf", *_PNG_TEXTS), "image/webp": (b"EXIF", b"XMP ")}
_HEADS: Final = {"image/jpeg": 4, "image/png": 8, "image/webp": 8}  # bytes before the content of a part
_TAILS: Final = {"image/png": 4}  # bytes after it

_METADATA_LIMIT: Final = 1024 * 1024
_PIECES: Final[dict[str, Callable[[Window, Sequence[Part]], Iterator[Piece]]]] = {
    "image/jpeg": jpeg_pieces,
    "image/png": png_pieces,
    "image/webp": webp_pieces,
    "image/gif": gif_pieces,
}


@dataclass(frozen=True, slots=True)
class Survey:
    """What a walk through a file has found.

    Attributes:
        complete: Whether the end of the file is there.
        identifying: Whether it has metadata to remove.
        orientation: The orientation that EXIF or XMP states, 1 to 8; 1 is upright.
        lossless: Whether it is a lossless WebP.
        doubtful: Whether its parts are not what its format says, so that they cannot be copied.
        parts: The parts of the file.
        suspects: Where something may have been put behind the pixels of a JPEG or WebP file.
    """

    complete: bool = False
    identifying: bool = False
    doubtful: bool = False
    orientation: int = UPRIGHT
    lossless: bool = False
    suspects: tuple[Suspect, ...] = ()
    parts: tuple[Part, ...] = field(default=(), compare=False, repr=False)


def survey(file: BinaryIO, media_type: str, check: Check = unlimited) -> Survey:
    """Look through a JPEG, PNG, WebP or GIF file from part to part; nothing is decoded.

    Raises:
        TooManyPartsError: It has more parts than an image has.
    """
    window = Window(file, check)
    stated = Statements()
    parts: list[Part] = []
    for part in walk(window, media_type):
        parts.append(part)
        _state(stated, window, part, media_type)
    if not parts or not is_last(parts[-1], media_type):
        return Survey(orientation=stated.orientation)
    found = Survey(
        complete=True,
        orientation=stated.orientation,
        lossless=any(map(_is_lossless, parts)),
        parts=tuple(parts),
    )
    try:
        clean = window.consists_of(_PIECES[media_type](window, parts))
        places = suspects(window, parts, media_type) if found.orientation == UPRIGHT else ()
        return replace(found, identifying=not clean, suspects=places)
    except MalformedError:
        return replace(found, identifying=True, doubtful=True)


def without_metadata(file: BinaryIO, media_type: str, check: Check = unlimited, parts: Sequence[Part] = ()) -> bytes:
    """Return a complete file without identifying metadata; its pixels are kept byte for byte.

    Args:
        file: The file.
        media_type: Its type.
        check: Called now and then.
        parts: Its parts, if they are known.

    Raises:
        MalformedError: Its parts are not what its format says.
    """
    window = Window(file, check)
    return window.joined(_PIECES[media_type](window, parts or list(walk(window, media_type))))


def _is_lossless(part: Part) -> bool:
    frame_data = part.content[16:20] if part.kind == b"ANMF" else part.kind
    return frame_data == b"VP8L"


def _state(stated: Statements, window: Window, part: Part, media_type: str) -> None:
    """Add what a part states about the orientation."""
    if part.kind not in _STATING.get(media_type, ()):
        return
    start = part.start + _HEADS[media_type]
    size = min(part.end - _TAILS.get(media_type, 0) - start, _METADATA_LIMIT, stated.left)
    content = window.at(start, size) if size > 0 else b""
    stated.left -= len(content)
    if part.kind in _PNG_TEXTS:
        if found := stated_in_png_text(part.kind, content, stated.left):
            stated.add(*found[0])
            stated.left -= found[1]
    elif part.kind == b"XMP " or content.startswith(XMP_PREFIX):
        stated.add("XMP", stated_in_xmp(content))
    else:
        stated.add("EXIF", stated_in_exif(content))
