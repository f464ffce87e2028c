"""Colours survive: profiles, code points, gamma and depth, through every way that decodes."""

from __future__ import annotations

import io
import warnings
import zlib
from typing import TYPE_CHECKING, Any

import pillow_heif
import pytest
from PIL import Image, ImageChops, ImageCms, ImageDraw

from aurashot.images._containers import walk
from aurashot.images._window import Window
from tests.images.sending import content_of, sent

if TYPE_CHECKING:
    from collections.abc import Callable

    from aurashot.images import ImageRules, Payload

DISPLAY_P3 = (12, 13)
COLOUR = (200, 100, 50)
COLOUR_FROM_P3 = (215, 93, 31)  # the same light in sRGB, by littleCMS with the profile of Apple's Display P3


def shown(payload: Payload) -> Image.Image:
    """Return what a viewer shows that knows ICC profiles: the pixels in sRGB."""
    with Image.open(io.BytesIO(content_of(payload))) as image:
        image.load()
        profile: bytes | None = image.info.get("icc_profile")
        if profile is None:
            return image.convert("RGB")
        cms: Any = ImageCms
        own, srgb = cms.ImageCmsProfile(io.BytesIO(profile)), cms.createProfile("sRGB")
        converted: Image.Image = cms.profileToProfile(image, own, srgb, outputMode="RGB")
        return converted


def chunk(kind: bytes, content: bytes) -> bytes:
    """Return a PNG chunk."""
    return len(content).to_bytes(4) + kind + content + zlib.crc32(kind + content).to_bytes(4)


def chunks(png: bytes) -> dict[bytes, bytes]:
    """Return the chunks of a PNG file, IDAT joined."""
    found: dict[bytes, bytes] = {}
    for part in walk(Window(io.BytesIO(png)), "image/png"):
        found[part.kind] = found.get(part.kind, b"") + png[part.start + 8 : part.end - 4]
    return found


def heic(image: Image.Image, **options: Any) -> bytes:
    """Encode a HEIC file without loss of colour resolution."""
    out = io.BytesIO()
    library: Any = pillow_heif
    library.from_pillow(image).save(out, quality=100, chroma=444, **options)
    return out.getvalue()


@pytest.fixture(scope="module")
def inks() -> bytes:
    """Build a CMYK profile (ICC.1:2010, 10.10: lut8Type) in which cyan looks red and everything else looks white."""
    lab_of_white, lab_of_red = bytes([255, 128, 128]), bytes([139, 208, 195])
    grid = b"".join(lab_of_red if cyan else lab_of_white for cyan in (0, 1) for _ in range(8))
    ramp = bytes(range(256))
    identity = b"".join((65_536 if row == column else 0).to_bytes(4) for row in range(3) for column in range(3))
    table = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + identity + ramp * 4 + grid + ramp * 3
    white = b"XYZ " + bytes(4) + (63_190).to_bytes(4) + (65_536).to_bytes(4) + (54_061).to_bytes(4)
    text = b"desc" + bytes(4) + (2).to_bytes(4) + b"x\0" + bytes(78)
    tags = [(b"desc", text), (b"wtpt", white), (b"A2B0", table)]
    offset, directory, data = 128 + 4 + 12 * len(tags), len(tags).to_bytes(4), b""
    for name, content in tags:
        directory += name + (offset + len(data)).to_bytes(4) + len(content).to_bytes(4)
        data += content + bytes(-len(content) % 4)
    header = bytes(4) + b"\2\x40\0\0prtrCMYKLab " + bytes(12) + b"acsp" + bytes(28) + white[8:] + bytes(48)
    size = 4 + len(header) + len(directory) + len(data)
    return size.to_bytes(4) + header + directory + data


@pytest.mark.parametrize("how", ["TIFF", "JPEG", "turned JPEG", "in memory"])
def test_inks_keep_the_colours_of_their_profile(
    how: str, inks: bytes, encoded: Callable[..., bytes], exif: Callable[[int], Image.Exif], rules: ImageRules
) -> None:
    """A CMYK image is converted through its own profile, or sent with it."""
    image = Image.new("CMYK", (32, 16), (255, 0, 0, 0))
    image.info["icc_profile"] = inks
    options: dict[str, Any] = {"exif": exif(6)} if how.startswith("turned") else {}
    given: Any = image
    if how != "in memory":
        given = encoded(how.removeprefix("turned "), image, icc_profile=inks, **options)
    red, green, blue = shown(sent(given, rules)).resize((1, 1)).tobytes()
    assert red > 100
    assert max(green, blue) < 60


def test_inks_with_a_broken_profile_are_converted_without_it(encoded: Callable[..., bytes], rules: ImageRules) -> None:
    """A profile that cannot be used does not make an image unusable."""
    content = encoded("TIFF", Image.new("CMYK", (8, 8), (255, 0, 0, 0)), icc_profile=b"a colour profile" * 20)
    assert (0, 255, 255) == shown(sent(content, rules)).getpixel((5, 5))


