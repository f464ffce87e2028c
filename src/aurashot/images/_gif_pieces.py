"""Rewrite GIF files to what decides how they look; of compressed pixels, what follows their end goes.

Comments, plain texts and the blocks of applications go, except how often an animation repeats. Source: GIF89a.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aurashot.images._containers import colour_table
from aurashot.images._jpeg import MalformedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aurashot.images._containers import Part
    from aurashot.images._window import Window

_SCREEN_END: Final = 13
_CONTROL, _APPLICATION = b"\xf9", b"\xff"
_CONTROL_FIELDS: Final = 0x1F
_LOOPS: Final = (b"\x0bNETSCAPE2.0\3\1", b"\x0bANIMEXTS1.0\3\1")
_MOST_BITS: Final = 12
_LONGEST_BLOCK: Final = 255
_EVERY: Final = 0xFFFF


def gif_pieces(window: Window, parts: Sequence[Part]) -> Iterator[bytes]:
    """Yield a complete GIF file without metadata, piece by piece.

    Raises:
        MalformedError: Its pixels are not compressed as they should be.
    """
    yield window.at(0, _SCREEN_END + colour_table(window.at(10, 1)))
    control, repeats = b"", False
    for part in parts:
        label = part.content[:1]
        if part.kind == b",":
            yield control
            yield from _image(window, part)
            control = b""
        elif part.kind == b"!" and label == _CONTROL and part.content[1:2] == b"\4":
            packed, rest = part.content[2] & _CONTROL_FIELDS, part.content[3:6]
            control = b"!\xf9\4" + bytes([packed]) + rest + b"\0"
        elif part.kind == b"!" and label == _APPLICATION and part.content[1:15] in _LOOPS and not repeats:
            yield b"!\xff" + _LOOPS[0] + part.content[15:17] + b"\0"
            repeats = True
    yield b";"


def _image(window: Window, part: Part) -> Iterator[bytes]:
    """Yield an image: where it is, its colours, and its pixels in blocks of the usual length."""
    head = window.at(part.start, 10)
    start = part.start + 10 + colour_table(head[9:])
    yield window.at(part.start, start + 1 - part.start)
    pixels = int.from_bytes(head[5:7], "little") * int.from_bytes(head[7:9], "little")
    (smallest,) = window.at(start, 1)
    data = _end_of_pixels(window, _joined(window, start + 1, part.end), smallest, pixels)
    for at in range(0, len(data), _LONGEST_BLOCK):
        block = data[at : at + _LONGEST_BLOCK]
        yield bytes([len(block)]) + block
    yield b"\0"


def _joined(window: Window, start: int, end: int) -> bytes:
    """Return the content of the blocks of a span."""
    held, joined = b"", bytearray()
    for block in window.blocks(start, end):
        held += block
        at = 0
        while at < len(held) and at + held[at] < len(held):
            joined += held[at + 1 : at + 1 + held[at]]
            at += held[at] + 1
        held = held[at:]
    return bytes(joined)


def _end_of_pixels(window: Window, data: bytes, smallest: int, pixels: int) -> bytes:
    """Return compressed pixels up to their end: after so many pixels, or at the code that says so before.

    Only the lengths of what codes stand for are followed, and not the pixels.
    """
    if not 1 <= smallest < _MOST_BITS:
        raise MalformedError("its pixels are not compressed as they should be")
    clear = 1 << smallest
    width, lengths, previous = smallest + 1, [1] * clear + [0, 0], 0
    held = bits = used = 0
    for number, byte in enumerate(data):
        held |= byte << bits
        bits += 8
        if not number & _EVERY:
            window.check()
        while bits >= width:
            code = held & ((1 << width) - 1)
            if pixels <= 0 and code != clear + 1:
                return _closed(data, used, width, clear + 1)
            held >>= width
            bits -= width
            used += width
            if code == clear + 1:
                return _closed(data, used - width, width, code)
            if code == clear:
                width, previous = smallest + 1, 0
                del lengths[clear + 2 :]
                continue
            if previous and len(lengths) < 1 << _MOST_BITS:
                lengths.append(previous + 1)
                width += len(lengths) == 1 << width < 1 << _MOST_BITS
            if code >= len(lengths):
                raise MalformedError("its pixels are not compressed as they should be")
            previous = lengths[code]
            pixels -= previous
    return _closed(data, used, width, clear + 1) if pixels <= 0 else data


def _closed(data: bytes, used: int, width: int, code: int) -> bytes:
    """Return so many bits of data and the code of the end behind them."""
    whole, bits = divmod(used, 8)
    last = int.from_bytes(data[whole : whole + 1]) & ((1 << bits) - 1) | code << bits
    return data[:whole] + last.to_bytes(-(-(bits + width) // 8), "little")
