"""Inputs as applications have them: wrappers of files, streams that break, shared objects, edited images, odd JPEGs."""

from __future__ import annotations

import gzip
import io
import os
import random
import sys
import tempfile
import tracemalloc
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image, ImageOps

from aurashot.errors import InputError, InvalidImageError
from aurashot.images import ImageRules, held, locate, prepare
from tests.images.sending import content_of, sent

if TYPE_CHECKING:
    from collections.abc import Callable


class Delegating:
    """A wrapper that has no method of its own, like the uploads of web frameworks."""

    def __init__(self, content: bytes) -> None:
        self.stream = io.BytesIO(content)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


class Broken:
    """A stream that fails with an error of its own library."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def read(self, size: int = -1) -> bytes:
        """Fail."""
        raise self.error


def test_a_wrapper_is_a_file(encoded: Callable[..., bytes], rules: ImageRules) -> None:
    """Whatever has a `read` that can be called is read, also when it delegates its methods."""
    content = encoded("PNG")
    assert content == content_of(sent(Delegating(content), rules))
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.seek(0)
        assert content == content_of(sent(file, rules))


@pytest.mark.parametrize(
    "error",
    [
        OSError(5, "Input/output error"),
        EOFError(),
        OSError(),
        TimeoutError(),
        zipfile.BadZipFile("Bad CRC-32"),
        RuntimeError("stream was cut off"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_stream_that_fails_is_an_error_about_the_image(error: Exception, rules: ImageRules) -> None:
    """The error is chained, and its reason is never empty."""
    with pytest.raises(InvalidImageError, match="cannot be read") as caught:
        sent(Broken(error), rules)

    assert error is caught.value.__cause__
    assert "not_sent" == caught.value.outcome
    assert f"({type(error).__name__}" in caught.value.message or "Input/output error" in caught.value.message


def test_a_cut_off_archive_is_an_error_about_the_image(encoded: Callable[..., bytes], rules: ImageRules) -> None:
    """A compressed stream that ends early is no image."""
    cut = gzip.compress(encoded("PNG"))[:-40]
    with gzip.open(io.BytesIO(cut)) as stream, pytest.raises(InvalidImageError, match="cannot be read"):
        sent(stream, rules)


class Unusable:
    """A wrapper without a file, like a field of a web framework that has none: each attribute raises."""

    def __getattr__(self, name: str) -> Any:
        raise ValueError(f"no file, and so no {name}")


class Nowhere(os.PathLike[str]):
    """A path that is none."""

    def __fspath__(self) -> str:
        """Fail."""
        raise RuntimeError("no path")


@pytest.mark.parametrize(
    ("image", "cause"), [(Unusable(), ValueError), (Nowhere(), RuntimeError)], ids=["wrapper", "path"]
)
def test_an_object_without_a_file(image: Any, cause: type[Exception], rules: ImageRules) -> None:
    """What it raises when it is looked at is an error about the image."""
    with pytest.raises(InvalidImageError, match="object cannot be read") as caught:
        locate(image, rules)
    assert isinstance(caught.value.__cause__, cause)


def test_a_stream_that_has_no_name_any_more(encoded: Callable[..., bytes], rules: ImageRules) -> None:
    """It is told by what reading it says."""
    stream = io.BufferedReader(io.BytesIO(encoded("PNG")))
    stream.detach()
    with pytest.raises(InvalidImageError, match=r"cannot be read \(ValueError: raw stream has been detached"):
        sent(stream, rules)


def test_a_file_without_a_size(rules: ImageRules) -> None:
    """The memory of a process is a regular file of no bytes."""
    if not Path("/proc/self/mem").exists():
        pytest.skip("this system has no /proc")
    with pytest.raises(InvalidImageError, match="is empty"):
        sent("/proc/self/mem", rules)


@pytest.mark.parametrize("call", ["fstat", "readinto"])
def test_a_disk_that_fails_while_it_is_read(
    call: str, tmp_path: Path, encoded: Callable[..., bytes], rules: ImageRules, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error of the system in the middle of a file is an error about the image."""
    path = tmp_path / "face.png"
    path.write_bytes(encoded("PNG"))
    error = OSError(5, "Input/output error")

    def fail(*_: object) -> Any:
        raise error

    with sent(path, rules).open() as file:
        raw: Any = file
        if call == "fstat":
            monkeypatch.setattr(os, "fstat", fail)
        else:
            monkeypatch.setattr(raw.raw, "_file", Broken(error))
            monkeypatch.setattr(Broken, "tell", int, raising=False)
            monkeypatch.setattr(Broken, "readinto", fail, raising=False)
        with pytest.raises(InvalidImageError, match="cannot be read") as caught:
            file.read(10)
        monkeypatch.undo()
    assert error is caught.value.__cause__


