"""Values as SQLite can store them: what a response or a caller puts into one never costs an entry its outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

LARGEST: Final = 2**63 - 1
"""SQLite's whole numbers have 64 bits, one of them for the sign."""


def storable(row: Mapping[str, object]) -> dict[str, object]:
    """Return the values of a row as they can be stored: numbers in range, and text that is Unicode."""
    return {name: _storable(value) for name, value in row.items()}


def _storable(value: object) -> object:
    if value is None or isinstance(value, float | bytes):
        return value
    if isinstance(value, int):
        return max(-LARGEST - 1, min(value, LARGEST))
    return unicode(value if isinstance(value, str) else str(value))


def unicode(text: str) -> str:
    r"""Return a text that has no halves of surrogate pairs: each is written out, as `\\ud800`."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode(errors="backslashreplace").decode()
    return text
