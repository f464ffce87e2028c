from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import sqlite3
import stat
import threading
import tracemalloc
from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from aurashot import InputError
from aurashot.characters import _index
from aurashot.characters._gallery import gallery, save
from aurashot.characters._gallery_image import image_of
from aurashot.characters._index import GalleryIndex, index_path
from aurashot.characters._sidecar import IdentityNote, Reference
from aurashot.characters._store import StoredFile
from tests.characters.disk import DiskStore
from tests.characters.images import ANCHOR, NOON, drawn, sidecar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from aurashot.characters._gallery_image import GalleryImage

IMAGE = drawn(size=(2, 2))


@pytest.fixture
def store(tmp_path: Path) -> DiskStore:
    """Return an empty store."""
    return DiskStore(tmp_path / "library")


@pytest.fixture
def path(store: DiskStore) -> Path:
    """Return where the index is."""
    return index_path(store, "library")


@pytest.fixture
def index(store: DiskStore, path: Path) -> Iterator[GalleryIndex]:
    """Return a new index."""
    new = GalleryIndex(store, path)
    yield new
    new.close()


def put(store: DiskStore, name: str, character: str = "Snow", **fields: Any) -> str:
    """Save an image, and return its path."""
    return save(store, character, IMAGE, sidecar(**fields), name=name, metadata=False).path


def names(images: list[GalleryImage]) -> list[str]:
    """Return the file names of some images, sorted."""
    return sorted(image.name for image in images)


def settle(store: DiskStore) -> None:
    """Make all folders look as if nothing had changed for a minute."""
    for folder in [store.root, *store.root.rglob("*")]:
        if folder.is_dir():
            state = folder.stat()
            os.utime(folder, ns=(state.st_atime_ns, state.st_mtime_ns - 60_000_000_000))


def test_words_are_found_in_any_script(store: DiskStore, index: GalleryIndex) -> None:
    """Anywhere in a text, in any case and width, all of them."""
    put(store, "a", prompt="坐在咖啡馆里,午后的阳光", tags={"mood": "Ruhig"})
    put(store, "b", prompt="Sitting in a CAFÉ, straße", description="Snow laughs")
    put(store, "c", character="雪", prompt="100% 'quoted' _under_")
    put(store, "\uff44", prompt=None)
    for text, found in {
        "咖啡": "a",
        "啡": "a",
        "咖啡 阳光": "a",
        "ruhig": "a",
        "mood": "a",
        "cafÉ": "b",
        "café LAUGHS": "b",
        "STRASSE": "b",
        "雪": "c",
        "100%": "c",
        "_under_": "c",
        "'": "c",
        "d.png": "\uff44",
        "咖啡 café": "",
        "%": "c",
        "*": "",
        '"': "",
        "\ud800": "",
    }.items():
        assert ([f"{found}.png"] if found else []) == names(index.search(text)), text
    assert ["a.png", "b.png", "c.png", "\uff44.png"] == names(index.search("  "))


def test_images_are_found_by_all_that_they_are_filed_under(store: DiskStore, index: GalleryIndex) -> None:
    """Verdict, time, tag and character, with and without words; the newest is the first."""
    images: list[tuple[str, str | None, dict[str, str]]] = [
        ("Snow", "same", {"user": "alice"}),
        ("Snow", "different", {"user": "bob", "a=b": 'c"\n'}),
        ("Rain", None, {}),
        ("Rain", "same", {"user": "alice"}),
    ]
    for number, (character, verdict, tags) in enumerate(images):
        identity = IdentityNote(verdict=verdict, similarity=0.9) if verdict else None
        moment = NOON + timedelta(hours=number)
        put(store, str(number), character, identity=identity, tags=tags, created_at=moment)
    searched = index.search
    assert ["3.png", "2.png", "1.png", "0.png"] == [image.name for image in searched()]
    assert ["3.png", "2.png"] == [image.name for image in searched(limit=2)]
    assert [] == searched(limit=0)
    assert ["0.png", "1.png"] == names(searched(character="Snow"))
    assert ["0.png"] == names(searched("cafe", character="Snow", verdict="same"))
    assert ["2.png"] == names(searched(verdict="unchecked"))
    assert ["2.png", "3.png"] == names(searched(since=NOON + timedelta(hours=2)))
    assert ["0.png", "3.png"] == names(searched(tag="user=alice"))
    assert ["0.png", "1.png", "3.png"] == names(searched(tag="user"))
    assert ["1.png"] == names(searched(tag='a=b=c"\n'))
    assert [] == searched(tag="alice")
    assert [] == searched(character="nobody")
    assert [] == searched(character="\ud800")


