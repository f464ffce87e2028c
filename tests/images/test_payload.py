from __future__ import annotations

import base64
import errno
import hashlib
import io
import os
import socket
import tempfile
import tracemalloc
import warnings
import zlib
from dataclasses import FrozenInstanceError
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from PIL import Image

from aurashot.errors import ConfigurationError, InvalidImageError
from aurashot.images import ImageRules
from tests.images.sending import content_of, sent

if TYPE_CHECKING:
    from collections.abc import Callable

    from aurashot.images._input import BinaryFile


@pytest.fixture
def plain(tmp_path: Path, encoded: Callable[..., bytes]) -> Path:
    """Return the path of a PNG file that has nothing to remove, under a misleading name."""
    path = tmp_path / "my face.jpeg"
    path.write_bytes(encoded("PNG"))
    return path


def test_a_clean_file_is_sent_byte_for_byte(plain: Path, rules: ImageRules) -> None:
    """The payload of a clean file is the file; its type and extension are told by its content."""
    payload = sent(plain, rules)
    content = plain.read_bytes()
    assert content == content_of(payload)
    assert (payload.filename, payload.media_type, payload.size) == ("my-face.png", "image/png", len(content))
    assert hashlib.sha256(content + b"image/png").hexdigest() == payload.digest


def test_every_attempt_reads_from_the_start(plain: Path, rules: ImageRules) -> None:
    """A payload can be opened again and again, from disk and from memory."""
    for image in (plain, plain.read_bytes()):
        payload = sent(image, rules)
        assert content_of(payload) == content_of(payload) == plain.read_bytes()


@pytest.mark.parametrize("form", ["str", "path", "bytes", "file", "BytesIO", "spooled", "data", "uri"])
def test_all_forms_of_one_image_have_one_digest(form: str, plain: Path, rules: ImageRules) -> None:
    """However an image is handed over, equal bytes have an equal digest, so that they are uploaded once."""
    content = plain.read_bytes()
    with plain.open("rb") as file, tempfile.SpooledTemporaryFile() as spooled:
        spooled.write(content)
        spooled.seek(0)
        forms: dict[str, Any] = {
            "str": str(plain),
            "path": plain,
            "bytes": content,
            "file": file,
            "BytesIO": io.BytesIO(content),
            "spooled": spooled,
            "data": "data:image/png," + "".join(f"%{byte:02x}" for byte in content),
            "uri": plain.as_uri(),
        }
        assert sent(forms[form], rules).digest == sent(plain, rules).digest


def test_a_photograph_is_cleaned_before_it_is_sent(grace_hopper: Path, rules: ImageRules) -> None:
    """What identifies is removed from a real photograph, which is then held in memory."""
    payload = sent(grace_hopper, rules)
    assert payload.filename == "grace_hopper.jpg"
    assert payload.size == len(content_of(payload)) < grace_hopper.stat().st_size


def test_metadata_stays_when_the_user_wants_it(
    encoded: Callable[..., bytes], exif: Callable[[int], Image.Exif]
) -> None:
    """`strip_metadata=False` sends a file exactly as it is, even a broken one."""
    rules = ImageRules(own_origin="", strip_metadata=False)
    for content in (encoded("JPEG", exif=exif(6)), encoded("PNG")[:-4]):
        assert content == content_of(sent(content, rules))


def test_a_gif_is_sent_without_its_comment(encoded: Callable[..., bytes], rules: ImageRules) -> None:
    """Of a GIF file, the screen, the colours and the pixels are sent."""
    payload = sent(encoded("GIF", comment=b"a comment"), rules)
    expected = encoded("GIF").replace(b"GIF87a", b"GIF89a")  # as Pillow writes it when there is a comment
    assert ("image.gif", expected) == (payload.filename, content_of(payload))


def test_without_pillow_files_are_sent_as_they_are(
    encoded: Callable[..., bytes],
    exif: Callable[[int], Image.Exif],
    rules: ImageRules,
    forget_pillow: Callable[[], None],
) -> None:
    """The four formats need no Pillow; their metadata stay, since a photograph could not be turned upright."""
    files = [encoded(file_format, exif=exif(6)) for file_format in ("JPEG", "PNG", "WEBP")]
    files.append(encoded("GIF"))
    forget_pillow()
    for content in files[:3]:
        with pytest.warns(UserWarning, match=r"uploaded with its metadata.*aurashot\[images\]"):
            assert content == content_of(sent(content, rules))
    assert files[3] == content_of(sent(files[3], rules))


def test_without_pillow_nobody_is_warned_for_nothing(
    encoded: Callable[..., bytes], exif: Callable[[int], Image.Exif], plain: Path, forget_pillow: Callable[[], None]
) -> None:
    """A file without metadata has nothing to tell, and `strip_metadata=False` says that it is meant."""
    photo = encoded("JPEG", exif=exif(6))
    forget_pillow()
    sent(plain, ImageRules(own_origin=""))
    assert photo == content_of(sent(photo, ImageRules(own_origin="", strip_metadata=False)))


