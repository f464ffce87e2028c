from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from aurashot.images import FileLanding
from aurashot.images._parts import open_part, sweep

if TYPE_CHECKING:
    from pathlib import Path

LONG_AGO = time.time() - 3600


@pytest.fixture(autouse=True)
def _fresh() -> None:
    """Forget which folders were swept."""
    sweep.cache_clear()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return an empty folder."""
    path = tmp_path / "pictures"
    path.mkdir()
    return path


def left_behind(folder: Path, name: str = ".cafe.0123abcd.part") -> Path:
    """Return a file as a killed program leaves it."""
    path = folder / name
    path.write_bytes(b"half a picture")
    os.utime(path, (LONG_AGO, LONG_AGO))
    return path


WRITER = """
import os, sys, time
from aurashot.images import FileLanding

landing = FileLanding({folder!r}, stem="cafe", max_bytes=1000)
landing.begin()
landing.write(b"half a picture")
os.utime(landing._part, ({old}, {old}))
print(landing._part, flush=True)
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
    """What was there when the program first came is gone; a folder is not read again for each picture."""
    stale = left_behind(folder)
    landing = FileLanding(folder, stem="cafe", max_bytes=1000)
    landing.begin()
    assert not stale.exists()
    later = left_behind(folder)
    landing.begin()
    landing.discard()
    assert [later] == [*folder.iterdir()]


@pytest.mark.parametrize(
    "name", ["cafe.part", ".cafe.part", ".cafe.0123ABCD.part", ".cafe.0123abcd.part.txt", "cafe.0123abcd.part", ".part"]
)
def test_other_files_are_left_alone(folder: Path, name: str) -> None:
    """Only what has a name of ours."""
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
    target = left_behind(folder, "picture")
    link, inner, pipe = (folder / f".{name}.0123abcd.part" for name in ("link", "folder", "pipe"))
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
    path, file = open_part(folder, "cafe")
    os.utime(path, (LONG_AGO, LONG_AGO))
    with file:
        sweep(folder)
        assert path.exists()
    sweep.cache_clear()
    sweep(folder)
    assert not path.exists()
