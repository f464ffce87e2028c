"""A card for notebooks: an image and what is known about it, as HTML and as plain text. Everything in it is escaped."""

from __future__ import annotations

import base64
import html
from dataclasses import dataclass
from typing import Any, Final

LONGEST: Final = 1_000
"""Characters of a value that are shown."""

_BOX: Final = "display:flex;gap:1em;align-items:flex-start;flex-wrap:wrap;margin:.5em 0"
_IMAGE: Final = "max-width:100%;height:auto;border-radius:4px"
_NAME: Final = "text-align:left;vertical-align:top;font-weight:normal;opacity:.7;white-space:nowrap;padding-right:1em"
_TITLE: Final = "text-align:left;font-weight:bold"
_VALUE: Final = "text-align:left;vertical-align:top;overflow-wrap:anywhere;white-space:pre-wrap"


@dataclass(frozen=True, slots=True)
class CardImage:
    """The image of a card: a small file."""

    content: bytes
    media_type: str
    width: int | None = None
    """In pixels, as it is shown."""


@dataclass(frozen=True, slots=True)
class Card:
    """What a notebook shows for an object.

    Attributes:
        title: What it is.
        rows: What is known about it: names and values.
        image: The image, if there is one to show.
        alt: What stands for the image where it cannot be seen.
    """

    title: str
    rows: tuple[tuple[str, str], ...]
    image: CardImage | None = None
    alt: str = ""

    def html(self) -> str:
        """Return HTML that loads nothing: the image is in it."""
        rows = "".join(_row(name, value) for name, value in self.rows)
        caption = f'<caption style="{_TITLE}">{_safe(self.title)}</caption>'
        table = f"<table>{caption}<tbody>{rows}</tbody></table>"
        return f'<div class="aurashot" style="{_BOX}">{self._img()}{table}</div>'

    def text(self) -> str:
        """Return the same in lines, for where there is no HTML."""
        return "\n".join([self.title, *(f"  {name}: {_visible(value)}" for name, value in self.rows)])

    def bundle(self) -> dict[str, Any]:
        """Return both, by their media types."""
        return {"text/html": self.html(), "text/plain": self.text()}

    def _img(self) -> str:
        if self.image is None:
            return ""
        source = f"data:{self.image.media_type};base64,{base64.b64encode(self.image.content).decode()}"
        width = f' width="{self.image.width}"' if self.image.width else ""
        return f'<img src="{source}" alt="{_safe(self.alt)}"{width} style="{_IMAGE}">'


def _row(name: str, value: str) -> str:
    heading = f'<th scope="row" style="{_NAME}">{_safe(name)}</th>'
    return f'<tr>{heading}<td style="{_VALUE}"><bdi>{_safe(value)}</bdi></td></tr>'


def _safe(text: str) -> str:
    return html.escape(_visible(text), quote=True)


def _visible(text: str) -> str:
    """Return a text in which control characters and half characters are escaped, and which is not too long."""
    text = text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
    return "".join(each if _is_harmless(each) else each.encode("unicode_escape").decode() for each in text)


def _is_harmless(character: str) -> bool:
    return character == "\n" or (character >= " " and not "\x7f" <= character <= "\x9f" and not _is_half(character))


def _is_half(character: str) -> bool:
    return "\ud800" <= character <= "\udfff"
