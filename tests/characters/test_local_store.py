from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from datetime import UTC, datetime, tzinfo
from functools import partial
from typing import TYPE_CHECKING, Self

import pytest

from aurashot import CharacterExistsError, CharacterNotFoundError, LibraryError
from aurashot.characters import CharacterLibrary, LocalStore, _held as held, _tree as tree
from aurashot.characters._store import checked_path, lock_key, lock_name
from tests.characters.conftest import ANCHOR, FACE, OTHER
from tests.stopwatch import SLACK

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from aurashot.characters import StoredFile

HOLD_A_LOCK = """
import pathlib, sys
from aurashot.characters import LocalStore
with LocalStore(pathlib.Path(sys.argv[1])).lock("emma"):
    print("ready", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("name", ["avatars", ".aurashot", ".aurashot/locks"])
def test_a_file_where_a_folder_is_needed_is_named(local: CharacterLibrary, root: Path, name: str) -> None:
    """And no name is said to be taken."""
    (root / name).parent.mkdir(parents=True)
    (root / name).write_text("in the way")
    with pytest.raises(LibraryError, match=f"{name}' is a file where a folder is needed") as caught:
        local.create("Snow", face=FACE)
    assert not isinstance(caught.value, CharacterExistsError)
    assert "Snow" == caught.value.character
    assert "in the way" == (root / name).read_text()


@pytest.fixture
def store(root: Path) -> LocalStore:
    """Return the store of the library."""
    return LocalStore(root)


def left_behind(root: Path, kind: str, name: str = "Snow") -> Path:
    """Return a folder as a killed process leaves it, with a face in it."""
    folder = root / ".aurashot" / kind / f"{lock_key(lock_name(name))}-0123"
    (folder / "profile").mkdir(parents=True)
    (folder / "profile" / "face-reference.png").write_bytes(FACE)
    return folder


def hidden(root: Path) -> list[str]:
    """Return what is left in the library's own folder."""
    return [path.name for path in (root / ".aurashot").rglob("*") if not path.is_dir()]


def fail_with(code: int) -> Callable[..., int]:
    """Return a function that fails as the operating system does."""

    def fail(*_: object, **__: object) -> int:
        raise OSError(code, os.strerror(code))

    return fail


def test_a_file_is_created_once_and_replaced(store: LocalStore) -> None:
    """Creating does not replace, and says so."""
    store.create("notes/a.txt", b"1")
    with pytest.raises(FileExistsError):
        store.create("notes/a.txt", b"2")
    assert b"1" == store.read("notes/a.txt")
    store.replace("notes/a.txt", b"3")
    store.replace("notes/b.txt", b"4")
    assert (b"3", b"4") == (store.read("notes/a.txt"), store.read("notes/b.txt"))
    assert (True, False) == (store.remove("notes/a.txt"), store.remove("notes/a.txt"))
    with pytest.raises(FileNotFoundError):
        store.read("notes/a.txt")


def test_files_are_listed_with_their_sizes_and_times(store: LocalStore, root: Path) -> None:
    """Sorted, below a folder, without hidden ones and without links to folders."""
    store.create("notes/b.txt", b"12")
    store.create("notes/a/c.txt", b"1")
    store.create("notes/.hidden", b"")
    (root / "notes/link").symlink_to(root)
    files = list(store.files("notes"))
    assert [("notes/a/c.txt", 1), ("notes/b.txt", 2)] == [(each.path, each.size) for each in files]
    assert abs(files[0].modified - datetime.now(UTC)).total_seconds() < 60
    assert ["notes/.hidden", "notes/a/c.txt", "notes/b.txt"] == [
        each.path for each in store.files("notes", hidden=True)
    ]
    assert ([], []) == (list(store.files("nothing")), list(store.folders("nothing")))


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../x", "a/../../x", "a//b", "a/./b", "a/", "a\0b"])
def test_no_path_leads_out_of_the_library(store: LocalStore, path: str) -> None:
    """Whoever asks for it."""
    listed = partial(_listed, store)
    calls: list[Callable[[str], object]] = [store.read, store.remove, store.local, checked_path, listed]
    for call in calls:
        with pytest.raises(LibraryError, match="leads out of the library"):
            call(path)


