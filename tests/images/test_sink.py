from __future__ import annotations

import errno
import os
import stat
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pytest
from hypothesis import given, settings, strategies as st

from aurashot._part import _part_name
from aurashot.errors import DownloadError
from aurashot.images import FileSink, MemorySink, Sink

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

T = TypeVar("T")
LIMIT = 1_000_000


@pytest.fixture(scope="session")
def image(encoded: Callable[..., bytes]) -> bytes:
    """Return a small whole PNG file."""
    return encoded("PNG")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return an empty folder."""
    path = tmp_path / "images"
    path.mkdir()
    return path


@pytest.fixture
def umask() -> Iterator[int]:
    """Set an unusual umask, and return the mode that a new file gets under it."""
    before = os.umask(0o027)
    yield 0o640
    os.umask(before)


def chunks(content: bytes, size: int = 1_000) -> list[bytes]:
    """Cut content as a download would."""
    return [content[start : start + size] for start in range(0, len(content), size)]


def land(sink: Sink[T], content: Iterable[bytes]) -> T:
    """Let a whole download land."""
    sink.begin()
    try:
        for chunk in content:
            sink.write(chunk)
        return sink.finish()
    finally:
        sink.discard()


def names(folder: Path) -> list[str]:
    """List a folder, hidden files included."""
    return sorted(path.name for path in folder.iterdir())


def test_an_image_lands_in_memory(image: bytes) -> None:
    """What arrived in chunks is returned in one piece, and starting over forgets the first try."""
    sink = MemorySink(max_bytes=LIMIT)
    sink.begin()
    sink.write(b"half of an earlier try")
    assert land(sink, chunks(image)) == image


@pytest.mark.parametrize("form", ["str", "path", "separator", "new folder"])
def test_an_image_lands_in_a_folder(form: str, folder: Path, image: bytes) -> None:
    """A folder, or a path that ends in a separator, gets a file named after the stem and the content."""
    forms: dict[str, str | Path] = {
        "str": str(folder),
        "path": folder,
        "separator": f"{folder}/",
        "new folder": f"{folder}/a/b/",
    }
    target = forms[form]
    saved = land(FileSink(target, stem="req:1/2", max_bytes=LIMIT), chunks(image))
    assert saved.name == "req-1-2.png"
    assert saved.parent == Path(target)
    assert saved.read_bytes() == image
    assert names(saved.parent) == ["req-1-2.png"]


def test_a_name_in_a_folder_is_never_taken_twice(folder: Path, image: bytes) -> None:
    """Further images of one stem are numbered, and none is overwritten."""
    (folder / "cafe.png").write_bytes(b"mine")
    saved_paths = [land(FileSink(folder, stem="cafe", max_bytes=LIMIT), [image]) for _ in range(2)]
    assert [saved.name for saved in saved_paths] == ["cafe-2.png", "cafe-3.png"]
    assert (folder / "cafe.png").read_bytes() == b"mine"


def test_many_threads_storing_one_stem_get_a_file_each(folder: Path, image: bytes) -> None:
    """Names are given out without a race."""

    def one(_: int) -> Path:
        return land(FileSink(folder, stem="cafe", max_bytes=LIMIT), [image])

    with ThreadPoolExecutor(8) as pool:
        saved_paths = set(pool.map(one, range(16)))
    assert len(saved_paths) == 16
    assert names(folder) == sorted(saved.name for saved in saved_paths)


def test_a_file_system_without_links_still_overwrites_nothing(
    folder: Path, image: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a second name for a file is impossible, the name is reserved first."""

    def no_links(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", no_links)
    (folder / "cafe.png").write_bytes(b"mine")
    saved = land(FileSink(folder, stem="cafe", max_bytes=LIMIT), [image])
    assert (saved.name, saved.read_bytes()) == ("cafe-2.png", image)
    assert names(folder) == ["cafe-2.png", "cafe.png"]


@pytest.mark.parametrize("name", ["roof.png", "roof.jpg", "roof", "x" * 251 + ".png", "…"])
def test_an_exact_file_keeps_its_name_and_is_replaced(name: str, folder: Path, image: bytes) -> None:
    """The name that the user asked for is used as it is, whatever the content, and missing folders are made."""
    target = folder / "new" / name
    for _ in range(2):
        assert target == land(FileSink(target, stem="unused", max_bytes=LIMIT), chunks(image))
        assert target.read_bytes() == image
    assert names(target.parent) == [name]


def test_the_home_folder_is_expanded(folder: Path, image: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """`~` stands for the home folder."""
    monkeypatch.setenv("HOME", str(folder))
    assert land(FileSink("~/roof.png", stem="", max_bytes=LIMIT), [image]) == folder / "roof.png"


def test_the_old_file_stays_until_the_new_one_is_whole(folder: Path, image: bytes) -> None:
    """While a download runs, only a private hidden file is beside the old image; a failure leaves the old one."""
    target = folder / "roof.png"
    target.write_bytes(b"old")
    sink = FileSink(target, stem="", max_bytes=LIMIT)
    sink.begin()
    sink.write(image[:100])
    (part,) = (path for path in folder.iterdir() if path != target)
    assert part.name.startswith(".roof.png.")
    assert part.name.endswith(".part")
    assert stat.S_IMODE(part.stat().st_mode) == 0o600
    with pytest.raises(DownloadError, match="incomplete"):
        sink.finish()
    assert names(folder) == ["roof.png"]
    assert target.read_bytes() == b"old"


def test_the_mode_of_the_image_follows_the_umask(folder: Path, image: bytes, umask: int) -> None:
    """The finished file is as readable as any other new file."""
    for to in (folder, folder / "roof.png"):
        assert umask == stat.S_IMODE(land(FileSink(to, stem="cafe", max_bytes=LIMIT), [image]).stat().st_mode)


def test_a_retry_starts_over(folder: Path, image: bytes) -> None:
    """Beginning again, after a cut or after a failed check, forgets what came before."""
    sink = FileSink(folder, stem="cafe", max_bytes=LIMIT)
    sink.begin()
    sink.write(image[:50])
    sink.begin()
    sink.write(b"<html>")
    with pytest.raises(DownloadError):
        sink.finish()
    assert land(sink, chunks(image)).read_bytes() == image
    assert names(folder) == ["cafe.png"]


def test_discarding_is_safe_at_any_time(folder: Path, image: bytes) -> None:
    """Discarding before the start, twice, or after a success does no harm."""
    for sink in (MemorySink(max_bytes=LIMIT), FileSink(folder, stem="cafe", max_bytes=LIMIT)):
        sink.discard()
        sink.begin()
        sink.write(image)
        sink.discard()
        sink.discard()
    assert names(folder) == []
    saved = land(FileSink(folder, stem="cafe", max_bytes=LIMIT), [image])
    assert saved.exists()


def both(folder: Path, limit: int) -> list[Sink[object]]:
    """Return one sink of each kind."""
    return [MemorySink(max_bytes=limit), FileSink(folder, stem="cafe", max_bytes=limit)]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is no image"),
        (b"<html>not found</html>", "is no image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "is no image"),
        (b"II*\0\x08\0\0\0", "is image/tiff"),
        (b"GIF89a" + bytes(7), "incomplete"),
    ],
)
def test_what_is_not_a_whole_image_is_refused(content: bytes, reason: str, folder: Path) -> None:
    """Web pages, drawings, other formats and cut files do not land, and leave nothing behind."""
    for sink in both(folder, LIMIT):
        with pytest.raises(DownloadError, match=reason):
            land(sink, [content])
    assert names(folder) == []


def test_too_large_an_image_is_refused_as_soon_as_it_shows(folder: Path, image: bytes) -> None:
    """The cap is checked chunk by chunk, and an image exactly at the cap lands."""
    for sink in both(folder, len(image) - 1):
        with pytest.raises(DownloadError, match=f"larger than the limit of {len(image) - 1:,} bytes"):
            land(sink, chunks(image))
    assert names(folder) == []
    for sink in both(folder, len(image)):
        land(sink, chunks(image))


@pytest.mark.parametrize("to", ["file/roof.png", "file/", "a\0b.png", "y" * 300])
def test_an_impossible_place_is_named(to: str, folder: Path, image: bytes) -> None:
    """A place that cannot be written to is a `DownloadError` that names it."""
    (folder / "file").write_bytes(b"a file, not a folder")
    with pytest.raises(DownloadError, match=r"cannot be stored at .*choose another folder"):
        land(FileSink(f"{folder}/{to}", stem="cafe", max_bytes=LIMIT), [image])
    assert names(folder) == ["file"]


def test_a_failed_start_leaves_nothing_behind(folder: Path, image: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the hidden file cannot be made private, it is removed at once."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "chmod", refuse)
    with pytest.raises(DownloadError, match="cannot be stored"):
        FileSink(folder, stem="cafe", max_bytes=LIMIT).begin()
    assert names(folder) == []


def test_a_sink_that_was_not_begun_touches_nothing(folder: Path, image: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a hidden file there is nothing to write to and nothing to move, the working directory least of all."""
    monkeypatch.chdir(folder)
    mode = folder.stat().st_mode
    sink = FileSink("roof.png", stem="cafe", max_bytes=LIMIT)
    with pytest.raises(DownloadError, match="cannot be stored"):
        sink.write(image)
    with pytest.raises(DownloadError, match="cannot be stored"):
        sink.finish()
    assert mode == folder.stat().st_mode
    assert names(folder) == []


def test_a_file_of_somebody_else_is_never_written_to(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the name of the hidden file is taken, by a link into another folder for instance, nothing is touched."""

    def foreseen(size: int) -> bytes:
        return bytes(size)

    monkeypatch.setattr(os, "urandom", foreseen)
    trap = folder / _part_name("cafe")
    trap.write_bytes(b"mine")
    sink = FileSink(folder, stem="cafe", max_bytes=LIMIT)
    with pytest.raises(DownloadError, match="cannot be stored"):
        sink.begin()
    sink.discard()
    assert trap.read_bytes() == b"mine"


def test_a_full_disk_leaves_nothing_behind(folder: Path, image: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk takes no more, the user hears of it and the half-written file is gone."""

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DownloadError, match=os.strerror(errno.ENOSPC)):
        land(FileSink(folder, stem="cafe", max_bytes=LIMIT), [image])
    assert names(folder) == []


def test_the_file_is_on_the_disk_before_its_name_is(
    folder: Path, image: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Content is synced, then the name is given, then the folder is synced: a crash shows a whole file or none."""
    events: list[str] = []
    sync, replace = os.fsync, os.replace

    def synced(descriptor: int) -> None:
        events.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        sync(descriptor)

    def replaced(source: str, target: str, **folders: int) -> None:
        events.append("name")
        replace(source, target, **folders)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", replaced)
    land(FileSink(folder / "roof.png", stem="", max_bytes=LIMIT), [image])
    assert events == ["file", "name", "folder"]


def test_a_folder_that_cannot_be_synced_does_not_fail_the_download(
    folder: Path, image: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where folders cannot be opened, the image lands all the same."""

    def refuse(*_: object, **__: object) -> int:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    sink = FileSink(folder / "roof.png", stem="", max_bytes=LIMIT)
    sink.begin()
    sink.write(image)
    monkeypatch.setattr(os, "open", refuse)
    assert sink.finish().read_bytes() == image


@settings(max_examples=60)
@given(
    steps=st.lists(st.sampled_from(["begin", "write", "junk", "finish", "discard"]), max_size=8),
    exact=st.booleans(),
)
def test_no_order_of_events_leaves_a_partial_file(steps: list[str], image: bytes, *, exact: bool) -> None:
    """Whatever is called in whatever order, after discarding there are only whole images."""
    with tempfile.TemporaryDirectory() as name:
        sink = FileSink(Path(name, "roof.png") if exact else name, stem="cafe", max_bytes=3 * len(image))
        actions: dict[str, Callable[[], object]] = {
            "begin": sink.begin,
            "write": lambda: sink.write(image),
            "junk": lambda: sink.write(b"junk"),
            "finish": sink.finish,
            "discard": sink.discard,
        }
        for step in steps:
            with suppress(DownloadError):
                actions[step]()
        sink.discard()
        for path in Path(name).iterdir():
            assert not path.name.endswith(".part")
            assert path.read_bytes().startswith(image)
