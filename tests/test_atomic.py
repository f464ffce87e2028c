from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from aurashot._atomic import path_fault, write
from aurashot._part import Part, _part_name, sweep
from aurashot.images import FileSink

if TYPE_CHECKING:
    from pathlib import Path

LONG_AGO = time.time() - 3600
OURS = ".cafe.aurashot-0123456789abcdef8a6f66cb.part"
"""The name of a hidden file of ours."""


@pytest.fixture(autouse=True)
def _fresh() -> None:
    """Forget which folders were swept."""
    sweep.cache_clear()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return an empty folder."""
    path = tmp_path / "images"
    path.mkdir()
    return path


def left_behind(folder: Path, name: str = OURS) -> Path:
    """Return a file as a killed program leaves it."""
    path = folder / name
    path.write_bytes(b"half an image")
    os.utime(path, (LONG_AGO, LONG_AGO))
    return path


WRITER = """
import os, sys, time
from aurashot.images import FileSink

sink = FileSink({folder!r}, stem="cafe", max_bytes=1000)
sink.begin()
sink.write(b"half an image")
os.utime(sink._part.path, ({old}, {old}))
print(sink._part.path, flush=True)
sys.stdin.read()
"""


def test_what_a_killed_program_left_is_removed_and_what_a_living_one_writes_is_not(folder: Path) -> None:
    """Its lock tells a slow download from one that has nobody any more."""
    code = WRITER.format(folder=str(folder), old=LONG_AGO)
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        part = writer.stdout.readline().strip()
        sweep(folder)
        assert [part] == [str(path) for path in folder.iterdir()]
        writer.kill()
        writer.wait()
    sweep.cache_clear()
    sweep(folder)
    assert [] == [*folder.iterdir()]


def test_a_download_sweeps_its_folder_once(folder: Path) -> None:
    """What was there when the program first came is gone; a folder is not read again for each image."""
    stale = left_behind(folder)
    sink = FileSink(folder, stem="cafe", max_bytes=1000)
    sink.begin()
    assert not stale.exists()
    later = left_behind(folder)
    sink.begin()
    sink.discard()
    assert [later] == [*folder.iterdir()]


@pytest.mark.parametrize(
    "name",
    [
        "cafe.part",
        ".cafe.part",
        ".part",
        ".novel.deadbeef.part",
        ".novel.aurashot-deadbeef.part",
        OURS.removeprefix("."),
        OURS + ".txt",
        OURS.upper(),
        OURS.replace("cafe", "novel"),
        OURS.replace("0123", "3210"),
    ],
)
def test_other_files_are_left_alone(folder: Path, name: str) -> None:
    """Only what has a name that nothing else gives: its check sum fits to the rest of it."""
    path = left_behind(folder, name)
    sweep(folder)
    assert path.exists()


def test_a_young_file_is_left_alone(folder: Path) -> None:
    """Its writer may be about to lock it."""
    path = left_behind(folder)
    os.utime(path)
    sweep(folder)
    assert path.exists()


def test_links_folders_and_pipes_are_left_alone(folder: Path) -> None:
    """Nothing is followed, and nothing that would block is opened for good."""
    target = left_behind(folder, "image")
    link, inner, pipe = (folder / _part_name(name) for name in ("link", "folder", "pipe"))
    link.symlink_to(target)
    inner.mkdir()
    os.mkfifo(pipe)
    os.utime(pipe, (LONG_AGO, LONG_AGO))
    sweep(folder)
    assert {target, link, inner, pipe} == set(folder.iterdir())


def test_files_of_others_are_left_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder may be shared."""
    path = left_behind(folder)
    me = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: me + 1)
    sweep(folder)
    assert path.exists()


def test_a_folder_that_is_gone_is_no_error(folder: Path) -> None:
    """Sweeping is a courtesy."""
    sweep(folder / "gone")


def test_a_part_is_locked(folder: Path) -> None:
    """Nobody else gets the lock while the file is open."""
    with Part(folder, "cafe") as part:
        os.utime(part.path, (LONG_AGO, LONG_AGO))
        sweep(folder)
        assert part.path.exists()
        os.link(part.path, folder / OURS)
    sweep.cache_clear()
    sweep(folder)
    assert [] == [*folder.iterdir()]


def names(folder: Path) -> list[str]:
    """List a folder, hidden files included."""
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_written_and_replaced(folder: Path) -> None:
    """The target holds what was written last, and nothing else is left."""
    for content in (b"first", b"second"):
        write(folder / "index.html", content)
        assert content == (folder / "index.html").read_bytes()
    assert ["index.html"] == names(folder)