def test_the_warning_is_shown_once(
    encoded: Callable[..., bytes],
    exif: Callable[[int], Image.Exif],
    rules: ImageRules,
    forget_pillow: Callable[[], None],
) -> None:
    """However many photos there are, by Python's own default filter."""
    photos = [encoded("JPEG", exif=exif(1), quality=quality) for quality in (70, 80, 90)]
    forget_pillow()
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("default")
        for photo in photos:
            sent(photo, rules)
    assert [UserWarning] == [warning.category for warning in shown]


def test_without_pillow_other_formats_name_the_extra(
    encoded: Callable[..., bytes], rules: ImageRules, forget_pillow: Callable[[], None]
) -> None:
    """What would have to be converted is refused, with the command that mends it."""
    content = encoded("BMP")
    forget_pillow()
    with pytest.raises(InvalidImageError, match=r"is BMP, which must be converted.*aurashot\[images\]"):
        sent(content, rules)


def test_insisting_on_clean_files_without_pillow_is_a_configuration_error(
    plain: Path, forget_pillow: Callable[[], None]
) -> None:
    """`strip_metadata=True` never sends a file unchecked."""
    forget_pillow()
    with pytest.raises(ConfigurationError, match=r"aurashot\[images\]"):
        sent(plain, ImageRules(own_origin="", strip_metadata=True))


def test_insisting_on_clean_files_with_pillow_works(grace_hopper: Path) -> None:
    """`strip_metadata=True` is the same as the default when Pillow is there."""
    assert sent(grace_hopper, ImageRules(own_origin="", strip_metadata=True)).media_type == "image/jpeg"


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "GIF"])
def test_a_cut_file_is_refused(file_format: str, encoded: Callable[..., bytes], rules: ImageRules) -> None:
    """A file that lacks its end is not sent."""
    with pytest.raises(InvalidImageError, match=r"cut short or broken; .*strip_metadata=False to send it"):
        sent(encoded(file_format)[:-1], rules)
    sent(encoded(file_format)[:-1], rules._replace(strip_metadata=False))


def a_folder(folder: Path) -> Path:
    """Name the folder itself."""
    return folder


def device(_: Path) -> Path:
    """Name a device that every system of this kind has."""
    return Path("/dev/null")


def endless(folder: Path) -> Path:
    """Name a file that no file system can hold."""
    return folder / ("x" * 300)


def missing(folder: Path) -> Path:
    """Name a file that does not exist."""
    return folder / "nowhere.png"


def below_a_file(folder: Path) -> Path:
    """Name a file below another file."""
    (folder / "file").write_bytes(b"x")
    return folder / "file" / "a.png"


def empty(folder: Path) -> Path:
    """Make an empty file."""
    (folder / "empty.png").touch()
    return folder / "empty.png"


def pipe(folder: Path) -> Path:
    """Make a named pipe."""
    os.mkfifo(folder / "pipe.png")
    return folder / "pipe.png"