def test_a_result_is_what_the_gallery_says(store: DiskStore, index: GalleryIndex) -> None:
    """Every field of it; also of an image without a sidecar, and of one in a folder of its own."""
    identity = IdentityNote(verdict="same", similarity=0.93)
    facts: dict[str, Any] = {"tags": {"user": "雪"}, "parents": ("b" * 64,), "url": "https://x.example/1"}
    put(store, "a", identity=identity, description="x", **facts)
    store.create("avatars/Snow/gallery/deep/er/theirs.webp", b"x")
    expected = gallery(store, "Snow")
    assert expected == index.search(character="Snow") == index.search()
    assert set(expected) == set(index.images()) == set(index.images("Snow"))
    assert [] == [*index.images("nobody")]


@pytest.mark.parametrize(("text", "fields"), [("x " * 99, {}), ("", {"verdict": "match"})])
def test_too_much_or_nothing_that_can_be_asked_is_said(index: GalleryIndex, text: str, fields: dict[str, Any]) -> None:
    """A hundred different words, and a verdict that is none."""
    with pytest.raises(InputError):
        index.search(" ".join(f"w{number}" for number in range(99)) if text else "", **fields)


def test_changes_are_found(store: DiskStore, index: GalleryIndex) -> None:
    """New, changed, removed and renamed files, also sidecars that are written over in place."""
    first, second = put(store, "a", prompt="one"), put(store, "b", prompt="two")
    assert ["a.png"] == names(index.search("one"))
    settle(store)
    assert ["a.png", "b.png"] == names(index.search())
    (store.root / f"{first}.json").write_bytes(sidecar(prompt="three, and more").to_bytes())
    assert ["a.png"] == names(index.search("three"))
    assert [] == index.search("one")
    store.remove(second)
    assert [] == index.search("two")
    store.rename("avatars/Snow", "avatars/Rain")
    assert ["Rain"] == [image.character for image in index.search("three")]
    store.remove_folder("avatars/Rain")
    assert [] == index.search()


