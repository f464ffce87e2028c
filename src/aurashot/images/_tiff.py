"""How many values the fields of a TIFF file have: Pillow makes an object of each, and of each strip of pixels.

Sources: TIFF 6.0, section 2; the BigTIFF specification.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple

from aurashot.images._window import TooManyPartsError, Window

if TYPE_CHECKING:
    from typing import Literal

MOST_VALUES: Final = 100_000
"""How many numbers a field may have; an image of 50,000 rows with a strip for each has 50,000."""
_MOST_FIELDS: Final = 4_096
_BYTES: Final = frozenset((1, 2, 6, 7))
"""The types of fields whose values are kept as bytes."""


class _Layout(NamedTuple):
    """Where numbers are, and their sizes in bytes."""

    first: int
    offset: int
    number: int
    field: int


_LAYOUTS: Final = {42: _Layout(4, 4, 2, 12), 43: _Layout(8, 8, 8, 20)}


def check_values(file: BinaryIO) -> None:
    """Check how many values the fields of the first image have.

    Raises:
        TooManyPartsError: There are more than an image has.
    """
    window = Window(file)
    order: Literal["little", "big"] = "little" if window.at(0, 2) == b"II" else "big"

    def number(at: int, size: int) -> int:
        return int.from_bytes(window.at(at, size), order)

    layout = _LAYOUTS.get(number(2, 2), _LAYOUTS[42])
    directory = number(layout.first, layout.offset)
    fields = number(directory, layout.number)
    if fields > _MOST_FIELDS:
        raise TooManyPartsError(f"more than {_MOST_FIELDS:,} fields")
    start = directory + layout.number
    for at in range(start, start + fields * layout.field, layout.field):
        if number(at + 2, 2) not in _BYTES and number(at + 4, layout.offset) > MOST_VALUES:
            raise TooManyPartsError(f"more than {MOST_VALUES:,} values in a field")
