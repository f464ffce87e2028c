"""An opened Pillow image is sent as its file while its pixels are those of the file, and never when they are not."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pillow_heif
import pytest
from PIL import Image, ImageChops, ImageDraw, ImageOps, ImageStat

from aurashot.images import ImageRules
from tests.images.sending import content_of, sent

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FORMATS = ["JPEG", "PNG", "WEBP", "GIF"]


def nothing(_: Image.Image) -> None:
    """Leave it lazy."""


def load(image: Image.Image) -> None:
    """Decode it."""
    image.load()


def look(image: Image.Image) -> None:
    """Read pixels and metadata, as a caller may do before it is sent."""
    image.getpixel((0, 0))
    image.getexif()
    image.histogram()


def copy_of_it(image: Image.Image) -> None:
    """Make other images from it."""
    image.copy().paste(0, (0, 0, 9, 9))
    image.resize((4, 4))


@pytest.fixture
def write(tmp_path: Path, encoded: Callable[..., bytes], exif: Callable[[int], Image.Exif]) -> Callable[[str], Path]:
    """Return a function that writes a photo that has to be turned."""

    def write(file_format: str) -> Path:
        path = tmp_path / "photo"
        options: dict[str, Any] = {} if file_format == "GIF" else {"exif": exif(6), "quality": 95}
        path.write_bytes(encoded(file_format, **options))
        return path

    return write


@pytest.mark.parametrize(
    ("form", "use"),
    [("path", use) for use in (nothing, load, look, copy_of_it)] + [("BytesIO", nothing), ("open file", nothing)],
)
@pytest.mark.parametrize("file_format", FORMATS)
def test_an_unchanged_image_is_its_file(
    file_format: str,
    form: str,
    use: Callable[[Image.Image], None],
    write: Callable[[str], Path],
    rules: ImageRules,
) -> None:
    """However it was opened and looked at, what is sent is what would be sent for the file."""
    path = write(file_format)
    expected = sent(path, rules)
    with path.open("rb") as file:
        given: Any = {"path": path, "BytesIO": io.BytesIO(path.read_bytes()), "open file": file}[form]
        with Image.open(given) as image:
            use(image)
            assert expected.digest == sent(image, rules).digest


HEIF: Any = pillow_heif  # its signatures are untyped


def heic(portrait: Image.Image, *, primary: int = 0) -> io.BytesIO:
    """Return a HEIC file with two images."""
    out = io.BytesIO()
    heif = HEIF.from_pillow(portrait)
    heif.add_from_pillow(Image.new("RGB", portrait.size, "lime"))
    heif.save(out, quality=95, primary_index=primary)
    return out


def test_an_unchanged_heic_image_is_not_decoded_to_find_that_out(portrait: Image.Image, rules: ImageRules) -> None:
    """It takes seconds and much memory, and is done once, when the file is converted."""
    file = heic(portrait)
    with HEIF.HeifImageFile(file) as image:
        expected = sent(file.getvalue(), rules)
        assert expected.digest == sent(image, rules).digest
        assert image.fp is file  # pillow-heif drops it when it decodes
        image.putpixel((0, 0), (1, 255, 1))
        assert expected.digest != sent(image, rules).digest


def test_a_decoded_heic_image_is_not_decoded_again(
    portrait: Image.Image, tmp_path: Path, rules: ImageRules, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would take longer than to encode it, which is done in any case."""

    def fail(*_: object, **__: object) -> None:
        pytest.fail("its file is opened again")

    path = tmp_path / "photo.heic"
    path.write_bytes(heic(portrait).getvalue())
    with HEIF.HeifImageFile(path) as image:
        image.load()
        with monkeypatch.context() as patch:
            patch.setattr(HEIF.HeifFile, "__init__", fail)
            patch.setattr(HEIF.as_plugin.HeifFile, "__init__", fail)
            payload = sent(image, rules)
        assert image.tobytes() == Image.open(io.BytesIO(content_of(payload))).tobytes()


def test_an_image_beside_the_primary_one_is_sent_alone(portrait: Image.Image, rules: ImageRules) -> None:
    """The file shows its primary image, which need not be the first one."""
    with HEIF.HeifImageFile(heic(portrait, primary=1)) as image:
        image.seek(0)
        payload = sent(image, rules)
    with Image.open(io.BytesIO(content_of(payload))) as result:
        assert ImageStat.Stat(ImageChops.difference(portrait, result.convert("RGB"))).mean[0] < 5


def putpixel(image: Image.Image) -> None:
    """Change one pixel."""
    image.putpixel((95, 63), (1, 255, 1))


def access(image: Image.Image) -> None:
    """Change a pixel through the access object."""
    pixels: Any = image.load()
    pixels[95, 63] = (1, 255, 1)


def core(image: Any) -> None:
    """Change a pixel below Pillow's surface."""
    image.load()
    image.im.putpixel((95, 63), (1, 255, 1))


def paste(image: Image.Image) -> None:
    """Paste a colour."""
    image.paste((1, 255, 1), (90, 60, 96, 64))


