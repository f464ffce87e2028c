"""Orientation is applied from wherever cameras and editors state it."""

from __future__ import annotations

import io
import tracemalloc
import zlib
from typing import TYPE_CHECKING

import pytest
from PIL import Image, ImageDraw, PngImagePlugin

from aurashot.images import check_complete
from tests.images.sending import content_of, sent

if TYPE_CHECKING:
    from collections.abc import Callable

    from aurashot.images import ImageRules

LONG = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x04\0\0\0\x01\0\0\0\x06" + bytes(4)
SHORT = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0" + bytes(4)
XMP_NAME = b"http://ns.adobe.com/xap/1.0/\0"


def xmp(body: str, prefix: str = "tiff") -> bytes:
    """Return an XMP packet with an attribute or an element in its description."""
    attribute, element = (body, "") if "=" in body else ("", body)
    return (
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description xmlns:{prefix}="http://ns.adobe.com/tiff/1.0/" '
        f"{attribute}>{element}</rdf:Description></x:xmpmeta>"
    ).encode()


def profile(kind: str, content: bytes) -> str:
    """Return a profile as ImageMagick writes it: in hexadecimal, in lines."""
    digits = content.hex()
    lines = [digits[start : start + 72] for start in range(0, len(digits), 72)]
    return "\n".join(["", kind, f"{len(content):8}", *lines, ""])


ATTRIBUTE = xmp('tiff:Orientation="6"')
IN_XMP = [
    ATTRIBUTE,
    xmp("<tiff:Orientation>6</tiff:Orientation>"),
    xmp("<tiff:Orientation> 6\n</tiff:Orientation>"),
    xmp("tiff:Orientation = '6'"),
    xmp('t0:Orientation="6"', prefix="t0"),
    ATTRIBUTE.decode().encode("utf-16"),
]
TEXTS = {
    "Raw profile type exif": profile("exif", b"Exif\0\0" + SHORT),
    "Raw profile type APP1": profile("app1", b"Exif\0\0" + SHORT),
    "Raw profile type xmp": profile("xmp", ATTRIBUTE),
    "Raw profile type app": profile("app1", b""),
}


def jpeg_with(content: bytes) -> Callable[[bytes], bytes]:
    """Return a function that puts an APP1 segment into a JPEG file."""
    return lambda jpeg: jpeg[:2] + b"\xff\xe1" + (len(content) + 2).to_bytes(2) + content + jpeg[2:]


def png_with(*texts: tuple[str, str], zipped: bool = False, international: bool = False) -> Callable[[bytes], bytes]:
    """Return a function that puts texts into a PNG file."""

    def rewrite(png: bytes) -> bytes:
        notes, out = PngImagePlugin.PngInfo(), io.BytesIO()
        for keyword, text in texts:
            (notes.add_itxt if international else notes.add_text)(keyword, text, zip=zipped)
        with Image.open(io.BytesIO(png)) as image:
            image.save(out, "png", pnginfo=notes)
        return out.getvalue()

    return rewrite


def with_exif(file_format: str, exif: bytes) -> Callable[[bytes], bytes]:
    """Return a function that writes an image again with EXIF data."""

    def rewrite(content: bytes) -> bytes:
        out = io.BytesIO()
        with Image.open(io.BytesIO(content)) as image:
            image.save(out, file_format, exif=exif, quality=95)
        return out.getvalue()

    return rewrite


def webp_with(packet: bytes) -> Callable[[bytes], bytes]:
    """Return a function that writes a WebP file again with XMP."""

    def rewrite(content: bytes) -> bytes:
        out = io.BytesIO()
        with Image.open(io.BytesIO(content)) as image:
            image.save(out, "webp", xmp=packet, lossless=True)
        return out.getvalue()

    return rewrite


def with_both(content: bytes) -> bytes:
    """State two orientations: 6 in EXIF, 3 in XMP."""
    return jpeg_with(XMP_NAME + xmp('tiff:Orientation="3"'))(with_exif("JPEG", SHORT)(content))