def _listed(store: LocalStore, path: str) -> list[StoredFile]:
    return list(store.files(path))


def test_a_removed_folder_takes_no_other_with_it(local: CharacterLibrary, root: Path, tmp_path: Path) -> None:
    """Links are removed, and what they lead to stays."""
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/1.png").write_bytes(OTHER)
    local.create("Snow")
    (root / "avatars/Snow/gallery").symlink_to(tmp_path / "photos")
    local.remove("Snow")
    (root / "avatars/Dora").symlink_to(tmp_path / "photos")
    assert ["avatars/Dora"] == local.store.remove_folder("avatars/Dora")
    assert OTHER == (tmp_path / "photos/1.png").read_bytes()
    assert [] == list((root / "avatars").iterdir())


@pytest.mark.parametrize("kind", ["new", "removed"])
def test_what_a_killed_process_left_is_removed_by_the_next_one(local: CharacterLibrary, root: Path, kind: str) -> None:
    """When it uses that name, and not before: another process may be at work."""
    folder = left_behind(root, kind)
    local.create("Dora")
    assert folder.is_dir()
    local.create("Snow", face=OTHER)
    assert not folder.exists()
    assert OTHER == local.get("Snow").read_face()


def test_a_sweep_leaves_alone_what_is_in_use(store: LocalStore, root: Path) -> None:
    """It removes the rest, and says what."""
    mine, other = left_behind(root, "new", "Snow"), left_behind(root, "removed", "Dora")
    busy = subprocess.Popen(
        [sys.executable, "-c", HOLD_A_LOCK, str(root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert busy.stdout is not None
        busy.stdout.readline()
        third = left_behind(root, "new", "Emma")
        removed = store.sweep()
    finally:
        busy.communicate()
    assert sorted(f"{each.relative_to(root)}/profile/face-reference.png" for each in (mine, other)) == sorted(removed)
    assert third.is_dir()
    assert 1 == len(store.sweep())


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        (errno.ENOSPC, "the disk is full; free some space"),
        (errno.EDQUOT, "quota"),
        (errno.EROFS, "read-only"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_a_disk_that_fails_leaves_no_half_character(
    local: CharacterLibrary, root: Path, monkeypatch: pytest.MonkeyPatch, code: int, advice: str
) -> None:
    """Nothing is left of it, the error names the character, and what was there before is complete."""
    local.create("Dora", face=FACE)
    monkeypatch.setattr(os, "fsync", fail_with(code))
    with pytest.raises(LibraryError, match=advice) as caught:
        local.create("Snow", face=FACE, anchor=ANCHOR)
    assert ("Snow", "avatars/Snow") == (caught.value.character, caught.value.path)
    if code != errno.EROFS:  # where a file system cannot sync, that is no error
        with pytest.raises(LibraryError, match=advice) as caught:
            local.update("Dora", face=OTHER)
        assert ("Dora", "avatars/Dora/profile/face-reference.png") == (caught.value.character, caught.value.path)
    monkeypatch.undo()
    assert ["Dora"] == [each.slug for each in local.list()]
    assert FACE == local.get("Dora").read_face()
    assert () == local.check()
    assert [] == hidden(root)
    assert 2 == len(list(local.store.files("avatars", hidden=True)))


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    """On a real file system without space, if this user may mount one."""
    mount = tmp_path / "small"
    mount.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=200k", "none", str(mount)], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip("this user may mount nothing")
    try:
        library = CharacterLibrary(mount)
        library.create("Dora", face=FACE)
        library.store.create("avatars/Dora/gallery/1.png", bytes(100_000))
        with pytest.raises(LibraryError, match="the disk is full") as caught:
            library.store.create("avatars/Dora/gallery/2.png", bytes(100_000))
        assert ("Dora", "avatars/Dora/gallery/2.png") == (caught.value.character, caught.value.path)
        with pytest.raises(LibraryError, match="the disk is full"):
            library.store.create_folder("avatars/Snow", [("profile/a.png", bytes(100_000)), ("profile/b", b"x")])
        assert ["Dora"] == [each.slug for each in library.list()]
        library.update("Dora", description="There is space for a small file")
        assert () == library.check()
        assert [] == hidden(mount)
    finally:
        subprocess.run(["umount", str(mount)], check=True)


def test_an_error_within_the_files_leaves_no_half_character(store: LocalStore, root: Path) -> None:
    """Whoever gives them may fail in the middle, or be interrupted."""

    def files() -> object:
        yield "profile/face-reference.png", FACE
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.create_folder("avatars/Snow", files())  # type: ignore[arg-type]  # a generator
    assert [] == list(store.files("avatars"))
    assert [] == hidden(root)


def test_a_folder_that_another_tool_makes_meanwhile_is_not_replaced(
    local: CharacterLibrary, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other tool takes no lock; its files stay."""
    original = tree.rename_folder

    def meanwhile(source: Path, target: Path) -> None:
        target.mkdir(parents=True)
        (target / "1.png").write_bytes(OTHER)
        original(source, target)

    monkeypatch.setattr("aurashot.characters._local_store.rename_folder", meanwhile)
    with pytest.raises(CharacterExistsError):
        local.create("Snow", face=FACE)
    assert OTHER == (root / "avatars/Snow/1.png").read_bytes()


def test_a_character_that_vanishes_while_it_is_changed_is_told(
    local: CharacterLibrary, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another tool has moved its folder; no half one comes into being."""
    local.create("Snow", face=FACE)

    def moved(*_: object) -> dict[str, object]:
        (root / "avatars/Snow").rename(root / "avatars/Moved")
        return {}

    monkeypatch.setattr("aurashot.characters._library.changed", moved)
    with pytest.raises(CharacterNotFoundError, match="was removed or renamed meanwhile"):
        local.update("Snow", description="x")
    assert ["Moved"] == [each.slug for each in local.list()]


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["pipe", "folder"])
def test_what_is_no_file_is_not_read(
    write: Callable[[str, bytes | str], Path], local: CharacterLibrary, root: Path, make: Callable[[Path], None]
) -> None:
    """A named pipe would be waited for."""
    write("avatars/Snow/profile/x", "")
    make(root / "avatars/Snow/profile/character.json")
    with pytest.raises(LibraryError, match="it is not a regular file") as caught:
        local.get("Snow")
    assert ("Snow", "avatars/Snow/profile/character.json") == (caught.value.character, caught.value.path)


def test_what_may_not_be_read_is_told(local: CharacterLibrary, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the file."""
    local.create("Snow")
    monkeypatch.setattr(os, "open", fail_with(errno.EACCES))
    with pytest.raises(LibraryError, match="check its permissions"):
        local.get("Snow")


def test_a_clock_that_runs_backwards_loses_nothing(
    local: CharacterLibrary, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Times are written down, and nothing is decided by them."""

    class Earlier(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return cls(1970, 1, 2, tzinfo=tz)

    first = local.create("Snow", face=FACE)
    monkeypatch.setattr("aurashot.characters._changes.datetime", Earlier)
    second = local.create("Dora", face=OTHER)
    assert first.created_at is not None
    assert second.created_at is not None
    assert second.created_at < first.created_at
    os.utime(root / "avatars/Snow/profile/character.json", (2**33, 2**33))
    local.update("Snow", description="later")
    local.rename("Dora", "Emma")
    assert ["Emma", "Snow"] == [each.slug for each in local.list()]
    assert () == local.check()


def test_a_lock_may_be_taken_twice_by_one_thread(store: LocalStore, root: Path) -> None:
    """And is free when the outer block ends; its file is gone then."""
    with store.lock("snow"), store.lock("snow"):
        assert 1 == len(hidden(root))
    assert [] == hidden(root)
    with pytest.raises(ZeroDivisionError), store.lock("snow"):
        _ = 1 / 0
    with store.lock("snow"):
        pass


def test_waiting_for_a_lock_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """With its name, after the time that was given."""
    start = time.monotonic()
    with pytest.raises(LibraryError, match="'snow' has been in use"):
        held.acquired("snow", lambda: None, 0.05)
    assert 0.05 <= time.monotonic() - start < SLACK
