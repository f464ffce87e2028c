"""Marks, encoding and decoding."""

from __future__ import annotations

import struct
import warnings
import zlib
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, strategies as st
from PIL import Image, ImageChops

from aurashot.sandbox.drawing import Marks, _fonts, decode, draw_portrait, encode, generate, id_photo
from aurashot.sandbox.drawing._face import find_face
from aurashot.sandbox.drawing._marks import FOOTER, known_matte, without_footer
from tests.sandbox.drawing.comparison import difference, likeness

if TYPE_CHECKING:
    from collections.abc import Iterator

FONT = Path(__file__).parents[2] / "fixtures" / "fonts" / "DejaVuSans-subset.ttf"
MARKS = Marks(operation="generate", request_id="req-1", prompt="a café in 巴黎")


def _png(image: Image.Image, **options: object) -> bytes:
    return _file(image, "PNG", **options)


def _file(image: Image.Image, kind: str, **options: object) -> bytes:
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def _footer(prompt: str | None, width: int = 832) -> Image.Image:
    """Return the footer that a prompt gets."""
    image = decode(encode(Image.new("RGB", (width, 200)), Marks("edit", "r", prompt)))
    return image.crop((0, 200, width, 200 + FOOTER))


def _bomb(width: int, height: int) -> bytes:
    """Return the start of a PNG that claims to be this large."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(bytes(100))), (b"IEND", b""))
    body = b"".join(struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in chunks)
    return b"\x89PNG\r\n\x1a\n" + body


def test_marks_are_in_the_metadata(cafe: Image.Image) -> None:
    """Programs can tell that an image is the sandbox's and which request made it."""
    with Image.open(BytesIO(encode(cafe, MARKS))) as file:
        text = dict(file.info)
    assert "true" == text["aurashot:sandbox"]
    assert "generate" == text["aurashot:operation"]
    assert "req-1" == text["aurashot:request-id"]
    assert sha256("a café in 巴黎".encode()).hexdigest() == text["aurashot:prompt-digest"]
    assert cafe.info["aurashot:box"] == text["aurashot:box"]


def test_a_drawn_face_is_marked_from_image_to_image(cafe: Image.Image, anchor: Image.Image) -> None:
    """Drawn faces cannot be compared, so what is made from one says so, and what is made from a photograph does not."""
    for image in (anchor, cafe):
        assert {"aurashot:box"} == {"aurashot:box", "aurashot:face"} & {*image.info}
    portrait = draw_portrait("one")
    sheet = decode(encode(id_photo(portrait, prompt=None), MARKS))
    assert {"aurashot:face"} == {"aurashot:box", "aurashot:face"} & {*sheet.info}


def test_a_drawn_face_is_known_without_its_metadata() -> None:
    """A client removes them before it uploads a file, and the pixels stay."""
    portrait = draw_portrait("one")
    stripped = BytesIO()
    with Image.open(BytesIO(encode(id_photo(portrait, prompt=None), MARKS))) as sheet:
        sheet.info.clear()
        sheet.save(stripped, "PNG", compress_level=1)
    assert "aurashot:face" in decode(stripped.getvalue()).info


def test_footer_is_below_the_image_and_not_over_the_face(cafe: Image.Image) -> None:
    """The image's own pixels stay as they were, and the footer adds height."""
    sheet = decode(encode(cafe, MARKS))
    assert (cafe.width, cafe.height + FOOTER) == sheet.size
    assert find_face(sheet).bottom < cafe.height
    assert ImageChops.difference(cafe, without_footer(sheet)).getbbox() is None
    assert (246, 178, 38) == sheet.getpixel((4, sheet.height - 4))


def test_caption_shows_the_prompt() -> None:
    """Another prompt gives another footer; white space and no prompt at all are drawn as nothing."""
    assert ImageChops.difference(_footer("a cafe"), _footer("a park")).getbbox() is not None
    assert ImageChops.difference(_footer(None), _footer(" \n")).getbbox() is None


def test_long_caption_ends_inside_the_footer() -> None:
    """The last pixels of the footer are free whatever the length of the prompt."""
    end = np.asarray(_footer("never ending " * 50).crop((812, 0, 832, FOOTER)))
    assert 1 == len({tuple(pixel) for pixel in end.reshape(-1, 3).tolist()})