def test_only_what_has_changed_is_read(store: DiskStore, index: GalleryIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a library of many images, a folder that has not changed is not even listed."""
    monkeypatch.setattr(_index, "_FEW", 0)
    put(store, "a")
    put(store, "b", character="Rain")
    store.create("avatars/Rain/gallery/deep/c.png", b"x")
    settle(store)
    for _ in range(2):  # the folder within a folder is known after the first time
        index.refresh()
    store.reads.clear()
    store.lists.clear()
    assert ["a.png", "b.png", "c.png"] == names(index.search())
    assert ([], []) == (store.reads, store.lists)
    store.create("avatars/Rain/gallery/deep/d.png", b"x")
    assert ["a.png", "b.png", "c.png", "d.png"] == names(index.search())
    assert ["avatars/Rain/gallery"] == store.lists
    store.lists.clear()
    index.search()
    assert ["avatars/Rain/gallery"] == store.lists, "a folder that has just changed is read again"
    index.refresh(full=True)
    assert "avatars/Snow/gallery" in store.lists


def test_an_index_that_is_gone_is_made_again(store: DiskStore, index: GalleryIndex, path: Path) -> None:
    """Also with the whole folder, and in a new process."""
    put(store, "a")
    assert ["a.png"] == names(index.search("cafe"))
    shutil.rmtree(path.parent)
    assert ["a.png"] == names(index.search("cafe"))
    path.unlink()
    assert ["a.png"] == names(GalleryIndex(store, path).search("cafe"))
    index.rebuild()
    assert ["a.png"] == names(index.search(refresh=False))


def foreign(path: Path) -> None:
    """Put another program's database in the place of the index."""
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE images (secret TEXT)")
    connection.close()


def changed(path: Path, statement: str) -> None:
    """Change what is in an index."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA writable_schema = ON")
    connection.execute(statement)
    connection.close()


def folder_instead(path: Path) -> None:
    """Put a folder in the place of the index."""
    path.unlink()
    path.mkdir()


def link_instead(path: Path) -> None:
    """Put a link to the index in its place."""
    path.rename(path.with_name("x"))
    path.symlink_to("x")


TROUBLES: dict[str, Callable[[Path], object]] = {
    "no database": lambda path: path.write_bytes(b"x" * 9_999),
    "empty": lambda path: path.write_bytes(b""),
    "half": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "damaged": lambda path: path.write_bytes(path.read_bytes()[:5_000] + b"\xff" * 30_000),
    "another program's": foreign,
    "a newer version": lambda path: changed(path, "PRAGMA user_version = 9"),
    "a table is gone": lambda path: changed(path, "DROP TABLE texts"),
    "a name that leads out": lambda path: changed(path, "UPDATE images SET name = '../../../x.png'"),
    "facts that are none": lambda path: changed(path, "UPDATE images SET facts = '{'"),
    "a time that is none": lambda path: changed(path, "UPDATE images SET created = 9223372036854775807"),
    "a folder": folder_instead,
    "a link": link_instead,
    "open to all": lambda path: path.chmod(0o666),
}


@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES.keys())
def test_a_broken_index_is_never_an_error(store: DiskStore, index: GalleryIndex, path: Path, trouble: Any) -> None:
    """It is made again, or kept in memory if it cannot be."""
    put(store, "a")
    settle(store)
    assert ["a.png"] == names(index.search("cafe"))
    trouble(path)
    assert ["a.png"] == names(index.search("cafe"))
    assert ["a.png"] == names(index.search())
    assert ["a.png"] == names(list(GalleryIndex(store, path).images()))


def test_an_index_that_cannot_be_written_is_kept_in_memory(store: DiskStore, tmp_path: Path) -> None:
    """Its folder would be below a file."""
    (tmp_path / "file").write_bytes(b"")
    index = GalleryIndex(store, tmp_path / "file" / "index.db")
    put(store, "a")
    assert ["a.png"] == names(index.search("cafe"))
    put(store, "b")
    assert ["a.png", "b.png"] == names(index.search("cafe"))
    index.forget("Snow")
    assert [] == index.search(refresh=False)
    index.close()


def test_the_index_is_this_users_alone(store: DiskStore, index: GalleryIndex, path: Path) -> None:
    """Prompts and tags are private; one that was open to others is restricted."""
    put(store, "a")
    index.search()
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    path.chmod(0o644)
    index.search()
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)


def test_what_is_forgotten_is_overwritten(store: DiskStore, index: GalleryIndex, path: Path) -> None:
    """Not a byte of a prompt is left in the file; other characters stay."""
    put(store, "a", prompt="zebra in the rain")
    put(store, "b", character="Rain", prompt="a horse")
    index.search()
    assert b"zebra" in path.read_bytes()
    index.forget("Snow")
    assert b"zebra" not in path.read_bytes()
    assert ["b.png"] == names(index.search(refresh=False))
    assert [path] == list(path.parent.iterdir()), "no journal is left"


def test_forgetting_does_not_wait_for_others(
    store: DiskStore, index: GalleryIndex, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If another process writes all the time, the whole index goes."""
    monkeypatch.setattr("aurashot.characters._index_file.PATIENCE", 0.01)
    put(store, "a", prompt="zebra")
    index.search()
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    index.forget("Snow")
    assert not path.exists()
    holder.close()


def test_a_search_while_another_process_writes_gives_what_is_known(
    store: DiskStore, index: GalleryIndex, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not fail, and does not wait for long."""
    monkeypatch.setattr("aurashot.characters._index_file.PATIENCE", 0.01)
    put(store, "a")
    index.search()
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    put(store, "b")
    assert ["a.png"] == names(index.search())
    holder.execute("COMMIT")
    assert ["a.png", "b.png"] == names(index.search())
    holder.execute("BEGIN EXCLUSIVE")
    assert ["a.png", "b.png"] == names(index.search()), "one that cannot be read at all is made anew"
    holder.close()


def test_a_file_whose_name_is_no_text_is_not_in_the_index(store: DiskStore, index: GalleryIndex) -> None:
    """It is in the gallery; SQLite holds text only."""
    put(store, "a")
    name = os.fsdecode(b"avatars/Snow/gallery/\xff.png")
    store.create(name, b"x")
    assert ["a.png"] == names(index.search())
    assert 2 == len(gallery(store, "Snow"))


def test_a_remote_library_is_listed_now_and_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its index is in the user's cache; one character's images are listed for each search."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    store = DiskStore(tmp_path / "library", is_remote=True)
    path = index_path(store, "s3://bucket/library")
    assert tmp_path / "cache" / "aurashot" / "libraries" == path.parent.parent
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert ".cache" in index_path(store, "s3://bucket/library").parts
    index = GalleryIndex(store, path)
    store.create("avatars/notes.txt", b"x")
    put(store, "a")
    put(store, "b")
    put(store, "c", character="Rain")
    assert ["a.png", "b.png", "c.png"] == names(index.search("cafe"))
    assert ["avatars"] == store.lists[-1:]
    store.lists.clear()
    put(store, "d", character="Rain")
    store.lists.clear()
    assert ["a.png", "b.png", "c.png"] == names(index.search("cafe"))
    assert [] == store.lists
    assert ["c.png", "d.png"] == names(index.search("cafe", character="Rain"))
    assert ["avatars/Rain/gallery"] == store.lists
    store.remove_folder("avatars/Rain")
    index.refresh(full=True)
    assert ["a.png", "b.png"] == names(index.search())
    monkeypatch.setattr("aurashot.characters._index.time", SimpleNamespace(time=lambda: 0.0))  # the clock was set back
    store.lists.clear()
    index.search()
    assert ["avatars"] == store.lists


def search_often(root: Path, path: Path, number: int) -> None:
    """Save and search in a process of its own; it ends with an error if an own image is not found."""
    store = DiskStore(root)
    for each in range(number):
        word = f"w{os.getpid()}x{each}y"
        put(store, "same", prompt=word)
        if 1 != len(GalleryIndex(store, path).search(word)):
            os._exit(1)
        if each % 5 == 4:
            path.unlink(missing_ok=True)


def test_processes_share_an_index(store: DiskStore, path: Path) -> None:
    """Each finds what it has saved at once, though others write, and delete the index, all the time."""
    spawn = multiprocessing.get_context("spawn")
    workers = [spawn.Process(target=search_often, args=(store.root, path, 10)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(100)
    assert [0, 0, 0] == [worker.exitcode for worker in workers]
    assert 30 == len(GalleryIndex(store, path).search(limit=None))


def test_threads_share_an_index(store: DiskStore, index: GalleryIndex) -> None:
    """One object serves all of them."""
    for number in range(10):
        put(store, str(number))
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(len(index.search("cafe")))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [10] * 8 == found


def fill(path: Path, store: DiskStore, characters: int, each: int) -> None:
    """Put rows into an index without files, as many as a large library has."""
    GalleryIndex(store, path).refresh()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN")
    facts = sidecar(tags={"user": "alice"}, url="https://x.example", references={"face": Reference(sha256=ANCHOR)})
    for number in range(characters * each):
        character, name = f"character {number // each}", f"{number % each}.png"
        prompt = f"sitting in a cozy cafe number {number}, warm afternoon light, casual outfit"
        file = StoredFile(f"avatars/{character}/gallery/{name}", 9, NOON)
        image = image_of(character, file, facts.model_copy(update={"prompt": prompt}))
        values = [number, *image.row, json.dumps(dict(image.tags))]
        connection.execute("INSERT INTO images VALUES (?, ?, ?, ?, ?, ?, ?, 9, 0, 9, 0)", values)
        text = f"{character}\n{name}\n{prompt}\nuser alice"
        connection.execute("INSERT INTO texts VALUES (?, ?, ?)", [number, number, text])
    connection.execute("COMMIT")
    connection.close()


def test_thousands_are_searched_and_listed_in_little_memory(store: DiskStore, index: GalleryIndex, path: Path) -> None:
    """10,000 images are listed a page at a time; `scripts/lab characters` measures how long a search takes."""
    fill(path, store, 1_000, 10)
    assert ["7.png"] == names(index.search("number 7347", refresh=False))
    assert 100 == len(index.search("cafe light", tag="user=alice", refresh=False))
    tracemalloc.start()
    assert 10_000 == sum(1 for _ in index.images(refresh=False))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10_000_000, "of two pages"