@pytest.mark.parametrize("change", ["shrinks", "grows", "is rewritten"])
def test_a_file_that_changes_while_it_is_sent(
    change: str, tmp_path: Path, encoded: Callable[..., bytes], rules: ImageRules
) -> None:
    """The request says how long its body is before the body is read: a change is noticed, whatever it is."""
    path = tmp_path / "face.png"
    content = encoded("PNG")
    path.write_bytes(content)
    with sent(path, rules).open() as file:
        file.read(10)
        if change == "shrinks":
            os.truncate(path, 100)
        else:
            path.write_bytes(content + b"more" if change == "grows" else bytes(len(content)))
        os.utime(path, ns=(1, 1))
        with pytest.raises(InvalidImageError, match="changed while it was read"):
            file.read(1_000_000)


def test_a_released_memoryview_is_refused(rules: ImageRules) -> None:
    """It has no bytes any more."""
    view = memoryview(b"abc")
    view.release()
    with pytest.raises(InvalidImageError, match="was released"):
        locate(view, rules)


@pytest.mark.parametrize(
    "image", [bytearray(200), "data:image/png;base64," + "A" * 400, "data:image/png," + "%00" * 200]
)
def test_the_size_is_checked_before_anything_is_copied(image: Any) -> None:
    """An image over the limit is refused where it is described."""
    with pytest.raises(InvalidImageError, match="larger than the limit of 100 bytes"):
        locate(image, ImageRules(own_origin="", max_bytes=100))


