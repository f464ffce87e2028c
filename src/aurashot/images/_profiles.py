"""Rewrite ICC profiles to what decides about colours.

A profile also says who made it, when, for which device (a monitor's number, for example) and under which licence, and
programs put blocks of their own into it. What stays is listed: numbers and tables that colours are computed from, each
to its exact length. Source: ICC.1:2022, sections 7, 9 and 10.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final, TypeAlias, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    _Size: TypeAlias = "Callable[[bytes], int]"

LONGEST: Final = 16 * 1024 * 1024
"""Bytes of a profile; those of printers have up to 4 MB."""
_MOST_TAGS: Final = 100

_CLASSES: Final = {b"scnr", b"mntr", b"prtr", b"spac"}
_SPACES: Final = {b"RGB ", b"GRAY", b"CMYK", b"Lab ", b"XYZ ", b"YCbr", b"HSV ", b"HLS ", b"CMY ", b"Yxy ", b"Luv "}
_CONNECTIONS: Final = {b"XYZ ", b"Lab "}
_D50: Final = b"\0\0\xf6\xd6\0\1\0\0\0\0\xd3\x2d"
_HEADER: Final = 128
_NAME: Final = b"RGB"

_PARAMETERS: Final = (1, 3, 4, 5, 7)
"""How many numbers each kind of parametric curve has."""


def _curve(data: bytes) -> int:
    return 12 + 2 * int.from_bytes(data[8:12])


def _parametric(data: bytes) -> int:
    kind = int.from_bytes(data[8:10])
    return 12 + 4 * _PARAMETERS[kind] if kind < len(_PARAMETERS) else 1 << 32


def _table_8(data: bytes) -> int:
    inputs, outputs, points = data[8:11].ljust(3, b"\0")
    return 48 + 256 * (inputs + outputs) + _cells(inputs, outputs, points)


def _table_16(data: bytes) -> int:
    inputs, outputs, points = data[8:11].ljust(3, b"\0")
    before, after = int.from_bytes(data[48:50]), int.from_bytes(data[50:52])
    return 52 + 2 * (before * inputs + after * outputs + _cells(inputs, outputs, points))


def _cells(inputs: int, outputs: int, points: int) -> int:
    return int(points ** min(inputs, 8)) * outputs


# The exact size of each type of data; of those of version 4 with several parts of their own, all is kept.
_XYZ: Final[dict[bytes, _Size]] = {b"XYZ ": lambda _: 20}
_CURVES: Final[dict[bytes, _Size]] = {b"curv": _curve, b"para": _parametric}
_TABLES: Final[dict[bytes, _Size]] = {b"mft1": _table_8, b"mft2": _table_16, b"mAB ": len, b"mBA ": len}
_ELEMENTS: Final[dict[bytes, _Size]] = {b"mpet": len}
_KEPT: Final[dict[bytes, dict[bytes, _Size]]] = {
    **dict.fromkeys((b"rXYZ", b"gXYZ", b"bXYZ", b"wtpt", b"bkpt"), _XYZ),
    **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC", b"kTRC"), _CURVES),
    **dict.fromkeys((b"A2B0", b"A2B1", b"A2B2", b"B2A0", b"B2A1", b"B2A2"), _TABLES),
    **dict.fromkeys((b"D2B0", b"D2B1", b"D2B2", b"D2B3", b"B2D0", b"B2D1", b"B2D2", b"B2D3"), _ELEMENTS),
    b"chad": {b"sf32": lambda _: 44},
    b"cicp": {b"cicp": lambda _: 12},
}
_ENOUGH: Final = (
    {b"A2B0"},
    {b"kTRC"},
    {b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC"},
)
"""With the tags of one of these, a profile says what colours mean."""


def without_texts(profile: bytes) -> bytes | None:
    """Return a profile with nothing in it but what colours are computed from; None if it cannot be used."""
    header = _header(profile[:_HEADER])
    tags = _tags(profile)
    if header is None or tags is None or not any(needed <= tags.keys() for needed in _ENOUGH):
        return None
    described = {b"desc": _description(header), b"cprt": _licence(header)}
    return _assembled(header, {**described, **tags})


def _header(old: bytes) -> bytes | None:
    kind, space, connection = old[12:16], old[16:20], old[20:24]
    known = kind in _CLASSES and space in _SPACES and connection in _CONNECTIONS
    if len(old) < _HEADER or old[36:40] != b"acsp" or not known or old[8] not in {2, 4, 5}:
        return None
    intent = min(int.from_bytes(old[64:68]), 3)
    version = bytes((old[8], old[9] & 0xF0, 0, 0))
    fixed = bytes(12) + b"acsp" + bytes(24) + intent.to_bytes(4) + _D50
    return bytes(8) + version + kind + space + connection + fixed + bytes(48)


def _tags(profile: bytes) -> dict[bytes, bytes] | None:
    """Return the tags that stay; None if one of them is broken."""
    number = int.from_bytes(profile[_HEADER : _HEADER + 4])
    if number > _MOST_TAGS or len(profile) > LONGEST:
        return None
    table = profile[_HEADER + 4 : _HEADER + 4 + 12 * number]
    if len(table) < 12 * number:
        return None
    tags: dict[bytes, bytes] = {}
    for name, offset, size in cast("Iterable[tuple[bytes, int, int]]", struct.iter_unpack(">4sII", table)):
        if name in _KEPT and name not in tags:
            exact = _exact(_KEPT[name], profile[offset : offset + size])
            if exact is None:
                return None
            tags[name] = exact
    return tags


def _exact(types: dict[bytes, _Size], data: bytes) -> bytes | None:
    size = types[data[:4]](data) if data[:4] in types else len(data) + 1
    return data[:4] + bytes(4) + data[8:size] if 12 <= size <= len(data) else None


def _description(header: bytes) -> bytes:
    old = b"desc" + bytes(4) + (len(_NAME) + 1).to_bytes(4) + _NAME + bytes(79)
    return _localized(_NAME) if header[8] >= 4 else old


def _licence(header: bytes) -> bytes:
    return _localized(b"CC0") if header[8] >= 4 else b"text" + bytes(4) + b"CC0\0"


def _localized(text: bytes) -> bytes:
    wide = text.decode().encode("utf-16-be")
    head = struct.pack(">III2s2sII", 0, 1, 12, b"en", b"US", len(wide), 28)
    return b"mluc" + head + wide


def _assembled(header: bytes, tags: dict[bytes, bytes]) -> bytes:
    offset = _HEADER + 4 + 12 * len(tags)
    table, data = bytearray(len(tags).to_bytes(4)), bytearray()
    places: dict[bytes, bytes] = {}  # equal tags share their data
    for name, content in tags.items():
        if content not in places:
            places[content] = (offset + len(data)).to_bytes(4) + len(content).to_bytes(4)
            data += content + bytes(-len(content) % 4)
        table += name + places[content]
    whole = header[4:] + table + data
    return (4 + len(whole)).to_bytes(4) + bytes(whole)