def draw(image: Image.Image) -> None:
    """Draw on it."""
    ImageDraw.Draw(image).rectangle((0, 0, 9, 9), (1, 255, 1))


def thumbnail(image: Image.Image) -> None:
    """Make it smaller in place."""
    image.thumbnail((48, 48))


def draft(image: Image.Image) -> None:
    """Ask the decoder for a grey and smaller image."""
    image.draft("L", (24, 16))


def putalpha(image: Image.Image) -> None:
    """Add transparency in place."""
    image.putalpha(128)


def frombytes(image: Image.Image) -> None:
    """Replace all pixels."""
    image.load()
    image.frombytes(bytes(len(image.tobytes())))


def putdata(image: Image.Image) -> None:
    """Replace the first pixels."""
    image.putdata([(1, 255, 1)] * 50)


def transpose(image: Image.Image) -> None:
    """Turn it upright in place."""
    ImageOps.exif_transpose(image, in_place=True)


def turn_by_metadata(image: Image.Image) -> None:
    """Say that it lies on its side."""
    image.getexif()[0x0112] = 8


def drop_orientation(image: Image.Image) -> None:
    """Say nothing about how it lies."""
    del image.info["exif"]


EDITS = [putpixel, access, core, paste, draw, thumbnail, draft, putalpha, frombytes, putdata, transpose]


@pytest.mark.parametrize("edit", [*EDITS, turn_by_metadata, drop_orientation])
@pytest.mark.parametrize("form", ["path", "BytesIO"])
def test_an_edited_image_is_not_its_file(
    edit: Callable[[Image.Image], None], form: str, write: Callable[[str], Path], rules: ImageRules
) -> None:
    """Every kind of edit in place is sent, turned as its metadata say after the edit."""
    path = write("JPEG")
    with Image.open(path if form == "path" else io.BytesIO(path.read_bytes())) as image:
        edit(image)
        payload = sent(image, rules)
        expected = ImageOps.exif_transpose(image)
    with Image.open(io.BytesIO(content_of(payload))) as result:
        assert expected.size == result.size
        difference = ImageChops.difference(expected.convert("RGB"), result.convert("RGB"))
        assert max(ImageStat.Stat(difference).mean) < 3


def test_another_palette_is_another_image(encoded: Callable[..., bytes], rules: ImageRules) -> None:
    """The numbers of the pixels are the same, and the colours are not."""
    with Image.open(io.BytesIO(encoded("PNG", Image.new("P", (8, 8), 0)))) as image:
        image.load()
        image.putpalette([1, 255, 1])
        payload = sent(image, rules)
    with Image.open(io.BytesIO(content_of(payload))) as result:
        assert (1, 255, 1) == result.convert("RGB").getpixel((0, 0))


def test_a_later_frame_is_sent_alone(portrait: Image.Image, encoded: Callable[..., bytes], rules: ImageRules) -> None:
    """After `seek`, the frame is the image; back at the first one, it is the file."""
    content = encoded("GIF", save_all=True, append_images=[Image.new("RGB", portrait.size, "lime")])
    with Image.open(io.BytesIO(content)) as image:
        image.seek(1)
        with Image.open(io.BytesIO(content_of(sent(image, rules)))) as frame:
            assert (0, 255, 0) == frame.convert("RGB").getpixel((5, 5))
        image.seek(0)
        assert content == content_of(sent(image, rules))


@pytest.mark.parametrize("name", ["icc_profile", "exif", "comment"])
def test_removed_metadata_are_not_sent(
    name: str, encoded: Callable[..., bytes], exif: Callable[[int], Image.Exif]
) -> None:
    """What its owner took out of `info` is not brought back from the file, also where metadata may stay."""
    rules = ImageRules(own_origin="", strip_metadata=False)
    content = encoded("JPEG", exif=exif(1), comment=b"at home", icc_profile=b"a colour profile" * 20)
    with Image.open(io.BytesIO(content)) as image:
        assert content == content_of(sent(image, rules))
        del image.info[name]
        with Image.open(io.BytesIO(content_of(sent(image, rules)))) as result:
            assert name not in result.info


def test_a_file_that_was_replaced_is_not_sent_instead(
    tmp_path: Path, encoded: Callable[..., bytes], rules: ImageRules
) -> None:
    """The name of a decoded image may by now belong to another file, or to none."""
    path = tmp_path / "photo.png"
    path.write_bytes(encoded("PNG", Image.new("RGB", (8, 8), "red")))
    with Image.open(path) as image:
        image.load()
    for replacement in (encoded("PNG", Image.new("RGB", (8, 8), "lime")), b"\xff\xd8\xff and no image", b"", None):
        path.unlink()
        if replacement is not None:
            path.write_bytes(replacement)
        with Image.open(io.BytesIO(content_of(sent(image, rules)))) as result:
            assert (255, 0, 0) == result.convert("RGB").getpixel((5, 5))
        path.touch()
