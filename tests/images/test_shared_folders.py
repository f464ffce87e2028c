"""A folder in which another user can replace everything: no file of this user is read, changed or removed by that."""

from __future__ import annotations

import os
import stat
import time
from typing import TYPE_CHECKING, Any

import pytest

from aurashot._atomic import write
from aurashot._part import _part_name, sweep
from aurashot.errors import DownloadError
from aurashot.images import FileSink
from tests.users import ALICE, MALLORY, acting_as, needs_two_users, shared_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

LIMIT = 1_000_000
SECRET = b"AURASHOT_API_KEY='sk_live_of_alice'\n"


@pytest.fixture(scope="session")
def image(encoded: Callable[..., bytes]) -> bytes:
    """Return a small whole PNG file."""
    return encoded("PNG")


@pytest.fixture
def shared() -> Iterator[Path]:
    """Return a folder in which everybody can write."""
    sweep.cache_clear()
    with shared_folder() as folder:
        yield folder


@pytest.fixture
def key(shared: Path) -> Path:
    """Return Alice's key file, in a folder of her own."""
    home = shared / "alice"
    home.mkdir(mode=0o755)
    path = home / ".aurashot.env"
    path.write_bytes(SECRET)
    path.chmod(0o600)
    for each in (home, path):
        os.chown(each, ALICE, ALICE)
    return path


def is_untouched(key: Path) -> bool:
    """Return whether nobody has read, changed or opened up Alice's key."""
    state = key.stat()
    return (SECRET, 0o600, 1) == (key.read_bytes(), stat.S_IMODE(state.st_mode), state.st_nlink)


def the_part(folder: Path) -> Path:
    """Return the hidden file of a folder."""
    (part,) = folder.glob(".*.part")
    return part


def to_link(part: Path, key: Path) -> None:
    """Put a link to the key in the place of a file."""
    part.rename(part.with_name("stolen"))
    part.symlink_to(key)


def to_file(part: Path, key: Path) -> None:
    """Put a file of one's own in its place."""
    part.unlink()
    part.write_bytes(b"\x89PNG, but of Mallory")


def to_pipe(part: Path, key: Path) -> None:
    """Put a pipe in its place."""
    part.unlink()
    os.mkfifo(part)


def to_nothing(part: Path, key: Path) -> None:
    """Remove it."""
    part.unlink()


SWAPS = [to_link, to_file, to_pipe, to_nothing]


@needs_two_users
@pytest.mark.parametrize("name", ["", "roof.png"])
@pytest.mark.parametrize("swap", SWAPS)
def test_a_hidden_file_that_was_replaced_is_not_published(
    shared: Path, key: Path, image: bytes, swap: Callable[[Path, Path], None], name: str
) -> None:
    """Neither its name nor its mode is given to what another user has put in its place."""
    with acting_as(ALICE):
        sink = FileSink(shared / name, stem="cafe", max_bytes=LIMIT)
        sink.begin()
        sink.write(image)
    with acting_as(MALLORY):
        swap(the_part(shared), key)
    with acting_as(ALICE), pytest.raises(DownloadError, match="somebody else has put another file in its place"):
        sink.finish()
    assert [] == [path for path in shared.iterdir() if path.suffix == ".png"]
    assert is_untouched(key)