def as_avif(image: Image.Image, primaries: int, transfer: int) -> bytes:
    """Encode an AVIF file with other code points than Pillow writes."""
    out = io.BytesIO()
    image.save(out, "AVIF", quality=100, subsampling="4:4:4")
    codes = [number.to_bytes(2) for number in (primaries, transfer)]
    return out.getvalue().replace(b"colrnclx\0\x01\0\x0d", b"colrnclx" + b"".join(codes))


@pytest.mark.parametrize("kind", ["HEIC", "AVIF", "opened HEIC", "edited HEIC"])
def test_code_points_become_a_profile(kind: str, rules: ImageRules) -> None:
    """Display P3 that is stated by nclx is sent with a profile that says the same."""
    image = Image.new("RGB", (64, 64), COLOUR)
    if kind == "AVIF":
        result = shown(sent(as_avif(image, *DISPLAY_P3), rules))
    else:
        names = ("color_primaries", "transfer_characteristics", "matrix_coefficients", "full_range_flag")
        content = heic(image, **dict(zip(names, (*DISPLAY_P3, 6, 1), strict=True)))
        given: Any = content if kind == "HEIC" else pillow_heif_opened(content)
        if kind == "edited HEIC":
            ImageDraw.Draw(given).line((0, 0, 9, 0), "white")
        result = shown(sent(given, rules))
    assert COLOUR_FROM_P3 == pytest.approx(result.getpixel((32, 32)), abs=4)


def pillow_heif_opened(content: bytes) -> Image.Image:
    """Open a HEIC file as Pillow does once pillow-heif is registered."""
    reader: Any = pillow_heif.HeifImageFile
    image: Image.Image = reader(io.BytesIO(content))
    return image


@pytest.mark.parametrize(
    ("primaries", "transfer", "grey"),
    [(1, 13, 128), (1, 1, 128), (2, 2, 128), (9, 8, 188), (1, 4, 128), (9, 16, 181), (9, 18, 137), (99, 99, 128)],
)
def test_each_transfer_has_its_curve(primaries: int, transfer: int, grey: int, rules: ImageRules) -> None:
    """A grey of 128 looks as bright as its transfer says; light above a diffuse white is cut off (PQ, HLG)."""
    result = shown(sent(as_avif(Image.new("RGB", (64, 64), (128, 128, 128)), primaries, transfer), rules))
    assert result.getpixel((32, 32)) == pytest.approx((grey,) * 3, abs=4)


@pytest.mark.parametrize("bits", [10, 12])
def test_deep_grey_heif_keeps_its_depth(bits: int, rules: ImageRules, monkeypatch: pytest.MonkeyPatch) -> None:
    """A monochrome HEIF of 10 or 12 bits becomes a PNG of 16 bits."""
    library: Any = pillow_heif
    monkeypatch.setattr(library.options, "SAVE_HDR_TO_12_BIT", bits == 12)
    out = io.BytesIO()
    values = b"".join((column * 1_000).to_bytes(2, "little") for column in range(64)) * 64
    library.from_bytes("I;16", (64, 64), values).save(out, quality=100)
    payload = sent(out.getvalue(), rules)
    with Image.open(io.BytesIO(content_of(payload))) as image:
        assert ("image/png", "I;16") == (payload.media_type, image.mode)
        assert image.getpixel((40, 5)) == pytest.approx(40_000, abs=100)
        assert len(set(image.tobytes()[0:128:2])) > 2  # the low bytes of a row


TOLD = [
    (b"gAMA", (100_000).to_bytes(4)),
    (
        b"cHRM",
        b"".join(number.to_bytes(4) for number in (31_270, 32_900, 68_000, 32_000, 26_500, 69_000, 15_000, 6_000)),
    ),
    (b"cICP", bytes([12, 13, 0, 1])),
    (b"sRGB", b"\0"),
    (b"mDCV", bytes(24)),
    (b"cLLI", bytes(8)),
]


def raw_png(bits: int, colour: int, channels: int, *, interlaced: bool = False, turned: bool = False) -> bytes:
    """Build a PNG file of 5 by 3 pixels, each sample of its own, with what its colours mean and an orientation."""
    size = bits // 8
    rows = [
        [[(7919 * (1 + at + 5 * row) + 977 * channel) % 2**bits for channel in range(channels)] for at in range(5)]
        for row in range(3)
    ]
    if turned:
        rows = [list(row) for row in zip(*rows[::-1], strict=True)]
    data = b"".join(b"\0" + b"".join(s.to_bytes(size) for pixel in row for s in pixel) for row in rows)
    if interlaced:
        data = interlace(rows, size)
    header = len(rows[0]).to_bytes(4) + len(rows).to_bytes(4) + bytes([bits, colour, 0, 0, int(interlaced)])
    orientation = chunk(b"eXIf", b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0" + bytes(4))
    parts = [chunk(b"IHDR", header), *(chunk(*told) for told in TOLD), orientation, chunk(b"IDAT", zlib.compress(data))]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts) + chunk(b"IEND", b"")