def listening(folder: Path) -> Path:
    """Make a socket."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder / "socket.png"))
    return folder / "socket.png"


def loop(folder: Path) -> Path:
    """Make a symbolic link to itself."""
    (folder / "loop.png").symlink_to("loop.png")
    return folder / "loop.png"


def text(folder: Path) -> Path:
    """Make a text file with the name of an image."""
    (folder / "text.png").write_text("not an image")
    return folder / "text.png"


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (missing, "does not exist"),
        (below_a_file, "does not exist"),
        (a_folder, "is a folder"),
        (empty, "is empty"),
        (pipe, "is a pipe or a device"),
        (device, "is a pipe or a device"),
        (listening, "is a socket or a device"),
        (loop, "symbolic link"),
        (endless, "too long for a path; if it is base64"),
        (text, "is not a JPEG, PNG, WebP or GIF"),
    ],
)
def test_each_unusable_path_has_its_own_sentence(
    make: Callable[[Path], Path], reason: str, tmp_path: Path, rules: ImageRules
) -> None:
    """The message names the path and what is wrong with it, at once and without hanging."""
    path = make(tmp_path)
    with pytest.raises(InvalidImageError, match=reason) as caught:
        sent(path, rules)
    assert path.name in caught.value.message


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.EACCES, "check its permissions"),
        (errno.EMFILE, "too many files open; close some"),
        (errno.EIO, "cannot be read"),
    ],
)
def test_what_the_system_refuses_is_translated(
    number: int, reason: str, plain: Path, rules: ImageRules, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that may not be read, or a failing disk, gives our error and not one of the system."""

    def refuse(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(InvalidImageError, match=reason):
        sent(plain, rules)


def test_a_link_to_a_file_is_followed(plain: Path, rules: ImageRules, tmp_path: Path) -> None:
    """A symbolic link is sent under its own name, with the content that it leads to."""
    link = tmp_path / "link"
    link.symlink_to(plain)
    assert sent(link, rules).filename == "link.png"


def test_too_large_a_file_is_refused_unread(plain: Path, rules: ImageRules) -> None:
    """The cap on bytes holds for paths, bytes and open files, and a file exactly at the cap passes."""
    size = plain.stat().st_size
    for image in (plain, plain.read_bytes()):
        with pytest.raises(InvalidImageError, match=f"larger than the limit of {size - 1:,} bytes"):
            sent(image, rules._replace(max_bytes=size - 1))
        assert sent(image, rules._replace(max_bytes=size)).size == size
    with plain.open("rb") as file, pytest.raises(InvalidImageError, match="larger than the limit"):
        sent(file, rules._replace(max_bytes=size - 1))


def test_an_endless_file_object_is_not_read_to_its_end(rules: ImageRules) -> None:
    """Reading stops soon after the cap."""
    file = io.BytesIO(bytes(4_000_000))
    with pytest.raises(InvalidImageError, match="larger than the limit"):
        sent(file, rules._replace(max_bytes=1_000_000))
    assert file.tell() < 2_000_000


def test_the_result_of_a_conversion_is_measured_too(
    encoded: Callable[..., bytes], rules: ImageRules, portrait: Image.Image
) -> None:
    """A small file that would become a large one is refused."""
    content = encoded("AVIF", portrait, quality=1)
    with pytest.raises(InvalidImageError, match="larger than the limit"):
        sent(content, rules._replace(max_bytes=len(content) + 1))


def test_a_file_object_is_read_from_where_it_stands_and_left_open(plain: Path, rules: ImageRules) -> None:
    """What was read before is not sent, and the file remains its owner's."""
    with io.BytesIO(b"header" + plain.read_bytes()) as file:
        file.seek(6)
        assert sent(file, rules).digest == sent(plain, rules).digest
        assert not file.closed


def test_a_file_that_was_read_to_its_end_is_explained(plain: Path, rules: ImageRules) -> None:
    """The most frequent slip, a file object that was read before, is named: by the caller, or by an earlier call."""
    with plain.open("rb") as file:
        sent(file, rules)
        with pytest.raises(InvalidImageError, match=r"BufferedReader object was already read .*seek\(0\), or"):
            sent(file, rules)
        file.seek(0)
        assert sent(file, rules).digest == sent(plain, rules).digest


class Pipe(io.RawIOBase):
    """A file that does not say where it stands."""

    def readable(self) -> bool:
        """Say so."""
        return True

    def readinto(self, buffer: object, /) -> int:
        """Return the end."""
        del buffer
        return 0


@pytest.mark.parametrize("file", [io.BytesIO(), Pipe(), SimpleNamespace(read=io.BytesIO().read)])
def test_a_file_with_nothing_in_it_is_empty(file: BinaryFile, rules: ImageRules) -> None:
    """Nothing was read of it before."""
    with pytest.raises(InvalidImageError, match="is empty; pass an image"):
        sent(file, rules)


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "GIF", "AVIF", "TIFF", "BMP"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.encodebytes, base64.urlsafe_b64encode])
def test_base64_is_not_shown(
    file_format: str, encode: Callable[[bytes], bytes], encoded: Callable[..., bytes], rules: ImageRules, tmp_path: Path
) -> None:
    """As bytes, text, file or path, it is named and kept out of the message."""
    text = encode(encoded(file_format, Image.new("RGB", (40, 40))))
    (tmp_path / "photo.txt").write_bytes(text)
    forms = [text, text.decode(), text[:100].decode(), io.BytesIO(b"\n" + text), tmp_path / "photo.txt"]
    for image in (*forms, b"data:image/png;base64," + text):
        with pytest.raises(InvalidImageError, match="base64") as caught:
            sent(image, rules)
        assert text[:40].decode() not in caught.value.message


def test_a_text_file_object_is_explained(plain: Path, rules: ImageRules) -> None:
    """Text mode is named, whether reading gives text or fails to decode it."""
    with plain.open() as file, pytest.raises(InvalidImageError, match="binary mode"):
        sent(file, rules)
    with pytest.raises(InvalidImageError, match="binary mode"):
        sent(io.StringIO("text"), rules)


def test_a_closed_file_object_is_explained(rules: ImageRules) -> None:
    """Reading from a closed file gives our error."""
    file = io.BytesIO(b"x")
    file.close()
    with pytest.raises(InvalidImageError, match="closed file"):
        sent(file, rules)