@pytest.fixture(params=[()])
def fonts(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Use only these font files, as if no others were installed."""
    monkeypatch.setattr(_fonts, "_font_files", lambda: request.param)
    _fonts._installed_fonts.cache_clear()
    yield
    _fonts._installed_fonts.cache_clear()


def test_script_without_a_font_is_captioned_by_its_digest(fonts: None) -> None:
    """A footer full of boxes for missing characters would be useless."""
    text, _ = _fonts.fitted("巴黎的咖啡馆", "prompt sha256 0123", 18, 600)
    assert "prompt sha256 0123" == text
    assert ImageChops.difference(_footer("巴黎的咖啡馆"), _footer("上海的夜晚")).getbbox() is not None


@pytest.mark.parametrize("fonts", [(str(FONT),)], indirect=True)
def test_script_with_a_font_is_drawn(fonts: None) -> None:
    """An installed font that has the letters is used: here DejaVu Sans."""
    text, font = _fonts.fitted("кафе в Париже", "digest", 18, 600)
    assert "кафе в Париже" == text
    assert _fonts._installed_fonts(18)[0] is font


def test_fonts_are_looked_for_in_the_order_of_their_families(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The font with more scripts goes first; other files and missing folders do not matter."""
    for name in ("DejaVuSans.ttf", "NotoSansCJK-Regular.ttc", "Comic.ttf", "wqy-zenhei.txt"):
        (tmp_path / name).touch()
    monkeypatch.setattr(_fonts, "_FOLDERS", (str(tmp_path), str(tmp_path / "none")))
    _fonts._font_files.cache_clear()
    try:
        names = [Path(path).name for path in _fonts._font_files()]
        assert ["NotoSansCJK-Regular.ttc", "DejaVuSans.ttf"] == names
    finally:
        _fonts._font_files.cache_clear()


def test_half_a_character_is_marked_like_any_other() -> None:
    """JSON can carry lone surrogates, which have no UTF-8."""
    assert decode(encode(Image.new("RGB", (300, 200)), Marks("edit", "r", "\ud83d cafe"))).info[
        "aurashot:prompt-digest"
    ]


def test_decoded_image_is_upright_and_plain() -> None:
    """EXIF orientation is applied and dropped; only the sandbox's own metadata stays."""
    image = Image.new("RGB", (40, 20), "red")
    exif = Image.Exif()
    exif[0x0112] = 6
    upright = decode(_file(image, "JPEG", exif=exif))
    assert (20, 40) == upright.size
    assert {} == upright.info


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_every_format_of_the_service_is_decoded(kind: str) -> None:
    """The four formats become RGB."""
    decoded = decode(_file(Image.new("RGB", (30, 20), (200, 40, 40)), kind))
    assert ("RGB", (30, 20)) == (decoded.mode, decoded.size)
    assert difference(decoded, Image.new("RGB", (30, 20), (200, 40, 40))) < 6


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "LA", "I;16", "1"])
def test_every_mode_becomes_rgb(mode: str) -> None:
    """Grey, palette, deep and transparent images are taken."""
    assert "RGB" == decode(_png(Image.new(mode, (10, 10)))).mode


def test_transparent_pixels_become_white() -> None:
    """A cut-out product is seen as on paper."""
    assert (255, 255, 255) == decode(_png(Image.new("RGBA", (4, 4), (255, 0, 0, 0)))).getpixel((0, 0))


@pytest.mark.parametrize("data", [b"", b"hello", b"<svg/>", b"BM" + bytes(60), b"%PDF-1.7"])
def test_other_files_are_refused(data: bytes) -> None:
    """What is none of the four formats is named so."""
    with pytest.raises(ValueError, match="not a JPEG, PNG, WebP or GIF image"):
        decode(data)


def test_damaged_image_is_refused() -> None:
    """A truncated file is an error and no half-grey image."""
    data = _png(Image.effect_noise((200, 200), 80))
    with pytest.raises(ValueError, match="damaged"):
        decode(data[: len(data) // 2])


def test_bomb_is_refused_before_it_is_decoded() -> None:
    """The header's size is enough to refuse; at the limit itself the file is read."""
    with pytest.raises(ValueError, match=r"50,005,000 pixels, over the limit of 50,000,000"):
        decode(_bomb(5000, 10001))
    with pytest.raises(ValueError, match="damaged"):
        decode(_bomb(5000, 10000))


@pytest.mark.parametrize("side", [10_000, 60_000])
def test_image_far_above_the_limit_is_refused(side: int) -> None:
    """Pillow's own guard, a warning or an error by the size, reads like ours."""
    with warnings.catch_warnings(), pytest.raises(ValueError, match=r"pixels|cannot be read"):
        decode(_bomb(side, side))


@given(st.integers(0, 400), st.binary(min_size=1, max_size=8))
def test_no_damage_escapes_as_another_error(offset: int, noise: bytes) -> None:
    """Whatever bytes are changed, decoding gives an image or a ValueError."""
    data = bytearray(_png(Image.new("RGB", (24, 24), "teal")))
    offset %= len(data)
    data[offset : offset + len(noise)] = noise
    try:
        assert "RGB" == decode(bytes(data)).mode
    except ValueError:
        assert data != _png(Image.new("RGB", (24, 24), "teal"))


def test_footer_is_removed_before_an_image_is_used_again(cafe: Image.Image, anchor: Image.Image) -> None:
    """An encoded and decoded image works as well as the one in memory."""
    sent = decode(encode(cafe, MARKS))
    again = generate(sent, prompt="park", clothes=None, scene=None)
    assert likeness(again, anchor) > 0.95


def test_footer_is_known_without_metadata(cafe: Image.Image) -> None:
    """The footer of a JPEG copy without metadata is removed, too."""
    copy = decode(_file(decode(encode(cafe, MARKS)), "JPEG"))
    assert {} == copy.info
    assert cafe.size == without_footer(copy).size


def test_other_images_have_no_footer(hopper: Image.Image) -> None:
    """A photograph is not cut, and neither is one that is lower than two footers."""
    assert hopper.size == without_footer(hopper).size
    assert (50, FOOTER) == without_footer(Image.new("L", (50, FOOTER))).size


def test_matte_is_stored_with_the_image(cafe: Image.Image) -> None:
    """The matte is kept, so that an edit cuts as precisely as in memory."""
    sent = without_footer(decode(encode(cafe, MARKS)))
    matte = known_matte(sent)
    assert matte is not None
    assert cafe.size == matte.size
    face = find_face(sent)
    assert 255 == matte.getpixel(((face.left + face.right) // 2, (face.top + face.bottom) // 2))
    assert 0 == matte.getpixel((5, 5))


@pytest.mark.parametrize("text", ["", "no base64 ☃", "aGVsbG8="])
def test_matte_that_cannot_be_read_is_ignored(text: str) -> None:
    """The person is then cut out as in a photograph."""
    image = Image.new("RGB", (100, 100))
    image.info = {"aurashot:matte": text}
    assert known_matte(image) is None


def test_matte_of_another_size_is_ignored(cafe: Image.Image) -> None:
    """The image was resized and its metadata was kept."""
    small = cafe.resize((400, 500))
    small.info = dict(cafe.info)
    assert known_matte(small) is None