def interlace(rows: list[list[list[int]]], size: int) -> bytes:
    """Order pixels as Adam7 does."""
    passes = [(0, 8, 0, 8), (0, 8, 4, 8), (4, 8, 0, 4), (0, 4, 2, 4), (2, 4, 0, 2), (0, 2, 1, 2), (1, 2, 0, 1)]
    data = b""
    for top, down, left, right in passes:
        for row in rows[top::down]:
            if pixels := row[left::right]:
                data += b"\0" + b"".join(s.to_bytes(size) for pixel in pixels for s in pixel)
    return data


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize(
    ("bits", "colour", "channels"), [(16, 0, 1), (16, 2, 3), (16, 4, 2), (16, 6, 4), (8, 2, 3), (8, 0, 1), (8, 6, 4)]
)
def test_a_turned_png_keeps_depth_and_colours(
    bits: int, colour: int, channels: int, *, interlaced: bool, rules: ImageRules
) -> None:
    """All 16 bits of each channel stay, and so do the chunks that say what the colours mean."""
    result = chunks(content_of(sent(raw_png(bits, colour, channels, interlaced=interlaced), rules)))
    expected = chunks(raw_png(bits, colour, channels, turned=True))
    assert expected[b"IHDR"] == result[b"IHDR"]
    assert dict(TOLD) == {name: result.get(name) for name, _ in TOLD}
    assert b"eXIf" not in result
    samples = [unfiltered(found, bits // 8 * channels) for found in (expected, result)]
    assert samples[0] == samples[1]


def unfiltered(found: dict[bytes, bytes], step: int) -> bytes:
    """Undo the filters of a PNG file of 3 by 5 pixels (PNG third edition, 9.2)."""
    data, stride = zlib.decompress(found[b"IDAT"]), 3 * step
    above, pixels = bytes(stride), b""
    for start in range(0, len(data), stride + 1):
        row = bytearray(data[start + 1 : start + 1 + stride])
        for at in range(stride):
            left, up = (row[at - step] if at >= step else 0), above[at]
            corner = above[at - step] if at >= step else 0
            nearest = min((left, up, corner), key=lambda value: abs(left + up - corner - value))
            row[at] = (row[at] + (0, left, up, (left + up) // 2, nearest)[data[start]]) % 256
        above = bytes(row)
        pixels += above
    return pixels


def test_the_transparent_colour_of_a_deep_png_stays(rules: ImageRules) -> None:
    """A single transparent colour of 16 bits is copied."""
    png = raw_png(16, 2, 3)
    at = png.index(b"IDAT") - 4
    transparent = b"\x1e\xef\x22\xc0\x26\x91"
    result = chunks(content_of(sent(png[:at] + chunk(b"tRNS", transparent) + png[at:], rules)))
    assert transparent == result[b"tRNS"]


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_an_edited_png_keeps_its_gamma_as_a_profile(
    mode: str, encoded: Callable[..., bytes], rules: ImageRules
) -> None:
    """A Pillow image with linear gamma is sent with a profile, since JPEG knows no gamma."""
    png = encoded("PNG", Image.new(mode, (64, 64), (128,) * 3 if mode == "RGB" else 128))
    with Image.open(io.BytesIO(png[:33] + chunk(*TOLD[0]) + png[33:])) as image:
        image.putpixel((0, 0), 0)
        assert shown(sent(image, rules)).getpixel((32, 32)) == pytest.approx((188,) * 3, abs=2)


def test_a_profile_of_other_channels_is_not_sent(inks: bytes, encoded: Callable[..., bytes], rules: ImageRules) -> None:
    """A profile for inks on an image of light would make it unreadable for strict viewers."""
    content = encoded("TIFF", icc_profile=inks)
    with Image.open(io.BytesIO(content_of(sent(content, rules)))) as image:
        assert "icc_profile" not in image.info


def test_no_warning_of_pillow_reaches_the_caller(encoded: Callable[..., bytes], rules: ImageRules) -> None:
    """Odd metadata are removed without a word, also with warnings as errors; the filters are as they were."""
    tiff = bytearray(encoded("TIFF", dpi=(72, 72)))
    entry = tiff.index(b"\x28\x01\x03\0\x01\0\0\0")
    tiff[entry + 4] = 2  # units of its resolution: one too many
    with pytest.warns(UserWarning, match="too many entries"), Image.open(io.BytesIO(tiff)) as image:
        image.load()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        before = list(warnings.filters)
        assert "image/png" == sent(bytes(tiff), rules).media_type
        assert before == list(warnings.filters)
    with pytest.warns(UserWarning, match="too many entries"), Image.open(io.BytesIO(tiff)) as image:
        assert not ImageChops.difference(image, shown(sent(bytes(tiff), rules))).getbbox()