@pytest.mark.parametrize(
    ("before", "after"),
    [("data:image/png;base64,", "\n"), ("data:image/png,", " "), ("", " "), ("\n", ""), ("file:///", "")],
    ids=["base64", "percent", "base64 alone", "base64 alone, second line", "file"],
)
def test_a_long_text_is_refused_without_a_copy(before: str, after: str) -> None:
    """A text of 8 MiB that is no image of at most 100 bytes costs next to no memory, white space around it included."""
    text = before + "A" * (8 << 20) + after
    tracemalloc.start()
    try:
        with pytest.raises(
            InvalidImageError, match=r"larger than the limit|neither a path nor a URL|too long for a path"
        ):
            locate(text, ImageRules(own_origin="", max_bytes=100))
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_a_file_that_is_read_while_pillow_is_imported(
    encoded: Callable[..., bytes], rules: ImageRules, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another thread may be importing it: its module is there, and has no names yet."""
    content = encoded("PNG")
    monkeypatch.setitem(sys.modules, "PIL.Image", ModuleType("PIL.Image"))
    assert content == content_of(sent(io.BytesIO(content), rules))


def test_an_open_file_is_read_without_a_second_copy(encoded: Callable[..., bytes]) -> None:
    """A file of 8 MiB takes less than the memory of two."""
    file = io.BytesIO(encoded("PNG") + bytes(8 << 20))
    tracemalloc.start()
    try:
        assert sent(file, ImageRules(own_origin="", strip_metadata=False)).size > 8 << 20
        assert tracemalloc.get_traced_memory()[1] < 12 << 20
    finally:
        tracemalloc.stop()


def test_a_large_file_behind_a_pillow_image_is_not_read_to_its_end(encoded: Callable[..., bytes]) -> None:
    """Of the file that an image was opened from, one byte more than the limit is read."""
    file = Reads(encoded("PNG"))
    with Image.open(file) as image:
        file.lengths.clear()
        with pytest.raises(InvalidImageError, match="larger than the limit of 500 bytes"):
            sent(image, ImageRules(own_origin="", max_bytes=500))
    assert [501] == file.lengths


class Reads(io.BytesIO):
    """A file that notes how much was read."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self.lengths: list[int] = []

    def read(self, size: int | None = -1, /) -> bytes:
        """Read, and note the length."""
        data = super().read(size)
        self.lengths.append(len(data))
        return data


def test_an_open_file_is_read_once_for_all_who_hold_it(encoded: Callable[..., bytes], rules: ImageRules) -> None:
    """Two calls at the same time get the same bytes; a call after them finds the file at its end."""
    content, turns = encoded("PNG"), Barrier(4)
    file = io.BytesIO(content)

    def send() -> bytes:
        found = locate(file, rules)
        assert not isinstance(found, str)
        with held(found.source) as read:
            turns.wait()
            payload = prepare(found, rules, read)
            turns.wait()
        return content_of(payload)

    with ThreadPoolExecutor(4) as threads:
        assert [content] * 4 == [one.result() for one in [threads.submit(send) for _ in range(4)]]
    with pytest.raises(InvalidImageError, match=r"already read .*seek\(0\)"):
        sent(file, rules)


def test_a_failed_read_fails_for_all_who_hold_it(rules: ImageRules) -> None:
    """Nobody reads the rest of a file that another call began to read."""
    found = locate(Broken(OSError("gone")), rules)
    assert not isinstance(found, str)
    with held(found.source) as read:
        for _ in range(2):
            with pytest.raises(InvalidImageError, match="cannot be read"):
                prepare(found, rules, read)


def test_a_lazy_pillow_image_is_sent_right_from_many_threads(astronaut: Path, rules: ImageRules) -> None:
    """An image that Pillow has not decoded yet is the file that it was opened from."""
    with Image.open(astronaut) as image, ThreadPoolExecutor(8) as threads:
        payloads = [one.result() for one in [threads.submit(sent, image, rules) for _ in range(8)]]
    assert {sent(astronaut, rules).digest} == {payload.digest for payload in payloads}


def test_a_photograph_in_memory_is_sent_as_jpeg(astronaut: Path, rules: ImageRules) -> None:
    """Photographs become JPEG, or WebP where they are transparent; what has few colours stays PNG."""
    with Image.open(astronaut) as image:
        image.load()
        assert "image/jpeg" == sent(image, rules).media_type
        assert "image/webp" == sent(image.convert("RGBA"), rules).media_type
        assert "image/png" == sent(image.quantize(64).convert("RGB"), rules).media_type


def test_an_edited_image_is_taken_as_it_looks(
    encoded: Callable[..., bytes], exif: Callable[[int], Image.Exif], rules: ImageRules
) -> None:
    """An opened photograph is turned upright; one that was turned by its owner is not turned again."""
    with Image.open(io.BytesIO(encoded("PNG", exif=exif(6)))) as photo:
        upright = ImageOps.exif_transpose(photo)
        turned = photo.rotate(270, expand=True)
        for image in (photo, upright, turned):
            with Image.open(io.BytesIO(content_of(sent(image, rules)))) as result:
                assert upright.size == result.size
                assert upright.tobytes() == result.convert(upright.mode).tobytes()


@pytest.mark.parametrize("seed", range(40))
def test_what_hides_behind_a_missing_end_mark_is_not_sent(seed: int, astronaut: Path, rules: ImageRules) -> None:
    """A film appended in place of the end mark, with a position in it, is refused or left out."""
    noise = random.Random(seed).randbytes(2_000_000)
    hidden = b"\0\0\0\x18ftypmp42" + b"GPS 59.3293 18.0686" + noise
    content = astronaut.read_bytes().removesuffix(b"\xff\xd9") + hidden
    try:
        payload = sent(content, rules)
    except InvalidImageError:
        return
    assert b"GPS 59.3293" not in content_of(payload)


@pytest.mark.parametrize(
    "hidden",
    [
        b"\0\0\0\x18ftypmp42 lat 59.3293",
        b"<x:xmpmeta> lat 59.3293",
        b"GPS 59.3293",
        b"GPSLatitude lat 59.3293",
        b"Exif\0\0MM lat 59.3293",
    ],
)
def test_what_hides_between_the_pixels_and_the_end_mark_is_not_sent(
    hidden: bytes, encoded: Callable[..., bytes], rules: ImageRules
) -> None:
    """What has no end mark in it looks like the end of the pixels."""
    content = encoded("JPEG").removesuffix(b"\xff\xd9")
    scan = len(content) - content.index(b"\xff\xda")
    for gap in (0, 256 * 1024 - scan - 5):  # the second begins in one block of what is read and ends in the next
        assert b"59.3293" not in content_of(sent(content + bytes(gap) + hidden + b"\xff\xd9", rules))


def png_chunk(kind: bytes, content: bytes) -> bytes:
    """Return a PNG chunk."""
    return len(content).to_bytes(4) + kind + content + zlib.crc32(kind + content).to_bytes(4)


@pytest.mark.parametrize(
    ("kind", "content"),
    [(b"gAMA", (45_455).to_bytes(4)), (b"pHYs", bytes(9)), (b"bKGD", bytes(6)), (b"sPLT", b"name\0\x08")],
)
def test_a_png_chunk_that_is_too_long_goes(
    kind: bytes, content: bytes, encoded: Callable[..., bytes], rules: ImageRules
) -> None:
    """A chunk of a legal kind has no room for anything else."""
    png = encoded("PNG")
    hiding = png[:33] + png_chunk(kind, content + b"GPS 59.3293") + png[33:]
    assert png == content_of(sent(hiding, rules))


def test_what_hides_in_a_frame_of_an_animation_is_not_sent(
    portrait: Image.Image, encoded: Callable[..., bytes], rules: ImageRules
) -> None:
    """A frame of a WebP animation consists of chunks, of which only those with pixels stay."""
    webp = encoded("WEBP", save_all=True, append_images=[portrait.rotate(180)], lossless=True)
    start = webp.index(b"ANMF")
    end = start + 8 + int.from_bytes(webp[start + 4 : start + 8], "little")
    hidden = b"EXIF\x0c\0\0\0GPS 59.3293\0"
    sizes = [(int.from_bytes(webp[at : at + 4], "little") + len(hidden)).to_bytes(4, "little") for at in (4, start + 4)]
    hiding = webp[:4] + sizes[0] + webp[8 : start + 4] + sizes[1] + webp[start + 8 : end] + hidden + webp[end:]
    assert webp == content_of(sent(webp, rules))
    result = content_of(sent(hiding, rules))
    assert b"59.3293" not in result
    with Image.open(io.BytesIO(result)) as image:
        assert 2 == getattr(image, "n_frames", 1)


def test_a_long_run_of_fill_bytes_is_passed_at_once(encoded: Callable[..., bytes], rules: ImageRules) -> None:
    """Any number of FF may precede a marker; a comment behind them goes all the same."""
    content = encoded("JPEG")
    filled = content[:2] + b"\xff" * 5_000_000 + b"\xff\xfe\x00\x08secret" + content[2:]
    assert b"secret" not in content_of(sent(filled, rules))


def test_a_thumbnail_in_the_jfif_segment_goes(encoded: Callable[..., bytes], rules: ImageRules) -> None:
    """A JFIF segment may hold a second image; the plain one stays."""
    content = encoded("JPEG")
    plain = content_of(sent(content, rules))
    assert content[2:20] == plain[2:20]

    thumbnail = b"\xff\xe0\x00\x13JFIF\0\x01\x01\0\0\x01\0\x01\x01\x01abc"
    assert b"abc" not in content_of(sent(content[:2] + thumbnail + content[20:], rules))[:60]


def test_a_path_that_no_file_system_can_have(rules: ImageRules) -> None:
    """Half a character in a path is an error about the image, and not one of the codec."""
    with pytest.raises(InvalidImageError, match="cannot be read") as caught:
        sent("half a \ud800.png", rules)
    assert isinstance(caught.value.__cause__, UnicodeEncodeError)


def test_every_message_is_printable(tmp_path: Path, rules: ImageRules) -> None:
    """A path that is not UTF-8 is shown with escapes."""
    with pytest.raises(InputError) as caught:
        sent(os.fsdecode(os.fsencode(tmp_path) + b"/\xe9.png"), rules)
    assert r"\udce9.png" in caught.value.message
    assert caught.value.message.encode()


@pytest.mark.parametrize("size", [(65_536, 1), (1, 65_536)])
def test_a_side_that_no_photo_has_is_refused_before_it_is_decoded(
    size: tuple[int, int], rules: ImageRules, tmp_path: Path
) -> None:
    """Pillow reserves the memory for what a broken file states: 375 MB for one of 1 by 47,884,801 pixels."""
    path = tmp_path / "long.tif"
    Image.new("L", size).save(path)
    with Image.open(path) as opened:
        for given in (path, opened, Image.new("L", size)):
            with pytest.raises(InvalidImageError, match=r"65,536.* a side may have 65,535; crop it"):
                sent(given, rules)
