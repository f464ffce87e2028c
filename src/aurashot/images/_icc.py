"""The ICC profile of an image whose colours are described otherwise: by code points (CICP), or by gamma and primaries.

JPEG and WebP know no other way to say what colours mean, so that such an image gets a profile when it is written.
Sources: ICC.1:2010 (profiles of version 2.4); ITU-T H.273 (code points); PNG third edition, 11.3.2; BT.2100 (PQ, HLG).
"""

from __future__ import annotations

from math import exp
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from aurashot.images._profiles import without_texts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

COLOURS: Final = ("icc_profile", "nclx_profile", "srgb", "gamma", "chromaticity")
"""What the `info` of a Pillow image may say of its colours."""

_Matrix = tuple[tuple[float, ...], ...]
_SAMPLES: Final = 1024
_DESCRIPTION: Final = b"desc" + bytes(4) + (4).to_bytes(4) + b"RGB\0" + bytes(78)

# Red, green, blue and white: x and y of each, by the code point of the primaries (H.273, table 2).
_D65: Final = (0.3127, 0.3290)
_PRIMARIES: Final[dict[int, tuple[float, ...]]] = {
    1: (0.640, 0.330, 0.300, 0.600, 0.150, 0.060, *_D65),
    4: (0.670, 0.330, 0.210, 0.710, 0.140, 0.080, 0.310, 0.316),
    5: (0.640, 0.330, 0.290, 0.600, 0.150, 0.060, *_D65),
    6: (0.630, 0.340, 0.310, 0.595, 0.155, 0.070, *_D65),
    7: (0.630, 0.340, 0.310, 0.595, 0.155, 0.070, *_D65),
    9: (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, *_D65),
    11: (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, 0.314, 0.351),
    12: (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, *_D65),
    22: (0.630, 0.340, 0.295, 0.605, 0.155, 0.077, *_D65),
}
_UNSPECIFIED: Final = 2
_AS_SRGB: Final = {1, 5, 6, 7}  # primaries so near to those of sRGB that viewers show them as sRGB
_DIFFUSE_WHITE: Final = 203.0  # cd/m2 of a white that reflects, in an HDR image (BT.2408); brighter light is cut off

_SPACES: Final = {b"RGB ", b"GRAY", b"CMYK", b"Lab "}
_SPACE_OF: Final = {"1": b"GRAY", "L": b"GRAY", "LA": b"GRAY", "I;16": b"GRAY", "CMYK": b"CMYK"}

_BRADFORD: Final[_Matrix] = ((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296))
_D50: Final = (0.9642, 1.0, 0.8249)


