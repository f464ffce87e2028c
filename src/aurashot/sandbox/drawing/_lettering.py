"""Find letters for a text. Pillow's own font draws ASCII only; other scripts need a font of the machine."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final, TypeAlias

from PIL import Image, ImageDraw, ImageFont

Font: TypeAlias = ImageFont.FreeTypeFont | ImageFont.ImageFont

_FOLDERS: Final = (
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "~/.local/share/fonts",
    "~/.fonts",
    "/System/Library/Fonts",
    "/Library/Fonts",
    "C:/Windows/Fonts",
)
# Families with many scripts, by the start of their file names; Chinese and Japanese need one of the first.
_FAMILIES: Final = (
    "NotoSansCJK",
    "NotoSansSC",
    "SourceHanSans",
    "wqy-",
    "PingFang",
    "msyh",
    "Hiragino",
    "Arial Unicode",
    "DroidSansFallback",
    "unifont",
    "DejaVuSans.",
    "NotoSans-Regular",
)
_MISSING: Final = "\U0010ffff"  # no font has this one, so it shows what a font draws for what it lacks

_LONGEST: Final = 240  # letters that could ever fit


def fitted(text: str, substitute: str, size: int, width: float) -> tuple[str, Font]:
    """Return the text, shortened to a width in pixels, and a font for it; the substitute if no font has its letters."""
    text = text[:_LONGEST].encode(errors="replace").decode()
    font = font_for(text, size)
    if font is None:
        text, font = substitute, _own(size)
    while font.getlength(text) > width and len(text) > len("..."):
        text = f"{text[:-5].rstrip()}..."
    return text, font


def font_for(text: str, size: int) -> Font | None:
    """Return Pillow's own font if it has the letters, else an installed one that has them, else None."""
    if _has(_own(size), text):
        return _own(size)
    return next((font for font in _installed(size) if _has(font, text)), None)


def _has(font: Font, text: str) -> bool:
    """Return whether the font draws each letter differently from a letter that it lacks."""
    missing = _drawn(font, _MISSING)
    return all(_drawn(font, letter) != missing for letter in set(text) if not letter.isspace())


def _drawn(font: Font, letter: str) -> bytes:
    """Return what a font draws for a letter."""
    image = Image.new("L", (48, 48))
    ImageDraw.Draw(image).text((8, 8), letter, fill=255, font=font)
    return image.tobytes()


@cache
def _own(size: int) -> Font:
    """Return the font that Pillow carries."""
    return ImageFont.load_default(size)


@cache
def _installed(size: int) -> tuple[ImageFont.FreeTypeFont, ...]:
    """Return the fonts of the machine that have many scripts, the widest first."""
    return tuple(ImageFont.truetype(path, size) for path in _font_files())


@cache
def _font_files() -> tuple[str, ...]:
    """Return the files of the known families, in the order of the families."""
    paths = [path for folder in _FOLDERS for path in sorted(Path(folder).expanduser().rglob("*.[to]t[fc]"))]
    return tuple(str(path) for family in _FAMILIES for path in paths if path.name.startswith(family))
