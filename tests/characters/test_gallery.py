from __future__ import annotations

import multiprocessing
import pickle
import unicodedata
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, strategies as st

from aurashot import InputError, InvalidImageError
from aurashot.characters._gallery import folded_path, free_path, gallery, save, sidecar_beside, stale, stem_of
from aurashot.characters._gallery_image import GalleryImage, gallery_folder
from aurashot.characters._metadata import metadata_of
from aurashot.characters._parts import png_chunk
from aurashot.characters._sidecar import IdentityNote, digest_of
from tests.characters.disk import DiskStore
from tests.characters.images import ANCHOR, NOON, drawn, pixels, sidecar

if TYPE_CHECKING:
    from pathlib import Path

IMAGE = drawn()
FOLDER = "avatars/Snow/gallery"


@pytest.fixture
def store(tmp_path: Path) -> DiskStore:
    """Return an empty store."""
    return DiskStore(tmp_path)


def names(images: list[GalleryImage]) -> list[str]:
    """Return the file names of some images."""
    return [image.name for image in images]


def note(verdict: str) -> IdentityNote:
    """Return what a comparison has found."""
    return IdentityNote(verdict=verdict, similarity=0.9)


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "WEBP", "GIF"])
def test_an_image_is_saved_with_its_facts(store: DiskStore, file_format: str) -> None:
    """It has a name that says what it shows, its facts beside it and, but for GIF, in it; its pixels are the same."""
    image = drawn(file_format)
    saved = save(store, "Snow", image, sidecar(image))
    ending = {"PNG": "png", "JPEG": "jpg", "WEBP": "webp", "GIF": "gif"}[file_format]
    assert f"{FOLDER}/in-a-cafe.{ending}" == saved.path
    assert saved.content == store.read(saved.path)
    assert pixels(image) == pixels(saved.content)
    beside = sidecar_beside(store, saved.path)
    assert saved.sidecar == beside
    assert (digest_of(saved.content), digest_of(image)) == (saved.sidecar.sha256, saved.sidecar.received_sha256)
    assert (file_format == "GIF") == (metadata_of(saved.content).sidecar is None)
    (listed,) = gallery(store, "Snow")
    expected = ("Snow", saved.path, f"{saved.path}.json", len(saved.content), NOON)
    assert expected == (listed.character, listed.path, listed.sidecar_path, listed.size, listed.created_at)
    assert pickle.loads(pickle.dumps(listed)) == listed
    assert hash(pickle.loads(pickle.dumps(listed))) == hash(listed)
    assert saved.path in repr(listed)
    assert ("in a cafe", saved.sidecar.sha256, ANCHOR) == (listed.prompt, listed.sha256, listed.anchor_sha256)


def test_metadata_can_be_left_out(store: DiskStore) -> None:
    """Then the file is what was received."""
    assert IMAGE == save(store, "Snow", IMAGE, sidecar(IMAGE), metadata=False).content


def test_a_file_to_which_nothing_can_be_added_is_saved_as_it_is(store: DiskStore) -> None:
    """One with signed content credentials: it is paid for."""
    signed = IMAGE[:33] + png_chunk(b"caBX", b"jumb") + IMAGE[33:]
    saved = save(store, "Snow", signed, sidecar(signed))
    assert signed == saved.content
    assert digest_of(signed) == saved.sidecar.sha256


@pytest.mark.parametrize("image", [b"", b"text", IMAGE[:-1], drawn("BMP")])
def test_what_is_no_complete_image_is_not_saved(store: DiskStore, image: bytes) -> None:
    """Nothing is written."""
    with pytest.raises(InvalidImageError):
        save(store, "Snow", image, sidecar(image))
    assert [] == list(store.files(""))


