from __future__ import annotations

import io
import json
import os
import stat
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, strategies as st

from aurashot import CharacterExistsError, CharacterNotFoundError, InputError, LibraryError
from aurashot.characters import CharacterLibrary, Consent
from aurashot.characters._zip import CharacterZip
from tests.characters.conftest import ANCHOR, CONSENT, FACE, OTHER, memory_library

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PROFILE = "Snow/profile/character.json"
MINIMAL = {PROFILE: b'{"name": "Snow", "type": "virtual", "own": {"deep": [1]}}', "Snow/profile/id-photo.png": ANCHOR}


def zipped(members: Mapping[str, bytes | str], **attributes: int) -> io.BytesIO:
    """Return a zip file with some files; attributes are those of each member."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in members.items():
            member = zipfile.ZipInfo(name)
            for attribute, value in attributes.items():
                setattr(member, attribute, value)
            archive.writestr(member, content)
    target.seek(0)
    return target


def test_a_character_moves_to_another_library(library: CharacterLibrary, tmp_path: Path) -> None:
    """With its gallery, its references and what other tools wrote; it is the same character there."""
    made = library.create("林小雪", face=FACE, anchor=ANCHOR, consent=CONSENT, extra={"voice": {"pitch": 1.25}})
    library.store.create("avatars/林小雪/gallery/雨夜.png", OTHER)
    path = library.export(made, tmp_path)
    assert tmp_path / "林小雪.zip" == path
    other = CharacterLibrary(tmp_path / "other", require_consent=True)
    moved = other.import_(path)
    assert made == moved
    assert (FACE, ANCHOR) == (moved.read_face(), moved.read_anchor())
    assert OTHER == other.store.read("avatars/林小雪/gallery/雨夜.png")
    assert library.store.read("avatars/林小雪/profile/character.json") == other.store.read(
        "avatars/林小雪/profile/character.json"
    )
    assert () == other.check()
    with path.open("rb") as file:
        assert "Snow" == other.import_(file, name="Snow").slug
    with pytest.raises(CharacterExistsError):
        other.import_(path)


def test_an_export_replaces_a_file_at_once(local: CharacterLibrary, tmp_path: Path) -> None:
    """And leaves nothing if it fails."""
    local.create("Snow", face=FACE)
    target = tmp_path / "snow.zip"
    target.write_bytes(b"old")
    assert target == local.export("Snow", target)
    assert zipfile.is_zipfile(target)
    with pytest.raises(LibraryError, match="cannot be exported") as caught:
        local.export("Snow", tmp_path / "home" / "snow.zip" / "x.zip")
    assert "Snow" == caught.value.character
    with pytest.raises(CharacterNotFoundError):
        local.export("Dora", target)
    assert {"home", "library", "snow.zip"} == {each.name for each in tmp_path.iterdir()}


def test_an_export_is_a_folder_in_a_zip_file(local: CharacterLibrary, tmp_path: Path) -> None:
    """Whoever unpacks it has the reference layout, without partial files; odd times are no hindrance."""
    local.create("Snow", face=FACE)
    local.store.create("avatars/Snow/gallery/.1.png.part", OTHER)
    os.utime(tmp_path / "library/avatars/Snow/profile/face-reference.png", (2**35, 2**35))
    with zipfile.ZipFile(local.export("Snow", tmp_path)) as archive:
        assert sorted([PROFILE, "Snow/profile/face-reference.png"]) == sorted(archive.namelist())
        assert FACE == archive.read("Snow/profile/face-reference.png")


def test_a_folder_of_another_tool_is_imported(local: CharacterLibrary) -> None:
    """As it is; what file managers add is left out."""
    extra = {"__MACOSX/Snow/._x": b"", "Snow/.DS_Store": b"x", "Snow/gallery/Thumbs.db": b"x", "Snow/gallery/": b""}
    snow = local.import_(zipped(MINIMAL | extra))
    assert ("virtual", {"own": {"deep": [1]}}, ANCHOR) == (snow.kind, snow.extra, snow.read_anchor())
    assert MINIMAL[PROFILE] == local.store.read("avatars/Snow/profile/character.json")
    assert 2 == len(list(local.store.files("avatars", hidden=True)))


@pytest.mark.parametrize(
    "name",
    [
        "../Snow/x",
        "Snow/../../x",
        "/etc/passwd",
        "Snow//x",
        "Snow/./x",
        "Snow\\..\\x/y",
        "Snow/C:x",
        "C:/x",
        "Snow/.hidden/x",
        "Snow/" + "x" * 300,
        "Snow/" + "x/" * 1_000 + "x",
        "Snow/profile",
        "Snow/profile/id-photo.png/x",
        "x",
        "Dora/profile/character.json",
        "snow/profile/character.json",
        "Snow/Profile/Character.json",
    ],
)
def test_a_zip_file_writes_nothing_elsewhere(local: CharacterLibrary, root: Path, name: str) -> None:
    """Names that lead out of the folder, or into another one, are refused, and nothing of the file is unpacked."""
    with pytest.raises(InputError, match="cannot be imported") as caught:
        local.import_(zipped(MINIMAL | {name: b"x"}))
    assert "source" == caught.value.argument
    assert not root.exists() or [] == list(local.store.files("avatars", hidden=True))


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"external_attr": (stat.S_IFLNK | 0o777) << 16}, "a link or a device"),
        ({"external_attr": (stat.S_IFIFO | 0o777) << 16}, "a link or a device"),
    ],
)
def test_links_in_a_zip_file_are_refused(local: CharacterLibrary, attributes: dict[str, int], reason: str) -> None:
    """Files are unpacked, and nothing else."""
    with pytest.raises(InputError, match=reason):
        local.import_(zipped(MINIMAL, **attributes))


def test_a_zip_file_that_grows_is_not_unpacked(local: CharacterLibrary) -> None:
    """Whatever sizes it declares."""
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (MINIMAL | {"Snow/gallery/1.png": bytes(1_000_000)}).items():
            archive.writestr(name, content)
    with pytest.raises(InputError, match="more than 100,000 bytes in it; raise max_bytes"):
        local.import_(bomb, max_bytes=100_000)
    forged = bytearray(bomb.getvalue())
    size = (1_000_000).to_bytes(4, "little")
    while (at := forged.find(size)) >= 0:
        forged[at : at + 4] = (100).to_bytes(4, "little")
    with pytest.raises(InputError, match="is broken"):
        local.import_(io.BytesIO(bytes(forged)), max_bytes=100_000)
    assert [] == list(local.store.files("avatars", hidden=True))


def test_many_files_are_refused(local: CharacterLibrary, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before any is unpacked."""
    monkeypatch.setattr("aurashot.characters._zip.MAX_FILES", 2)
    with pytest.raises(InputError, match="more than 2 files"):
        local.import_(zipped(MINIMAL | {"Snow/gallery/1.png": b""}))


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "no zip file"), (b"PK\x05\x06", "no zip file"), (b"text" * 100, "no zip file")],
)
def test_what_is_no_zip_file_is_refused(local: CharacterLibrary, tmp_path: Path, content: bytes, reason: str) -> None:
    """With its path."""
    path = tmp_path / "snow.zip"
    path.write_bytes(content)
    with pytest.raises(InputError, match=reason) as caught:
        local.import_(path)
    assert str(path) in caught.value.message
    with pytest.raises(LibraryError, match="cannot be read"):
        local.import_(tmp_path / "missing.zip")


