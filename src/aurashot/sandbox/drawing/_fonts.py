"""Choose a font for a text. Pillow's bundled font has Latin letters only; other scripts need an installed font."""

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
# Families with many scripts, by the start of their file names; only the last one has no Chinese.
_FAMILIES: Final = ("NotoSansCJK", "SourceHanSans", "wqy-", "Hiragino", "msyh", "Arial Unicode", "DejaVuSans.")
_MISSING: Final = "\U0010ffff"  # no font has this character, so it shows the glyph for missing ones

_LONGEST: Final = 240  # more characters never fit


def fitted(text: str, substitute: str, size: int, width: float) -> tuple[str, Font]:
    """Return the text, shortened to a width in pixels, and a font; the substitute if no font has its characters."""
    text = text[:_LONGEST].encode(errors="replace").decode()
    font = font_for(text, size)
    if font is None:
        text, font = substitute, _bundled_font(size)
    while font.getlength(text) > width and len(text) > len("..."):
        text = f"{text[:-5].rstrip()}..."
    return text, font


def font_for(text: str, size: int) -> Font | None:
    """Return Pillow's bundled font if it has the characters, else an installed font that has them, else None."""
    if _has(_bundled_font(size), text):
        return _bundled_font(size)
    return next((font for font in _installed_fonts(size) if _has(font, text)), None)


def _has(font: Font, text: str) -> bool:
    """Return whether the font has all characters: it draws each of them differently from a missing one."""
    missing = _drawn(font, _MISSING)
    return all(_drawn(font, character) != missing for character in set(text) if not character.isspace())


def _drawn(font: Font, character: str) -> bytes:
    """Return the pixels of a character."""
    image = Image.new("L", (48, 48))
    ImageDraw.Draw(image).text((8, 8), character, fill=255, font=font)
    return image.tobytes()


@cache
def _bundled_font(size: int) -> Font:
    """Return Pillow's bundled font."""
    return ImageFont.load_default(size)


@cache
def _installed_fonts(size: int) -> tuple[ImageFont.FreeTypeFont, ...]:
    """Return the installed fonts with many scripts, those with the most scripts first."""
    return tuple(ImageFont.truetype(path, size) for path in _font_files())


@cache
def _font_files() -> tuple[str, ...]:
    """Return the font files of the known families, in the order of the families."""
    paths = [path for folder in _FOLDERS for path in sorted(Path(folder).expanduser().rglob("*.[to]t[fc]"))]
    return tuple(str(path) for family in _FAMILIES for path in paths if path.name.startswith(family))
