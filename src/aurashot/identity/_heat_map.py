"""A heat map as SVG: static, without scripts and external URLs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Sequence

_CELL: Final = 56
_GAP: Final = 2
_LETTER: Final = 7.2
"""The width of a letter of the labels in pixels, about."""
_LONGEST: Final = 24
_PALE: Final = (247, 247, 243)
_DARK: Final = (165, 32, 44)
_NONE: Final = "#e3e3e3"
_FONT: Final = 'font-family="system-ui, sans-serif" font-size="13"'


def heat_map(names: Sequence[str], rows: Sequence[Sequence[float | None]]) -> str:
    """Return a square of coloured cells with numbers, the more alike the redder."""
    labels = [name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…" for name in names]
    margin = round(max(map(len, labels), default=1) * _LETTER) + 24
    size = margin + _CELL * len(names) + 16
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{size}" height="{size}" viewBox="0 0 {size} {size}" {_FONT}>',
        "<title>How alike the faces are: cosines, 1 is the same</title>",
        f'<rect width="{size}" height="{size}" fill="white"/>',
    ]
    for place, (label, row) in enumerate(zip(labels, rows, strict=True)):
        middle = margin + _CELL * place + _CELL // 2
        parts += _axis(label, margin, middle)
        parts += [
            _cell(margin + _CELL * at, margin + _CELL * place, cosine, is_self=at == place)
            for at, cosine in enumerate(row)
        ]
    return "\n".join([*parts, "</svg>", ""])


def _axis(label: str, margin: int, middle: int) -> list[str]:
    text = escape(label)
    return [
        f'<text x="{margin - 10}" y="{middle}" text-anchor="end" dominant-baseline="central">{text}</text>',
        f'<text transform="translate({middle} {margin - 10}) rotate(-90)" dominant-baseline="central">{text}</text>',
    ]


def _cell(x: int, y: int, cosine: float | None, *, is_self: bool) -> str:
    side = _CELL - _GAP
    share = 0.0 if cosine is None else min(max(cosine / 0.7, 0.0), 1.0)
    colour = _NONE if cosine is None or is_self else _mixed(share)
    ink = "white" if share > 0.6 and not is_self else "#222"
    text = "" if cosine is None or is_self else f"{cosine:.2f}"
    return (
        f'<rect x="{x}" y="{y}" width="{side}" height="{side}" rx="4" fill="{colour}"/>'
        f'<text x="{x + side / 2:g}" y="{y + side / 2:g}" fill="{ink}" text-anchor="middle" '
        f'dominant-baseline="central">{text}</text>'
    )


def _mixed(share: float) -> str:
    red, green, blue = (round(pale + (dark - pale) * share) for pale, dark in zip(_PALE, _DARK, strict=True))
    return f"#{red:02x}{green:02x}{blue:02x}"