def _srgb(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def _power(gamma: float) -> Callable[[float], float]:
    return lambda value: value**gamma


def _pq(value: float) -> float:
    root = value ** (32 / 2523)
    light: float = max(root - 0.8359375, 0.0) / (18.8515625 - 18.6875 * root)
    nits: float = 10_000 * light ** (8192 / 1305)
    return min(nits / _DIFFUSE_WHITE, 1.0)


def _hlg(value: float) -> float:
    scene = value * value / 3 if value <= 0.5 else (exp((value - 0.55991073) / 0.17883277) + 0.28466892) / 12
    nits: float = 1_000 * scene**1.2
    return min(nits / _DIFFUSE_WHITE, 1.0)


# By the code point of the transfer (H.273, table 3); those of television (1, 6, 14, 15) are shown as sRGB.
_TRANSFERS: Final[dict[int, Callable[[float], float]]] = {
    4: _power(2.2),
    5: _power(2.8),
    8: _power(1.0),
    16: _pq,
    18: _hlg,
}


class Colours(NamedTuple):
    """What the numbers of an image mean: the primaries and the white point, and the curve from value to light."""

    primaries: tuple[float, ...]
    curve: Callable[[float], float]


def profile_in(info: Mapping[Any, Any], mode: str) -> bytes | None:
    """Return the ICC profile for what the `info` of a Pillow image says of its colours; None for sRGB."""
    if profile := info.get("icc_profile"):
        return without_texts(bytes(profile))
    colours = _colours(info)
    return _profile(colours, grey=_SPACE_OF.get(mode) == b"GRAY") if colours else None


def _colours(info: Mapping[Any, Any]) -> Colours | None:
    if isinstance(info.get("nclx_profile"), dict):
        return _coded(cast("dict[str, Any]", info["nclx_profile"]))
    if "srgb" in info or not ("gamma" in info or "chromaticity" in info):
        return None
    gamma = info.get("gamma") or 1 / 2.2
    white, *others = _pairs(info.get("chromaticity") or ())
    primaries = tuple(value for pair in (*others, white) for value in pair) if others else _PRIMARIES[1]
    if _near(primaries, _PRIMARIES[1]) and abs(gamma * 2.2 - 1) < 0.05:
        return None
    return Colours(primaries, _power(1 / gamma))


def _coded(nclx: dict[str, Any]) -> Colours | None:
    """Return what code points mean; None for sRGB, for what viewers show as sRGB, and for what is not known."""
    primaries, transfer = (nclx.get(name, _UNSPECIFIED) for name in ("color_primaries", "transfer_characteristics"))
    if transfer not in _TRANSFERS and (primaries in _AS_SRGB or primaries not in _PRIMARIES):
        return None
    return Colours(_PRIMARIES.get(primaries, _PRIMARIES[1]), _TRANSFERS.get(transfer, _srgb))


def fits(profile: bytes, mode: str) -> bool:
    """Whether a profile describes images of a Pillow mode; a profile of an unknown kind counts as fitting."""
    space = profile[16:20]
    return space not in _SPACES or space == _SPACE_OF.get(mode, b"RGB ")


def _pairs(numbers: Sequence[float]) -> list[tuple[float, float]]:
    return list(zip(numbers[::2], numbers[1::2], strict=False)) if len(numbers) == 8 else [(0.0, 0.0)]


def _near(one: Sequence[float], other: Sequence[float]) -> bool:
    return all(abs(left - right) < 0.01 for left, right in zip(one, other, strict=True))


def _profile(colours: Colours, *, grey: bool) -> bytes | None:
    columns = _columns(colours.primaries)
    if columns is None:
        return None
    samples = (round(65_535 * colours.curve(at / (_SAMPLES - 1))) for at in range(_SAMPLES))
    curve = b"curv" + bytes(4) + _SAMPLES.to_bytes(4) + b"".join(sample.to_bytes(2) for sample in samples)
    tags = {b"desc": _DESCRIPTION, b"cprt": b"text" + bytes(4) + b"CC0\0", b"wtpt": _xyz(_D50)}
    if grey:
        tags |= {b"kTRC": curve}
    else:
        tags |= dict(zip((b"rXYZ", b"gXYZ", b"bXYZ"), map(_xyz, columns), strict=True))
        tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    offset, table, data = 128 + 4 + 12 * len(tags), bytearray(len(tags).to_bytes(4)), bytearray()
    places: dict[bytes, bytes] = {}  # equal tags share their data
    for name, content in tags.items():
        if content not in places:
            places[content] = (offset + len(data)).to_bytes(4) + len(content).to_bytes(4)
            data += content + bytes(-len(content) % 4)
        table += name + places[content]
    space = b"GRAY" if grey else b"RGB "
    header = bytes(4) + b"\2\x40\0\0mntr" + space + b"XYZ " + bytes(12) + b"acsp" + bytes(28)
    header += b"".join(map(_fixed, _D50)) + bytes(48)
    return (4 + len(header) + len(table) + len(data)).to_bytes(4) + header + bytes(table + data)


def _fixed(value: float) -> bytes:
    return round(value * 65_536).to_bytes(4, signed=True)


def _xyz(value: Sequence[float]) -> bytes:
    return b"XYZ " + bytes(4) + b"".join(map(_fixed, value))


def _columns(primaries: Sequence[float]) -> list[tuple[float, ...]] | None:
    """Return the XYZ values of red, green and blue at full strength, adapted to D50; None when they span no space."""
    if not all(primaries[1::2]):
        return None
    red, green, blue, white = (_from_xy(*pair) for pair in _pairs(primaries))
    strengths = _solved((red, green, blue), white)
    to_cones = [_times(_BRADFORD, one) for one in (white, _D50)]
    if strengths is None or not all(to_cones[0]):
        return None
    ratios = [after / before for before, after in zip(*to_cones, strict=True)]
    columns: list[tuple[float, ...]] = []
    for strength, primary in zip(strengths, (red, green, blue), strict=True):
        cones = _times(_BRADFORD, [strength * value for value in primary])
        adapted = [ratio * cone for ratio, cone in zip(ratios, cones, strict=True)]
        back = _solved(tuple(zip(*_BRADFORD, strict=True)), adapted)
        if back is None or max(map(abs, back)) > 2:
            return None
        columns.append(tuple(back))
    return columns


def _from_xy(x: float, y: float) -> tuple[float, float, float]:
    return x / y, 1.0, (1 - x - y) / y


def _times(matrix: _Matrix, vector: Sequence[float]) -> list[float]:
    return [sum(left * right for left, right in zip(row, vector, strict=True)) for row in matrix]


def _solved(columns: Sequence[Sequence[float]], right: Sequence[float]) -> list[float] | None:
    """Solve three linear equations by Cramer's rule."""
    whole = _determinant(columns)
    if not whole:
        return None
    replaced = [[right if at == column else columns[at] for at in range(3)] for column in range(3)]
    return [_determinant(one) / whole for one in replaced]


def _determinant(columns: Sequence[Sequence[float]]) -> float:
    (a, b, c), (d, e, f), (g, h, i) = columns
    return a * (e * i - f * h) - d * (b * i - c * h) + g * (b * f - c * e)