def test_no_image_replaces_another(store: DiskStore) -> None:
    """Further images with one name have a number, also if they differ in case only."""
    paths = [save(store, "Snow", IMAGE, sidecar(prompt=prompt)).path for prompt in ("Café", "café", "CAFÉ", "x")]
    assert ["Café.png", "café-2.png", "CAFÉ-3.png", "x.png"] == [path.rpartition("/")[2] for path in paths]


def test_a_name_whose_sidecar_is_taken_is_not_used(store: DiskStore) -> None:
    """A file of another tool stays as it is."""
    store.create(f"{FOLDER}/x.png.json", b"theirs")
    assert f"{FOLDER}/x-2.png" == save(store, "Snow", IMAGE, sidecar(), name="x").path
    assert b"theirs" == store.read(f"{FOLDER}/x.png.json")


def test_an_image_without_its_sidecar_gets_it_when_it_is_saved_again(store: DiskStore) -> None:
    """A program that was killed between the two has left it behind."""
    first = save(store, "Snow", IMAGE, sidecar(IMAGE))
    store.remove(first.path + ".json")
    assert first == save(store, "Snow", IMAGE, sidecar(IMAGE))
    assert ["in-a-cafe.png"] == names(gallery(store, "Snow"))
    store.remove(first.path + ".json")
    assert first.path != save(store, "Snow", IMAGE, sidecar(IMAGE, prompt="in a cafe!")).path, "another image"


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "WEBP", "GIF"])
def test_an_image_without_its_sidecar_gets_it_from_a_later_call(store: DiskStore, file_format: str) -> None:
    """Another operation has fetched what was paid for, at another time, and there is still one image."""
    image = drawn(file_format)
    first = save(store, "Snow", image, sidecar(image, operation_id="one"))
    store.remove(first.path + ".json")
    later = sidecar(image, operation_id="two", created_at=datetime.now(UTC))
    second = save(store, "Snow", image, later)
    assert (first.path, first.content) == (second.path, second.content)
    assert "two" == second.sidecar.operation_id
    assert second.sidecar == sidecar_beside(store, second.path)
    assert digest_of(store.read(second.path)) == second.sidecar.sha256
    assert 1 == len(gallery(store, "Snow"))
    store.remove(first.path + ".json")
    another = save(store, "Snow", image, sidecar(image, idempotency_key="order-18"))
    assert first.path != another.path or file_format == "GIF", "it has no facts in it"


class Hasty(DiskStore):
    """A store in which somebody else takes names, between a look at the folder and the writing."""

    def __init__(self, root: Path, *others: tuple[str, bytes]) -> None:
        super().__init__(root)
        self.others = list(others)

    def create(self, path: str, content: bytes) -> None:
        """Let somebody else write first."""
        while self.others and self.others[0][0] == path:
            super().create(*self.others.pop(0))
        super().create(path, content)


def test_a_name_that_is_taken_meanwhile_is_not_used(tmp_path: Path) -> None:
    """Neither if an image has it, nor if a file in the place of its sidecar has."""
    hasty = Hasty(tmp_path, (f"{FOLDER}/x.png", IMAGE), (f"{FOLDER}/x-2.png.json", b"theirs"))
    assert f"{FOLDER}/x-3.png" == save(hasty, "Snow", IMAGE, sidecar(), name="x").path
    assert {"x.png", "x-2.png.json", "x-3.png", "x-3.png.json"} == {
        file.path.rpartition("/")[2] for file in hasty.files(FOLDER)
    }


def test_two_that_save_the_same_at_once_have_one_image(tmp_path: Path) -> None:
    """The one that was slower finds the sidecar, and that it is its own."""
    saved = save(DiskStore(tmp_path / "other"), "Snow", IMAGE, sidecar(IMAGE))
    hasty = Hasty(tmp_path, (f"{saved.path}.json", saved.sidecar.to_bytes()))
    assert saved == save(hasty, "Snow", IMAGE, sidecar(IMAGE))