class Trickle(io.RawIOBase):
    """A raw file that gives one byte at a time."""

    def __init__(self, content: bytes) -> None:
        self._rest = io.BytesIO(content)

    def read(self, size: int = -1, /) -> bytes:
        """Return one byte, however many were asked for."""
        return self._rest.read(min(size, 1))


def test_a_file_object_that_gives_little_at_a_time_is_read_to_its_end(plain: Path, rules: ImageRules) -> None:
    """Short reads, as of sockets and pipes, are put together."""
    assert sent(Trickle(plain.read_bytes()), rules).digest == sent(plain, rules).digest


def overwrite(path: Path) -> None:
    """Change the content and keep the size."""
    path.write_bytes(bytes(path.stat().st_size))
    os.utime(path, ns=(0, 0))


def exchange(path: Path) -> None:
    """Put another file in its place, with the same size and time."""
    before = path.stat()
    other = path.with_suffix(".new")
    other.write_bytes(path.read_bytes())
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(path)


def lengthen(path: Path) -> None:
    """Append to the file and hide the time of it."""
    before = path.stat()
    with path.open("ab") as file:
        file.write(b"more")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("change", [overwrite, exchange, lengthen])
def test_a_file_that_changed_since_it_was_checked_is_not_sent(
    change: Callable[[Path], None], plain: Path, rules: ImageRules
) -> None:
    """What goes out is what was checked and digested, or nothing."""
    payload = sent(plain, rules)
    change(plain)
    with pytest.raises(InvalidImageError, match="changed while it was being sent"):
        payload.open()


def test_a_file_that_vanished_is_not_sent(plain: Path, rules: ImageRules) -> None:
    """A file that was deleted before an attempt is named."""
    payload = sent(plain, rules)
    plain.unlink()
    with pytest.raises(InvalidImageError, match="does not exist"):
        payload.open()


def large_png(path: Path, size: int) -> None:
    """Write a PNG file with one huge chunk of pixels, which are stored as they are."""
    row = bytes(1 + 3 * 6_000)
    rows = size // len(row)
    header = b"IHDR" + (6_000).to_bytes(4) + rows.to_bytes(4) + b"\x08\x02\0\0\0"
    storing = zlib.compressobj(0)
    pixels = b"IDAT" + b"".join([*(storing.compress(row) for _ in range(rows)), storing.flush()])
    with path.open("wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + (13).to_bytes(4) + header + zlib.crc32(header).to_bytes(4))
        file.write((len(pixels) - 4).to_bytes(4) + pixels + zlib.crc32(pixels).to_bytes(4))
        file.write(bytes(4) + b"IEND\xae\x42\x60\x82")


def large_jpeg(path: Path, size: int) -> None:
    """Write a JPEG file with one huge scan, most of it a hole on the disk."""
    small = io.BytesIO()
    Image.new("L", (8, 8)).save(small, "JPEG")
    scan = small.getvalue().index(b"\xff\xda")
    with path.open("wb") as file:
        file.write(small.getvalue()[: scan + 10])
        file.seek(size, os.SEEK_CUR)
        file.write(b"\xff\xd9")


@pytest.mark.parametrize("make", [large_png, large_jpeg])
def test_a_large_clean_file_is_never_held_in_memory(
    make: Callable[[Path, int], None], tmp_path: Path, rules: ImageRules
) -> None:
    """A clean file of 24 MiB costs less than 2 MiB of memory."""
    path = tmp_path / "large"
    make(path, 24 * 1024 * 1024)
    sent(b"GIF89a" + bytes(7) + b";", rules)  # what is imported once is not counted
    tracemalloc.start()
    try:
        payload = sent(path, rules)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert payload.size == path.stat().st_size
    assert peak < 2 * 1024 * 1024


def test_a_payload_is_frozen_and_spills_nothing(plain: Path, rules: ImageRules) -> None:
    """A payload cannot be changed, and its representation holds no bytes of the image."""
    payload = sent(plain.read_bytes(), rules)
    assert "IDAT" not in repr(payload)
    with pytest.raises(FrozenInstanceError):
        cast("Any", payload).size = 0


def test_open_files_are_closed(plain: Path, rules: ImageRules, tmp_path: Path) -> None:
    """Neither success nor refusal leaves a descriptor behind."""
    descriptors = Path("/proc/self/fd")
    if not descriptors.exists():
        pytest.skip("descriptors cannot be counted here")
    before = len(list(descriptors.iterdir()))
    sent(plain, rules)
    for make in (text, pipe, empty):
        with pytest.raises(InvalidImageError):
            sent(make(tmp_path), rules)
    payload = sent(plain, rules)
    overwrite(plain)
    with pytest.raises(InvalidImageError):
        payload.open()
    assert len(list(descriptors.iterdir())) == before
