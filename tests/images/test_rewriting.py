"""What is sent of a file is what its format gives each part, and the image looks as before."""

from __future__ import annotations

import io
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings, strategies as st
from PIL import Image, ImageCms

from aurashot.errors import InvalidImageError
from aurashot.images._profiles import without_texts
from lab.attack.canary import CANARY, profiles
from lab.attack.png import chunk
from tests.images.profiles import EMBEDDED, PROFILE
from tests.images.sending import content_of, sent
from tests.images.test_colours import raw_png

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from aurashot.images import ImageRules


def pixels(content: bytes) -> list[bytes]:
    """Return the decoded pixels of each frame."""
    with Image.open(io.BytesIO(content)) as image:
        frames: list[bytes] = []
        for frame in range(getattr(image, "n_frames", 1)):
            image.seek(frame)
            frames.append(image.convert("RGBA").tobytes())
    return frames


def seen_through(profile: bytes, image: Image.Image) -> bytes:
    """Return what an image looks like whose colours a profile describes."""
    cms: Any = ImageCms
    lab = cms.createProfile("LAB")
    seen: Image.Image = cms.profileToProfile(image, cms.ImageCmsProfile(io.BytesIO(profile)), lab, outputMode="LAB")
    return seen.tobytes()


def test_a_profile_gives_the_same_colours_without_its_texts(portrait: Image.Image) -> None:
    """Texts, dates and makers go, and no colour changes; what was rewritten stays as it is."""
    assert seen_through(EMBEDDED, portrait) == seen_through(PROFILE, portrait)
    assert PROFILE == without_texts(PROFILE)
    for name, profile in profiles().items():
        rewritten = without_texts(profile)
        assert (name == "no profile at all") == (rewritten is None)
        assert rewritten in {None, PROFILE}


@given(at=st.integers(0, len(EMBEDDED)), junk=st.binary(min_size=1, max_size=12), cut=st.integers(0, 400))
@settings(max_examples=60)
def test_a_broken_profile_is_left_out(at: int, junk: bytes, cut: int) -> None:
    """Whatever the bytes: a profile or none, and no error."""
    content = (EMBEDDED[:at] + junk + EMBEDDED[at + len(junk) :])[: len(EMBEDDED) - cut]
    rewritten = without_texts(content)
    assert rewritten is None or rewritten == without_texts(rewritten)


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize(("bits", "colour", "channels"), [(8, 2, 3), (16, 6, 4), (8, 0, 1), (16, 4, 2)])
def test_the_pixels_of_every_png_are_followed_to_their_end(
    bits: int, colour: int, channels: int, *, interlaced: bool, rules: ImageRules
) -> None:
    """Interlaced or not, of any depth: what follows the pixels goes, and they stay."""
    png = raw_png(bits, colour, channels, interlaced=interlaced)
    start, end = png.index(b"eXIf") - 4, png.index(b"IDAT") - 4
    upright = png[:start] + png[end:]
    assert upright == content_of(sent(upright, rules))
    data = upright[upright.index(b"IDAT") + 4 : -16]
    hiding = upright[: upright.index(b"IDAT") - 4] + chunk(b"IDAT", data + CANARY) + upright[-12:]
    assert upright == content_of(sent(hiding, rules))


@pytest.mark.parametrize("colours", [2, 3, 4, 16, 17, 256])
@pytest.mark.parametrize("file_format", ["PNG", "GIF"])
def test_palettes_of_every_size(
    file_format: str, colours: int, portrait: Image.Image, encoded: Callable[..., bytes], rules: ImageRules
) -> None:
    """Pixels of 1, 2, 4 and 8 bits, and codes that grow from 3 bits to 12."""
    content = encoded(file_format, portrait.resize((300, 200)).quantize(colours))
    assert content == content_of(sent(content, rules))
    frames = [portrait.rotate(turn).quantize(colours) for turn in (90, 180)]
    moving = encoded(file_format, portrait.quantize(colours), save_all=True, append_images=frames, loop=2, duration=70)
    result = content_of(sent(moving, rules))
    assert pixels(moving) == pixels(result)
    with Image.open(io.BytesIO(result)) as image:
        assert (3, 2, 70) == (getattr(image, "n_frames", 1), image.info["loop"], image.info["duration"])


def test_a_gif_without_the_code_of_its_end(encoded: Callable[..., bytes], rules: ImageRules) -> None:
    """Some encoders write none: what follows the last pixel goes, and the code is added."""
    one_pixel = b"GIF89a\1\0\1\0\x80\0\0\xff\xff\xff\0\0\0,\0\0\0\0\1\0\1\0\0\2"
    assert one_pixel + b"\2\x44\1\0;" == content_of(sent(one_pixel + b"\x0b\x44" + b"a secret.." + b"\0;", rules))
    assert one_pixel + b"\2\x44\1\0;" == content_of(sent(one_pixel + b"\2\x44\1\0;", rules))


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"optimize": True}, {"restart_marker_blocks": 3}])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_every_kind_of_jpeg_stays_as_it_is(
    mode: str, options: dict[str, Any], portrait: Image.Image, encoded: Callable[..., bytes], rules: ImageRules
) -> None:
    """What has no metadata is not rewritten, and what is behind its pixels goes without changing them."""
    content = encoded("JPEG", portrait.convert(mode), **options)
    assert pixels(content) == pixels(content_of(sent(content, rules)))
    hiding = content[:-2] + CANARY + content[-2:]
    result = content_of(sent(hiding, rules))
    assert CANARY not in result
    assert pixels(content) == pixels(result)
    assert result == content_of(sent(result, rules))


def test_a_real_photograph_keeps_its_scan(grace_hopper: Path, rules: ImageRules) -> None:
    """The entropy-coded data of a photo are sent byte for byte."""
    content = grace_hopper.read_bytes()
    result = content_of(sent(content, rules))
    assert content[content.index(b"\xff\xda") :] == result[result.index(b"\xff\xda") :]


@given(
    at=st.integers(12, 3_000),
    junk=st.binary(min_size=1, max_size=8),
    kind=st.sampled_from(["JPEG", "PNG", "WEBP", "GIF"]),
)
@settings(max_examples=60)
def test_a_broken_file_is_refused_or_sent(
    at: int, junk: bytes, kind: str, portrait: Image.Image, rules: ImageRules
) -> None:
    """Whatever the bytes: an error about the image, or a file."""
    out = io.BytesIO()
    portrait.resize((24, 16)).save(out, kind)
    content = bytearray(out.getvalue())
    content[at : at + len(junk)] = junk
    with suppress(InvalidImageError):
        assert sent(bytes(content), rules).size


def test_a_frame_that_is_cut_short_is_refused(portrait: Image.Image, rules: ImageRules) -> None:
    """It names more components than it describes."""
    out = io.BytesIO()
    portrait.resize((24, 16)).save(out, "JPEG")
    content = bytearray(out.getvalue())
    frame = content.index(b"\xff\xc0")
    content[frame + 7 : frame + 13] = b"\0\0\4\0\0\1"
    with pytest.raises(InvalidImageError, match="is cut short or broken"):
        sent(bytes(content), rules)