def test_an_image_that_another_process_has_taken_for_one_left_behind_is_saved_again(tmp_path: Path) -> None:
    """Both of them have their facts, though the files are the same byte for byte."""
    theirs = sidecar(IMAGE, request_id="theirs", received_sha256=digest_of(IMAGE))
    hasty = Hasty(tmp_path, (f"{FOLDER}/x.png.json", theirs.to_bytes()))
    saved = save(hasty, "Snow", IMAGE, sidecar(IMAGE, request_id="ours"), name="x", metadata=False)
    assert f"{FOLDER}/x-2.png" == saved.path
    assert ["ours", "theirs"] == sorted(
        str(beside.request_id)
        for image in gallery(hasty, "Snow")
        if (beside := sidecar_beside(hasty, image.path)) is not None
    )


def test_when_all_names_are_taken_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is an end to trying."""
    monkeypatch.setattr("aurashot.characters._gallery._ATTEMPTS", 3)

    class Full(DiskStore):
        def create(self, path: str, content: bytes) -> None:
            raise FileExistsError

    with pytest.raises(InputError, match="'x' and all names like it are taken"):
        save(Full(tmp_path), "Snow", IMAGE, sidecar(), name="x")


def save_many(root: Path, worker: int, number: int) -> None:
    """Save images under one name, in a process of its own."""
    for each in range(number):
        save(DiskStore(root), "Snow", IMAGE, sidecar(prompt="same name", request_id=f"{worker}-{each}"))


def test_processes_that_save_at_once_lose_nothing(tmp_path: Path) -> None:
    """Each image of each process is there, with its own sidecar."""
    spawn = multiprocessing.get_context("spawn")
    workers = [spawn.Process(target=save_many, args=(tmp_path, worker, 10)) for worker in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    store = DiskStore(tmp_path)
    images = gallery(store, "Snow")
    facts = [sidecar_beside(store, image.path) for image in images]
    assert {f"{worker}-{each}" for worker in range(4) for each in range(10)} == {
        each.request_id for each in facts if each is not None
    }
    assert 40 == len(images) == len({image.sha256 for image in images})
    assert all(digest_of(store.read(image.path)) == image.sha256 for image in images)


def test_images_of_other_tools_are_listed(store: DiskStore) -> None:
    """With what is known of them; hidden files, texts and folders of other kinds are not images."""
    for name in ("雪中.png", "b.JPEG", "deep/c.webp", ".hidden.png", "notes.txt", "b.JPEG.json", "d.png.json"):
        store.create(f"{FOLDER}/{name}", b'{"title": "theirs"}')
    images = gallery(store, "Snow")
    assert {f"{FOLDER}/雪中.png", f"{FOLDER}/b.JPEG", f"{FOLDER}/deep/c.webp"} == {image.path for image in images}
    for image in images:
        assert (False, None, None, 19) == (image.has_sidecar, image.sha256, image.prompt, image.size)
        assert image.created_at == image.modified
        assert ((), ()) == (image.keys, image.links)


def test_a_gallery_that_is_not_there_is_empty(store: DiskStore) -> None:
    """A character may have none yet."""
    assert [] == gallery(store, "Snow")
    assert sidecar_beside(store, f"{FOLDER}/x.png") is None


def test_a_sidecar_that_is_removed_meanwhile_is_none(tmp_path: Path) -> None:
    """Its image is still listed."""

    class Moving(DiskStore):
        def read(self, path: str) -> bytes:
            raise FileNotFoundError(path)

    save(DiskStore(tmp_path), "Snow", IMAGE, sidecar())
    assert [False] == [image.has_sidecar for image in gallery(Moving(tmp_path), "Snow")]


def test_a_gallery_can_be_narrowed(store: DiskStore) -> None:
    """By verdict, by time, by tag; the newest image is the first."""
    images: list[tuple[str | None, dict[str, str]]] = [
        ("same", {"user": "alice"}),
        ("different", {"user": "bob"}),
        (None, {}),
        ("same", {"a=b": "c", "user": "x"}),
    ]
    for number, (verdict, tags) in enumerate(images):
        facts: dict[str, Any] = {"tags": tags, "created_at": NOON + timedelta(hours=number)}
        save(store, "Snow", IMAGE, sidecar(**facts, identity=note(verdict) if verdict else None), name=f"{number}")
    assert ["3.png", "2.png", "1.png", "0.png"] == names(gallery(store, "Snow"))
    assert ["3.png", "0.png"] == names(gallery(store, "Snow", verdict="same"))
    assert ["2.png"] == names(gallery(store, "Snow", verdict="unchecked"))
    since = (NOON + timedelta(hours=2)).astimezone(timezone(timedelta(hours=8)))
    assert ["3.png", "2.png"] == names(gallery(store, "Snow", since=since))
    assert ["3.png", "1.png", "0.png"] == names(gallery(store, "Snow", tag="user"))
    assert ["0.png"] == names(gallery(store, "Snow", tag="user=alice"))
    assert ["3.png"] == names(gallery(store, "Snow", tag="a=b=c"))
    assert [] == gallery(store, "Snow", tag="alice")


def test_what_a_gallery_cannot_be_narrowed_by_is_said(store: DiskStore) -> None:
    """A verdict that is none, and a time without a zone."""
    unknown: Any = "match"
    with pytest.raises(InputError, match="verdict: it is one of same, different, unsure, unchecked"):
        gallery(store, "Snow", verdict=unknown)
    with pytest.raises(InputError, match="since: it has no time zone"):
        gallery(store, "Snow", since=datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None))


def test_images_of_a_replaced_anchor_are_stale(store: DiskStore) -> None:
    """Those whose anchor is not known are not."""
    for name, anchor in (("old", ANCHOR), ("new", "b" * 64), ("unknown", None)):
        save(store, "Snow", IMAGE, sidecar(anchor_sha256=anchor), name=name)
    images = gallery(store, "Snow")
    assert ["old.png"] == names(stale(images, "b" * 64))
    assert [] == stale(images, None)


@pytest.mark.parametrize(
    ("text", "stem"),
    [
        ("sitting in a cozy cafe, warm light", "sitting-in-a-cozy-cafe-warm-light"),
        ("雪中の猫。夜", "雪中の猫-夜"),
        ("../../etc/passwd", "etc-passwd"),
        ("con", "image-con"),
        ("\u202egnp.exe", "gnp.exe"),
        ("🙂", "image"),
        ("word " * 40, "word-word-word-word-word-word-word-word-word-word-word-word"),
    ],
)
def test_a_name_says_what_an_image_shows(text: str, stem: str) -> None:
    """In any script, and safe on every system."""
    assert stem == stem_of(text)


@given(st.text(max_size=300))
def test_any_text_gives_a_short_safe_name(text: str) -> None:
    """Never empty, without separators and control characters, and with room for a number and two extensions."""
    stem = stem_of(text)
    assert 1 <= len(stem) <= 66
    assert len(stem.encode()) <= 200
    assert not stem.startswith(".")
    assert not set(stem) & set('/\\:*?"<>|\0 ')
    assert all(unicodedata.category(each)[0] in "LMNP" for each in stem)


def test_a_free_path_is_one_that_nothing_has() -> None:
    """Case and composition do not count, as on many disks; numbers that were used once are not used again."""
    decomposed = unicodedata.normalize("NFD", "g/É.png")
    assert "g/é-2.png" == free_path("g/é.png", {folded_path(decomposed)})
    taken = {"g/x.png", "g/x-4.png", "g/x-y.png", "g/x-.png", "g/x-٣.png", "g/x-9999999999.png", "g/x-7.jpg"}
    assert "g/x-5.png" == free_path("g/x.png", taken)
    assert "g/y.png" == free_path("g/y.png", taken)
    assert "avatars/Snow/gallery" == gallery_folder("Snow")
