from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypedDict

import pytest
from hypothesis import given, strategies as st

from aurashot import LibraryError
from aurashot.characters import Character, CharacterLibrary
from aurashot.characters._changes import UNCHANGED, updated
from aurashot.characters._layout import changed, character_from, document_of, parsed, serialised
from tests.characters.conftest import ANCHOR, FACE, OTHER
from tests.strategies import ANY_JSON

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BY_ANOTHER_TOOL = {
    "name": "林小雪",
    "type": "virtual",
    "description": "爱喝咖啡的插画师",
    "createdAt": "2026-03-16T08:30:00Z",
    "faceReference": "profile/face-reference.png",
    "idPhoto": "profile/id-photo.png",
    "preferredStyles": ["胶片", "日系"],
    "preferredScenes": ["咖啡馆"],
    "voice": {"pitch": 1.25, "tags": ["soft", None]},
    "版本": 3,
}


class PlainCharacter(TypedDict):
    """What a reader knows that follows the description of the layout, and nothing else."""

    document: dict[str, Any]
    face: bytes
    anchor: bytes
    gallery: list[str]


def plain_reader(root: Path, name: str) -> PlainCharacter:
    """Read a character as another tool does: `avatars/<name>/profile/character.json`, and the paths in it."""
    folder = root / "avatars" / name
    document = json.loads((folder / "profile" / "character.json").read_text("utf-8"))
    return {
        "document": document,
        "face": (folder / document["faceReference"]).read_bytes(),
        "anchor": (folder / document["idPhoto"]).read_bytes(),
        "gallery": sorted(each.name for each in (folder / "gallery").iterdir())
        if (folder / "gallery").is_dir()
        else [],
    }


@pytest.fixture
def foreign(write: Callable[[str, bytes | str], Path], root: Path) -> CharacterLibrary:
    """Return a library that another tool has made by hand, with Chinese names."""
    folder = "avatars/林小雪"
    write(f"{folder}/profile/character.json", json.dumps(BY_ANOTHER_TOOL, ensure_ascii=False))
    write(f"{folder}/profile/face-reference.png", FACE)
    write(f"{folder}/profile/id-photo.png", ANCHOR)
    write(f"{folder}/gallery/雨夜霓虹.png", OTHER)
    write(f"{folder}/references/红裙.png", OTHER)
    return CharacterLibrary(root)


def test_a_folder_that_another_tool_has_made_is_a_character(foreign: CharacterLibrary) -> None:
    """All that the layout has is known, and its images can be read."""
    snow = foreign.get("林小雪")
    assert ("林小雪", "林小雪", "virtual", "爱喝咖啡的插画师") == (snow.name, snow.slug, snow.kind, snow.description)
    assert (("胶片", "日系"), ("咖啡馆",)) == (snow.styles, snow.scenes)
    assert datetime(2026, 3, 16, 8, 30, tzinfo=UTC) == snow.created_at
    assert (FACE, ANCHOR, ANCHOR) == (snow.read_face(), snow.read_anchor(), snow.read_reference())
    assert {"voice": {"pitch": 1.25, "tags": ["soft", None]}, "版本": 3} == snow.extra
    assert snow.anchor is not None
    assert ("profile/id-photo.png", "image/png", len(ANCHOR), None) == (
        snow.anchor.path,
        snow.anchor.media_type,
        snow.anchor.size,
        snow.anchor.url,
    )
    assert [snow.slug] == [each.slug for each in foreign.list()]