def test_a_zip_file_without_a_profile_or_with_a_broken_one_is_refused(local: CharacterLibrary) -> None:
    """It would be no character, or one that nobody can read."""
    with pytest.raises(InputError, match="with the file profile"):
        local.import_(zipped({"Snow/1.png": FACE}))
    with pytest.raises(LibraryError, match="is broken"):
        local.import_(zipped({PROFILE: b"{"}))
    with pytest.raises(InputError, match="cannot be the name"):
        local.import_(zipped({"con/profile/character.json": b"{}"}))
    assert "Snow" == local.import_(zipped({"con/profile/character.json": b"{}"}), name="Snow").slug


def test_an_import_needs_consent_where_the_library_says_so(tmp_path: Path) -> None:
    """The note has to be for the face that is in the file."""
    strict, free = CharacterLibrary(tmp_path / "strict", require_consent=True), memory_library()
    free.create("Snow", face=FACE, consent=Consent(who="Snow", purpose="Images"))
    path = free.export("Snow", tmp_path)
    assert strict.import_(path).has_consent
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with pytest.raises(InputError, match=r"consent: 'Dora'.*another face"):
        strict.import_(zipped(members | {"Snow/profile/face-reference.png": OTHER}), name="Dora")
    document = json.loads(members[PROFILE])
    del document["aurashot"]
    with pytest.raises(InputError, match="needs a consent note"):
        strict.import_(zipped(members | {PROFILE: json.dumps(document)}), name="Dora")
    assert ["Snow"] == [each.slug for each in strict.list()]


@given(st.dictionaries(st.text(max_size=20), st.binary(max_size=20), max_size=4), st.binary(max_size=200))
def test_any_zip_file_is_one_folder_or_refused(members: dict[str, bytes], tail: bytes) -> None:
    """Whatever is in it."""
    try:
        content: Any = zipped({key: value for key, value in members.items() if key}).getvalue() + tail
    except (UnicodeEncodeError, ValueError):
        return
    try:
        archive = CharacterZip(io.BytesIO(content), "It")
    except InputError:
        return
    for path, _ in archive.images():
        assert ".." not in path.split("/")