CASES: list[tuple[str, Callable[[bytes], bytes]]] = [
    *[("JPEG", jpeg_with(XMP_NAME + packet)) for packet in IN_XMP],
    *[("WEBP", webp_with(packet)) for packet in IN_XMP[:2]],
    *[
        ("PNG", png_with((name, text), zipped=zipped))
        for name, text in list(TEXTS.items())[:3]
        for zipped in (False, True)
    ],
    ("PNG", png_with(("Raw profile type APP1", profile("app1", XMP_NAME + ATTRIBUTE)))),
    ("PNG", png_with(("XML:com.adobe.xmp", ATTRIBUTE.decode()), international=True)),
    ("PNG", png_with(("XML:com.adobe.xmp", ATTRIBUTE.decode()), international=True, zipped=True)),
    *[(name, with_exif(name, b"Exif\0\0" + LONG)) for name in ("JPEG", "PNG", "WEBP")],
    ("JPEG", with_both),
]


@pytest.mark.parametrize(("file_format", "rewrite"), CASES)
def test_a_photo_is_turned_by_whatever_states_it(
    file_format: str,
    rewrite: Callable[[bytes], bytes],
    portrait: Image.Image,
    encoded: Callable[..., bytes],
    rules: ImageRules,
) -> None:
    """EXIF of every integer type, XMP of every spelling, and profiles of ImageMagick; EXIF wins over XMP."""
    content = rewrite(encoded(file_format, quality=95))
    with Image.open(io.BytesIO(content)) as lazy:
        payloads = [sent(content, rules), sent(lazy, rules)]
    expected = portrait.transpose(Image.Transpose.ROTATE_270)
    for payload in payloads:
        sent_bytes = content_of(payload)
        check_complete(io.BytesIO(sent_bytes), payload.media_type)
        with Image.open(io.BytesIO(sent_bytes)) as image:
            assert expected.size == image.size
            corner = image.convert("RGB").resize((1, 1), box=(0, 0, 12, 12)).getpixel((0, 0))
            assert corner == pytest.approx(expected.resize((1, 1), box=(0, 0, 12, 12)).getpixel((0, 0)), abs=6)


@pytest.mark.parametrize("name", ["Raw profile type exif", "Raw profile type APP1"])
def test_a_drawing_on_a_turned_photo_is_turned_with_it(
    name: str, encoded: Callable[..., bytes], rules: ImageRules
) -> None:
    """A Pillow image that was edited after it was opened is turned by the profiles of ImageMagick as well."""
    with Image.open(io.BytesIO(png_with((name, TEXTS[name]))(encoded("PNG")))) as image:
        ImageDraw.Draw(image).rectangle((0, 0, 9, 9), "red")
        payload = sent(image, rules)
    with Image.open(io.BytesIO(content_of(payload))) as result:
        assert (64, 96) == result.size
        assert result.convert("RGB").getpixel((60, 3)) == pytest.approx((255, 0, 0), abs=20)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "exif",
        "\nexif\n 4\nzz",
        profile("exif", b"Exif\0\0" + SHORT)[:40],
        TEXTS["Raw profile type app"],
        profile("exif", b"Exif\0\0" + SHORT.replace(b"\0\x06", b"\0\x09")),
    ],
)
def test_a_profile_that_states_nothing_turns_nothing(
    text: str, encoded: Callable[..., bytes], rules: ImageRules
) -> None:
    """Broken profiles are removed like all texts, and the image stays as it is."""
    plain = encoded("PNG")
    for zipped in (False, True):
        content = png_with(("Raw profile type exif", text), zipped=zipped)(plain)
        with Image.open(io.BytesIO(content_of(sent(content, rules)))) as image:
            assert (96, 64) == image.size


def test_a_text_that_inflates_without_end_is_not_read_to_its_end(
    encoded: Callable[..., bytes], rules: ImageRules
) -> None:
    """A text chunk of 30 KB may hold 30 MB."""
    png = encoded("PNG")
    chunk = b"zTXtRaw profile type exif\0\0" + zlib.compress(bytes(30_000_000), 9)
    bomb = png[:33] + (len(chunk) - 4).to_bytes(4) + chunk + zlib.crc32(chunk).to_bytes(4) + png[33:]
    tracemalloc.start()
    try:
        payload = sent(bomb, rules)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert png == content_of(payload)
    assert peak < 8_000_000