def test_reading_a_foreign_library_changes_nothing(foreign: CharacterLibrary, root: Path) -> None:
    """No file is written until something is to be changed, and an id stays the same until one is written."""
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    assert foreign.get("林小雪").id == foreign.list()[0].id == foreign.get("林小雪").id
    assert () == foreign.check()
    assert before == {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_a_foreign_character_is_changed_and_read_by_a_plain_reader(foreign: CharacterLibrary, root: Path) -> None:
    """It gains an image and a description; a reader that knows the layout alone finds them, and every other key."""
    own_id = foreign.get("林小雪").id
    with foreign.locked("林小雪") as profile:
        foreign.store.create(f"avatars/{profile.slug}/gallery/红裙舞台.png", OTHER)
    foreign.update("林小雪", description="插画师", anchor_url="https://cdn.example/1.png")
    plain = plain_reader(root, "林小雪")
    assert BY_ANOTHER_TOOL | {"description": "插画师"} == {
        key: value for key, value in plain["document"].items() if key != "aurashot"
    }
    assert list(BY_ANOTHER_TOOL) == [key for key in plain["document"] if key != "aurashot"]
    assert (FACE, ANCHOR, ["红裙舞台.png", "雨夜霓虹.png"]) == (plain["face"], plain["anchor"], plain["gallery"])
    again = foreign.get("林小雪")
    assert own_id == again.id
    assert again.anchor is not None
    assert "https://cdn.example/1.png" == again.anchor.url


def test_a_folder_that_another_tool_has_made_gains_an_image(foreign: CharacterLibrary, root: Path) -> None:
    """A plain reader finds it among the others, and all else as it was."""
    before = plain_reader(root, "林小雪")
    saved = foreign.save("林小雪", OTHER, name="雪夜灯笼")
    after = plain_reader(root, "林小雪")
    images = [name for name in after["gallery"] if not name.endswith(".json")]
    assert sorted([*before["gallery"], "雪夜灯笼.png"]) == sorted(images)
    assert before == {**after, "gallery": before["gallery"]}
    assert {"雪夜灯笼.png", "雨夜霓虹.png"} == {image.name for image in foreign.gallery("林小雪")}
    assert (root / saved.path).read_bytes() == foreign.read(saved)


def test_a_character_of_ours_is_read_by_a_plain_reader(local: CharacterLibrary, root: Path) -> None:
    """Whoever knows the layout finds its images and its description."""
    local.create("林小雪", kind="virtual", face=FACE, anchor=ANCHOR, description="插画师", styles=["胶片"])
    plain = plain_reader(root, "林小雪")
    assert ("林小雪", "virtual", "插画师", ["胶片"], []) == tuple(
        plain["document"][key] for key in ("name", "type", "description", "preferredStyles", "preferredScenes")
    )
    assert (FACE, ANCHOR) == (plain["face"], plain["anchor"])
    assert datetime.fromisoformat(plain["document"]["createdAt"]).tzinfo is not None


def test_a_renamed_folder_is_another_name(foreign: CharacterLibrary, root: Path) -> None:
    """The folder is what identifies a character; what its file says is for show if it agrees."""
    shutil.move(root / "avatars" / "林小雪", root / "avatars" / "Snow")
    assert ("Snow", "Snow") == (foreign.get("Snow").name, foreign.list()[0].slug)


def test_images_are_found_where_they_belong_without_an_entry(
    write: Callable[[str, bytes | str], Path], local: CharacterLibrary
) -> None:
    """A character.json that names no image does not hide them, whatever their extension is."""
    write("avatars/Snow/profile/character.json", '{"name": "Snow"}')
    write("avatars/Snow/profile/face-reference.jpg", FACE)
    write("avatars/Snow/profile/id-photo.webp", ANCHOR)
    for snow in (local.get("Snow"), local.list()[0]):
        assert (FACE, ANCHOR) == (snow.read_face(), snow.read_anchor())
    assert ("real", None, "") == (snow.kind, snow.created_at, snow.description)


@pytest.mark.parametrize(
    ("key", "value", "field", "expected"),
    [
        ("type", "VIRTUAL", "kind", "virtual"),
        ("type", "robot", "kind", "real"),
        ("type", None, "kind", "real"),
        ("description", 5, "description", ""),
        ("preferredStyles", "film", "styles", ("film",)),
        ("preferredStyles", ["film", 5, None], "styles", ("film",)),
        ("preferredScenes", {"a": 1}, "scenes", ()),
        ("createdAt", "yesterday", "created_at", None),
        ("createdAt", 1_700_000_000, "created_at", None),
        ("createdAt", "2026-03-16", "created_at", datetime(2026, 3, 16, tzinfo=UTC)),
        ("createdAt", "2026-03-16T10:00:00+02:00", "created_at", datetime(2026, 3, 16, 8, tzinfo=UTC)),
        ("name", "Somebody", "name", "Snow"),
        ("name", "SNOW", "name", "SNOW"),
        ("faceReference", "", "face", None),
        ("idPhoto", "https://cdn.example/1.png", "anchor", None),
    ],
)
def test_what_another_tool_wrote_differently_is_understood(
    key: str, value: object, field: str, expected: object
) -> None:
    """A value of another type is not known, and makes no character unreadable; in doubt, a person is real."""
    document = parsed(json.dumps({"name": "Snow", key: value}).encode(), "Snow")
    assert expected == getattr(character_from(document, "Snow"), field)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "not valid JSON"),
        ('{"name": "Snow"', "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ("[]", "no JSON object"),
        ("null", "no JSON object"),
        (b"\xff\xfe\x00", "not valid JSON"),
        ('{"aurashot": []}', "'aurashot' is no JSON object"),
        ('{"aurashot": {"format": 2}}', "newer version"),
        ('{"aurashot": {"format": "x"}}', "newer version"),
        ('{"aurashot": {"consent": {"who": "Snow"}}}', "purpose"),
        ('{"aurashot": {"promptTemplate": "no place"}}', "has no {prompt}"),
        ('{"faceReference": "../../other/profile/face-reference.png"}', "leads out"),
        ('{"faceReference": "/etc/passwd"}', "leads out"),
        ('{"faceReference": "C:\\\\face.png"}', "leads out"),
        ('{"idPhoto": "profile/\\u0000.png"}', "leads out"),
    ],
)
def test_a_broken_profile_is_an_error_with_the_character_and_the_file(
    write: Callable[[str, bytes | str], Path], local: CharacterLibrary, content: bytes | str, reason: str
) -> None:
    """The others are still listed, and the broken one can be found, replaced and forgotten."""
    local.create("Dora", face=FACE)
    write("avatars/Snow/profile/character.json", content)
    with pytest.raises(LibraryError, match=reason) as caught:
        local.get("Snow")
    assert ("Snow", "avatars/Snow/profile/character.json") == (caught.value.character, caught.value.path)
    assert "Snow" in caught.value.message
    assert ["Dora"] == [each.slug for each in local.list()]
    assert [caught.value.message] == [str(each) for each in local.check()]
    assert 1 == len(local.forget("Snow").removed)