@needs_two_users
@pytest.mark.parametrize("call", ["link", "replace"])
def test_a_hidden_file_that_is_replaced_at_the_last_moment_is_an_error(
    shared: Path, key: Path, image: bytes, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """What has its name is looked at once more, and the caller does not take it for the image."""
    original: Callable[..., None] = getattr(os, call)

    def late(*names: Any, **options: Any) -> None:
        with acting_as(MALLORY):
            to_link(the_part(shared), key)
        original(*names, **options)

    monkeypatch.setattr(os, call, late)
    with acting_as(ALICE):
        sink = FileSink(shared / ("roof.png" if call == "replace" else ""), stem="cafe", max_bytes=LIMIT)
        sink.begin()
        sink.write(image)
        with pytest.raises(DownloadError, match="somebody else has put another file in its place"):
            sink.finish()
    assert is_untouched(key)


@needs_two_users
def test_a_folder_that_is_replaced_gets_nothing(shared: Path, key: Path, image: bytes) -> None:
    """The image does not go where another user leads the path meanwhile."""
    with acting_as(MALLORY):
        (shared / "out").mkdir(mode=0o777)
        (shared / "out").chmod(0o777)
    with acting_as(ALICE):
        sink = FileSink(shared / "out" / ".aurashot.env", stem="", max_bytes=LIMIT)
        sink.begin()
        sink.write(image)
    with acting_as(MALLORY):
        (shared / "out").rename(shared / "elsewhere")
        (shared / "out").symlink_to(key.parent)
    with acting_as(ALICE), pytest.raises(DownloadError, match="its folder was moved or replaced"):
        sink.finish()
    assert [] == [*(shared / "elsewhere").iterdir()]
    assert is_untouched(key)


@needs_two_users
@pytest.mark.parametrize("chain", [False, True])
def test_a_link_of_another_user_is_not_followed(shared: Path, key: Path, image: bytes, *, chain: bool) -> None:
    """Where an image or a page is to be stored, it could lead to any file of this user, also by a link of hers."""
    trap = shared / "roof.png"
    with acting_as(MALLORY):
        trap.symlink_to(key)
    if chain:
        with acting_as(ALICE):
            (shared / "own.png").symlink_to(trap)
            trap = shared / "own.png"
    with acting_as(ALICE):
        with pytest.raises(DownloadError, match="a link that another user has made"):
            FileSink(trap, stem="", max_bytes=LIMIT).begin()
        with pytest.raises(OSError, match="a link that another user has made"):
            write(trap, b"<html>")
    assert is_untouched(key)


@needs_two_users
@pytest.mark.parametrize(
    ("earlier", "umask", "mode"), [(0o666, 0o022, 0o644), (0o777, 0o077, 0o600), (0o600, 0, 0o600)]
)
def test_the_mode_of_a_file_of_another_user_opens_nothing(
    shared: Path, image: bytes, earlier: int, umask: int, mode: int
) -> None:
    """A file that stands in the place of the image decides who can open it only if it is this user's own."""
    with acting_as(MALLORY):
        for name in ("roof.png", "index.html"):
            (shared / name).touch()
            (shared / name).chmod(earlier)
    before = os.umask(umask)
    try:
        with acting_as(ALICE):
            sink = FileSink(shared / "roof.png", stem="", max_bytes=LIMIT)
            sink.begin()
            sink.write(image)
            sink.finish()
            write(shared / "index.html", b"<html>")
    finally:
        os.umask(before)
    states = [(shared / name).stat() for name in ("roof.png", "index.html")]
    assert [(ALICE, mode)] * 2 == [(state.st_uid, stat.S_IMODE(state.st_mode)) for state in states]


def test_a_private_file_is_private_before_it_is_complete(
    tmp_path: Path, image: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody can open the hidden file in the moment before its mode is set, and read on from there."""
    modes: list[int] = []
    chmod = os.chmod

    def seen(file: int, mode: int) -> None:
        modes.append(stat.S_IMODE(os.fstat(file).st_mode))
        chmod(file, mode)

    for name in ("roof.png", "index.html"):
        (tmp_path / name).touch(mode=0o600)
    monkeypatch.setattr(os, "chmod", seen)
    sink = FileSink(tmp_path / "roof.png", stem="", max_bytes=LIMIT)
    sink.begin()
    sink.write(image)
    sink.finish()
    write(tmp_path / "index.html", b"<html>")
    assert {0o600} == set(modes)
    assert [0o600] * 2 == [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("roof.png", "index.html")]


@needs_two_users
def test_what_another_user_calls_like_a_hidden_file_is_not_removed(shared: Path, key: Path) -> None:
    """Neither their own files, nor what their links lead to."""
    names = [shared / _part_name(name) for name in ("file", "link", "own")]
    with acting_as(MALLORY):
        names[0].write_bytes(b"a file of Mallory")
        names[1].symlink_to(key)
    with acting_as(ALICE):
        names[2].write_bytes(b"half an image")
    long_ago = time.time() - 3600
    for path in (*names, key):
        os.utime(path, (long_ago, long_ago), follow_symlinks=False)
    with acting_as(ALICE):
        sweep(shared)
    assert {*names[:2], key.parent} == set(shared.iterdir())
    assert is_untouched(key)