@pytest.mark.parametrize(("mode", "umask", "result"), [(0o666, 0o027, 0o640), (0o600, 0o000, 0o600)])
def test_the_mode_is_what_was_asked_for_less_the_umask(folder: Path, mode: int, umask: int, result: int) -> None:
    """Also before it has its name."""
    before = os.umask(umask)
    try:
        write(folder / "key", b"secret", mode=mode)
        part = Part(folder, "key", mode=mode)
    finally:
        os.umask(before)
    with part:
        assert {result} == {stat.S_IMODE(path.stat().st_mode) for path in (part.path, folder / "key")}


@pytest.mark.parametrize(
    ("earlier", "mode", "kept"), [(0o4755, 0o666, 0o755), (0o444, 0o666, 0o444), (0o755, 0o600, 0o700)]
)
def test_the_mode_of_an_earlier_file_is_kept(folder: Path, earlier: int, mode: int, kept: int) -> None:
    """Without setuid, and never wider than what was asked for: a key stays private."""
    (folder / "key").touch()
    (folder / "key").chmod(earlier)
    write(folder / "key", b"secret", mode=mode)
    assert kept == stat.S_IMODE((folder / "key").stat().st_mode)


@pytest.mark.parametrize("is_there", [True, False])
def test_a_link_stays(folder: Path, *, is_there: bool) -> None:
    """What it leads to is replaced, or made."""
    (folder / "elsewhere").mkdir()
    target, link = folder / "elsewhere" / "target", folder / "link"
    if is_there:
        target.write_bytes(b"old")
    link.symlink_to(target)
    write(link, b"new")
    assert (b"new", True) == (target.read_bytes(), link.is_symlink())
    assert ["target"] == names(target.parent)


@pytest.mark.parametrize("kind", ["pipe", "folder", "loop", "device"])
def test_only_regular_files_are_replaced(folder: Path, kind: str) -> None:
    """Everything else stays what it is, and nothing is left beside it."""
    place = folder / "index.html"
    if kind == "pipe":
        os.mkfifo(place)
    elif kind == "folder":
        place.mkdir()
    else:
        place.symlink_to(place if kind == "loop" else "/dev/null")
    with pytest.raises(OSError, match=r"not a regular file|symbolic links"):
        write(place, b"new")
    assert ["index.html"] == names(folder)
    assert (kind in {"loop", "device"}) == place.is_symlink()


@pytest.mark.parametrize("call", ["chmod", "fsync"])
@pytest.mark.parametrize("code", [errno.EPERM, errno.ENOTSUP, errno.EINVAL, errno.ENOSYS])
def test_what_the_file_system_cannot_do(folder: Path, monkeypatch: pytest.MonkeyPatch, call: str, code: int) -> None:
    """The file is written without permissions or without syncing."""
    (folder / "index.html").write_bytes(b"old")

    def refuse(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, call, refuse)
    write(folder / "index.html", b"new")
    assert b"new" == (folder / "index.html").read_bytes()


@pytest.mark.parametrize("path", ["", " ", "a\0b", "file:///tmp/cafe.png", "FILE:/x", "https://x/y", "\ud800"])
def test_what_is_no_path(path: str) -> None:
    """A URL would become a folder of that name."""
    assert path_fault(path)


@pytest.mark.parametrize("path", ["cafe.png", "C:/cafe.png", "a:b", "/", "日本", "//x"])
def test_what_is_a_path(path: str) -> None:
    """Colons and other scripts are fine."""
    assert path_fault(path) is None


def test_content_is_on_the_disk_before_its_name_is(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is synced, renamed, and then its folder is synced: a power cut shows the old content or the new."""
    events: list[str] = []
    sync, replace = os.fsync, os.replace

    def synced(descriptor: int) -> None:
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        events.append("folder" if is_folder else f"{os.fstat(descriptor).st_size} bytes")
        sync(descriptor)

    def replaced(source: str, target: str, **folders: int) -> None:
        events.append("name")
        replace(source, target, **folders)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", replaced)
    write(folder / "index.html", b"1234")
    assert ["4 bytes", "name", "folder"] == events


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_write_that_fails_leaves_the_old_file(folder: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """The error reaches the caller, and the hidden file is gone."""
    write(folder / "index.html", b"old")

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, step, full)
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        write(folder / "index.html", b"new")
    assert ["index.html"] == names(folder)
    assert b"old" == (folder / "index.html").read_bytes()


def test_a_write_removes_what_a_killed_one_left(folder: Path) -> None:
    """A hidden file that nobody writes any more may hold a key."""
    left_behind(folder)
    write(folder / "index.html", b"new")
    assert ["index.html"] == names(folder)