@given(st.dictionaries(st.text(), ANY_JSON, max_size=5), st.dictionaries(st.text(), ANY_JSON, max_size=3))
def test_unknown_keys_survive_every_change(others: dict[str, Any], own: dict[str, Any]) -> None:
    """At the top and under our own key: whatever is there is written again as it was, in its order."""
    known = {*BY_ANOTHER_TOOL, "aurashot"} - {"voice", "版本"}
    others = {key: value for key, value in others.items() if key not in known}
    used = document_of(Character(name="x", slug="x"))["aurashot"]
    assert isinstance(used, dict)
    own = {f"~{key}": value for key, value in own.items() if key not in used}
    document: Any = {**others, "name": "Snow", "aurashot": own}
    before = character_from(document, "Snow")
    written = serialised(changed(document, before, before.model_copy(update={"description": "new"})))
    again = json.loads(written)
    assert repr(others) == repr({key: again[key] for key in others})
    assert repr(own) == repr({key: again["aurashot"][key] for key in own})
    assert "new" == again["description"]


def test_a_change_keeps_what_is_unknown_within_an_image(
    write: Callable[[str, bytes | str], Path], local: CharacterLibrary, root: Path
) -> None:
    """What a newer version notes of an image is not lost when something else is changed."""
    local.create("Snow", face=FACE, anchor=ANCHOR)
    path = root / "avatars/Snow/profile/character.json"
    document = json.loads(path.read_bytes())
    document["aurashot"]["anchor"]["licence"] = {"by": "me"}
    path.write_text(json.dumps(document))
    local.update("Snow", description="new")
    local.update("Snow", anchor_url="https://cdn.example/1.png")
    anchor = json.loads(path.read_bytes())["aurashot"]["anchor"]
    assert ({"by": "me"}, "https://cdn.example/1.png") == (anchor["licence"], anchor["url"])


def test_half_a_character_in_a_profile_survives() -> None:
    """JSON can hold what UTF-8 cannot; it is written again as it came."""
    document = parsed(b'{"note": "\\ud800"}', "Snow")
    assert {"note": "\ud800"} == json.loads(serialised(document))


@pytest.mark.parametrize("path", ["profile/character.json", "gallery/best.png", "references/me.png", "profile/ME.png"])
def test_a_new_image_takes_no_file_that_is_not_its_own(
    write: Callable[[str, bytes | str], Path], local: CharacterLibrary, root: Path, path: str
) -> None:
    """Another tool has pointed to some other file: a finished image, or even `character.json`. It stays."""
    if path != "profile/character.json":
        write(f"avatars/Snow/{path}", FACE)
    write("avatars/Snow/profile/character.json", json.dumps({"name": "Snow", "faceReference": path}))
    assert "profile/face-reference.png" == getattr(local.update("Snow", face=OTHER).face, "path", None)
    assert OTHER == local.get("Snow").read_face()
    assert path.startswith("profile/ME") is not (root / "avatars" / "Snow" / path).is_file()


def test_on_a_disk_that_ignores_case_a_new_image_stays() -> None:
    """There, the old and the new name are one file."""
    before = character_from({"faceReference": "profile/Face-Reference.PNG"}, "Snow")
    change = updated(before, {"face": (OTHER, UNCHANGED)}, {})
    assert ["profile/face-reference.png"] == list(change.writes)
    assert () == change.obsolete


def test_a_byte_order_mark_is_no_fault(write: Callable[[str, bytes | str], Path], local: CharacterLibrary) -> None:
    """Editors of Windows write one."""
    write("avatars/Snow/profile/character.json", b"\xef\xbb\xbf" + b'{"description": "x"}')
    assert "x" == local.get("Snow").description


def test_a_folder_without_a_profile_is_no_character(
    write: Callable[[str, bytes | str], Path], local: CharacterLibrary
) -> None:
    """It is not listed, its name is taken, `get` and `check` say what is missing, and its files can be forgotten."""
    write("avatars/Snow/profile/face-reference.png", FACE)
    write("avatars/readme.txt", "not a folder")
    assert () == local.list()
    with pytest.raises(LibraryError, match="its folder is there, and has no profile"):
        local.get("Snow")
    with pytest.raises(LibraryError, match="a folder of the name 'Snow' already"):
        local.create("Snow")
    assert ["avatars/Snow/profile/character.json"] == [each.path for each in local.check()]
    assert ["avatars/Snow/profile/face-reference.png"] == [each.path for each in local.forget("Snow").removed]
