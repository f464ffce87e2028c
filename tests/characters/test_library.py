from __future__ import annotations

import copy
import hashlib
import pickle
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from aurashot import (
    CharacterExistsError,
    CharacterNotFoundError,
    ConfigurationError,
    InputError,
    InvalidImageError,
    LibraryError,
)
from aurashot.characters import (
    PROMPT_TEMPLATE,
    CalibrationNote,
    Character,
    CharacterLibrary,
    Consent,
    LocalStore,
    StoredImage,
)
from lab.characters.images import png
from tests.characters.conftest import ANCHOR, FACE, OTHER, memory_library

Call: TypeAlias = Callable[[str | Character], object]
URL = "https://cdn.example/anchor.png"
NOTE = CalibrationNote(same=0.45, different=0.25, engine="engine 1", expected=0.47, confidence="medium")


def digest(content: bytes) -> str:
    """Return the digest of an image."""
    return hashlib.sha256(content).hexdigest()


def full(library: CharacterLibrary, name: str = "林小雪") -> Character:
    """Create a character with all that one can have."""
    return library.create(
        name,
        face=FACE,
        anchor=ANCHOR,
        anchor_url=URL,
        description="An illustrator",
        styles=["film"],
        scenes=["cafe", "beach"],
        prompt_template="{prompt}, the same face",
        consent=Consent(who="Snow", purpose="Images of me", evidence_sha256="ab" * 32),
        calibration=NOTE,
        extra={"voice": {"pitch": 1.25}},
    )


def test_a_character_is_created_and_found_again(library: CharacterLibrary) -> None:
    """All that was given is there, in this process and in the next one."""
    made = full(library)
    found = library.get("林小雪")
    assert made == found
    assert (FACE, ANCHOR) == (found.read_face(), found.read_anchor())
    assert (made,) == library.list()
    assert () == library.check()
    assert made.anchor is not None
    assert made.face is not None
    assert (URL, digest(ANCHOR), "image/png", len(ANCHOR)) == (
        made.anchor.url,
        made.anchor.sha256,
        made.anchor.media_type,
        made.anchor.size,
    )
    assert made.anchor.url_since is not None
    assert made.face.url_since is None
    assert made.has_consent
    assert {"voice": {"pitch": 1.25}} == made.extra


@pytest.mark.parametrize("key", ["name", "faceReference", "idPhoto", "aurashot"])
def test_further_keys_take_the_place_of_no_other(library: CharacterLibrary, key: str) -> None:
    """The character could not be read again, or would have lost an image."""
    with pytest.raises(InputError, match=f"extra: '{key}'") as caught:
        library.create("Snow", face=FACE, extra={key: "../x"})
    assert "extra" == caught.value.argument
    assert () == library.list()


def test_a_character_needs_a_name_only(library: CharacterLibrary) -> None:
    """A virtual one may have no image yet; then there is nothing to read."""
    made = library.create("Snow", kind="virtual")
    assert (None, None, None) == (made.face, made.anchor, made.reference)
    with pytest.raises(LibraryError, match="'Snow' has no ID photo"):
        library.get("Snow").read_anchor()
    with pytest.raises(LibraryError, match="'Snow' has no image of a face"):
        made.read_reference()


def test_a_name_is_taken_once(library: CharacterLibrary) -> None:
    """Also in another spelling, which some file systems take for the same name; the first one is untouched."""
    first = library.create("Zoë", face=FACE)
    for name in ("Zoë", "zoë", "ZOË", unicodedata.normalize("NFD", "Zoë")):
        with pytest.raises(CharacterExistsError, match="already") as caught:
            library.create(name, face=OTHER)
        assert "avatars/Zoë" == caught.value.path
    assert first == library.get("Zoë")


@pytest.mark.parametrize("name", ["zoë", "ZOË", unicodedata.normalize("NFD", "Zoë")])
def test_any_spelling_finds_a_character(library: CharacterLibrary, name: str) -> None:
    """Its own one stays."""
    library.create("Zoë")
    assert "Zoë" == library.get(name).slug


def test_nothing_is_found_in_an_empty_library(library: CharacterLibrary) -> None:
    """It is an empty list, and a name is an error that says the name."""
    assert ((), ()) == (library.list(), library.check())
    rename = partial(library.rename, name="Dora")
    calls: list[Call] = [library.get, library.remove, library.forget, library.update, rename]
    for call in calls:
        with pytest.raises(CharacterNotFoundError, match="no character 'Snow'") as caught:
            call("Snow")
        assert ("Snow", "avatars/Snow") == (caught.value.character, caught.value.path)


def test_a_list_is_sorted_and_complete(library: CharacterLibrary) -> None:
    """By the names of the folders, whatever the order of creation was."""
    for name in ("b", "林", "a", "Z"):
        library.create(name)
    assert ["Z", "a", "b", "林"] == [each.slug for each in library.list()]


def test_a_list_does_not_look_at_images(local: CharacterLibrary, root: Path) -> None:
    """A character of ours has its digests in a list as well; one whose image is missing is listed all the same."""
    made = full(local)
    (root / "avatars/林小雪/profile/id-photo.png").unlink()
    assert (made,) == local.list()


def test_an_update_changes_what_is_named_only(library: CharacterLibrary) -> None:
    """And what another process has changed meanwhile stays."""
    made = full(library)
    library.update("林小雪", styles=["oil"])
    updated = library.update(made, description="A painter")
    assert ("A painter", ("oil",), made.scenes, made.anchor, made.consent) == (
        updated.description,
        updated.styles,
        updated.scenes,
        updated.anchor,
        updated.consent,
    )
    assert updated == library.get("林小雪")


def test_an_update_with_none_removes(library: CharacterLibrary) -> None:
    """An image with its file, a note, and a URL."""
    made = full(library)
    changed = library.update(made, anchor=None, consent=None, calibration=None)
    assert (None, None, None) == (changed.anchor, changed.consent, changed.calibration)
    assert changed == library.get(made)
    assert ["character.json", "face-reference.png"] == [
        each.path.rpartition("/")[2] for each in library.store.files("avatars/林小雪")
    ]
    assert changed.face == changed.reference


def test_a_new_image_has_a_new_digest_and_no_url(library: CharacterLibrary) -> None:
    """The old URL shows the old image; a URL alone is one of the present image."""
    made = full(library)
    changed = library.update(made, anchor=OTHER)
    assert changed.anchor is not None
    assert (digest(OTHER), None, None) == (changed.anchor.sha256, changed.anchor.url, changed.anchor.url_since)
    assert OTHER == library.get(made).read_anchor()
    again = library.update(made, anchor_url="https://cdn.example/2.png")
    assert again.anchor is not None
    assert (digest(OTHER), "https://cdn.example/2.png") == (again.anchor.sha256, again.anchor.url)
    assert again == library.get(made)
    assert library.update(made, anchor_url=None).anchor == changed.anchor


def test_an_image_of_another_type_replaces_the_file(library: CharacterLibrary, grace_hopper: Path) -> None:
    """Its name has the right extension, and the old file is gone."""
    made = library.create("Snow", face=FACE)
    changed = library.update(made, face=grace_hopper)
    assert changed.face is not None
    assert ("profile/face-reference.jpg", "image/jpeg") == (changed.face.path, changed.face.media_type)
    assert grace_hopper.read_bytes() == library.get("Snow").read_face()
    assert 2 == len(list(library.store.files("avatars/Snow")))


def test_a_face_is_kept_as_it_is(local: CharacterLibrary, grace_hopper: Path) -> None:
    """Also with its metadata: they are removed from what is sent, and not from what is yours."""
    given: list[Any] = [grace_hopper, str(grace_hopper), grace_hopper.read_bytes()]
    for number, face in enumerate(given):
        assert grace_hopper.read_bytes() == local.create(f"Grace {number}", face=face).read_face()
    with grace_hopper.open("rb") as file:
        assert grace_hopper.read_bytes() == local.create("Grace", face=file).read_face()


@pytest.mark.parametrize(
    ("arguments", "argument"),
    [
        ({"face": "https://cdn.example/1.png"}, "face"),
        ({"face": b"no image"}, "face"),
        ({"anchor": "missing.png"}, "anchor"),
        ({"prompt_template": "no place"}, "prompt_template"),
        ({"kind": "robot"}, "kind"),
        ({"description": ["x"]}, "description"),
        ({"consent": Consent(who="x", purpose="y", face_sha256="00"), "face": FACE}, "consent"),
    ],
)
def test_a_wrong_argument_creates_nothing(library: CharacterLibrary, arguments: dict[str, Any], argument: str) -> None:
    """The error names it, and the name is still free."""
    with pytest.raises(InputError, match=f"{argument}: ") as caught:
        library.create("Snow", **arguments)
    assert argument == caught.value.argument
    assert [] == list(library.store.files("avatars"))
    library.create("Snow")


@pytest.mark.parametrize("method", ["create", "get", "remove", "forget", "gallery", "stale", "discard_draft", "update"])
def test_what_is_no_name_is_refused(local: CharacterLibrary, method: str) -> None:
    """The error says what is needed, and nothing is looked for."""
    wrong: Any
    for wrong in (None, 5, b"Snow", Path("Snow")):
        with pytest.raises(InputError, match=f"name: .* not an object of type {type(wrong).__name__}") as caught:
            getattr(local, method)(wrong)
        assert "name" == caught.value.argument


def test_a_url_as_a_face_says_what_to_do(local: CharacterLibrary) -> None:
    """The library keeps files; a URL may be passed beside one."""
    with pytest.raises(InvalidImageError, match=r"face: it is a URL.*download it"):
        local.create("Snow", face="https://cdn.example/1.png")


def test_a_rename_moves_everything(library: CharacterLibrary) -> None:
    """Images, the gallery, unknown keys and the id; the old name is free again."""
    made = full(library)
    library.store.create("avatars/林小雪/gallery/雨夜.png", OTHER)
    renamed = library.rename(made, "Snow")
    assert made.model_copy(update={"name": "Snow", "slug": "Snow"}) == renamed == library.get("Snow")
    assert ANCHOR == renamed.read_anchor()
    assert OTHER == library.store.read("avatars/Snow/gallery/雨夜.png")
    assert [] == list(library.store.files("avatars/林小雪"))
    assert ["Snow"] == [each.slug for each in library.list()]
    library.create("林小雪")


def test_a_rename_to_a_taken_name_changes_nothing(library: CharacterLibrary) -> None:
    """Neither of the two."""
    one, two = library.create("Snow", face=FACE), library.create("Dora", face=OTHER)
    for name in ("Dora", "dora"):
        with pytest.raises(CharacterExistsError):
            library.rename(one, name)
    assert (two, one) == library.list()


def test_a_rename_may_change_case_only(library: CharacterLibrary) -> None:
    """And to the same name is allowed, too."""
    made = library.create("snow", face=FACE)
    assert "Snow" == library.rename(made, "Snow").slug
    assert "Snow" == library.rename("SNOW", "Snow").name
    assert FACE == library.get("snow").read_face()
    assert ["Snow"] == [each.slug for each in library.list()]


def test_a_removed_character_is_gone(library: CharacterLibrary) -> None:
    """With all of its files; the name can be used again, and the old object does not mean the new character."""
    made = full(library)
    library.store.create("avatars/林小雪/gallery/1.png", OTHER)
    library.remove(made)
    assert [] == list(library.store.files("avatars"))
    assert () == library.list()
    library.create("林小雪")
    rename = partial(library.rename, name="Snow")
    calls: list[Call] = [library.get, library.remove, library.forget, library.update, rename]
    for call in calls:
        with pytest.raises(CharacterNotFoundError, match="another one's by now"):
            call(made)


def test_a_file_does_not_outlive_its_character(library: CharacterLibrary) -> None:
    """An image that is saved for a removed character makes no half character."""
    made = library.create("Snow")
    library.remove(made)
    for write in (library.store.create, library.store.replace):
        with pytest.raises(FileNotFoundError):
            write("avatars/Snow/gallery/1.png", OTHER)
    with pytest.raises(CharacterNotFoundError), library.locked(made):
        pass
    assert [] == list(library.store.files("avatars"))


def test_json_takes_a_character_to_a_database_and_back(library: CharacterLibrary) -> None:
    """It is equal, has no bytes and no path of this machine in it, and says that its images are in the library."""
    made = full(library)
    text = made.model_dump_json()
    back = Character.model_validate_json(text)
    assert made == back
    assert hash(made) == hash(back)
    assert len(text) < 2_500
    assert "/tmp" not in text
    with pytest.raises(LibraryError, match=r"library\.get") as caught:
        back.read_anchor()
    assert ("林小雪", "avatars/林小雪/profile/id-photo.png") == (caught.value.character, caught.value.path)
    assert ANCHOR == library.get(back).read_anchor()


def test_a_pickle_leaves_the_library_behind(library: CharacterLibrary) -> None:
    """A copy in this process keeps it."""
    made = full(library)
    again = pickle.loads(pickle.dumps(made))
    assert made == again
    with pytest.raises(LibraryError, match=r"library\.get"):
        again.read_face()
    assert FACE == copy.deepcopy(made).read_face() == copy.copy(made).read_face()


def test_a_prompt_is_a_scene_in_the_template() -> None:
    """The face is locked, and not described; braces and a full stop in the scene do no harm."""
    snow = Character(name="Snow", slug="Snow")
    assert snow.prompt("red gown on stage").startswith(
        "red gown on stage. Keep the face of the reference image exactly"
    )
    assert snow.prompt("A {red} gown.").startswith("A {red} gown. Keep")
    own = Character(name="Snow", slug="Snow", prompt_template="{prompt}, her face as it is")
    assert "a gown., her face as it is" == own.prompt("a gown.")
    assert "{prompt}" in PROMPT_TEMPLATE


def test_a_character_is_frozen() -> None:
    """Only the library changes it."""
    snow: Any = Character(name="Snow", slug="Snow")
    with pytest.raises(ValueError, match="frozen"):
        snow.name = "Dora"


def test_the_anchor_is_preferred_over_the_face_reference() -> None:
    """As in the layout that others use."""
    face, anchor = (StoredImage(path=f"profile/{name}.png", media_type="image/png") for name in ("face", "anchor"))
    assert anchor == Character(name="x", slug="x", face=face, anchor=anchor).reference
    assert face == Character(name="x", slug="x", face=face).reference


def test_a_calibration_note_is_a_calibration_again() -> None:
    """Its numbers are those that `compare` needs."""
    calibration = NOTE.calibration()
    assert (0.45, 0.25, "engine 1", "medium") == (
        calibration.same,
        calibration.different,
        calibration.engine,
        calibration.confidence,
    )
    assert CalibrationNote.of(calibration) == NOTE


def test_times_are_in_utc() -> None:
    """A time in another zone is the same moment; one without a zone is refused."""
    moment = datetime(2026, 3, 16, 10, tzinfo=UTC) + timedelta(0)
    assert moment == Consent(who="x", purpose="y", when=moment).when
    with pytest.raises(ValueError, match="timezone"):
        Consent(who="x", purpose="y", when=datetime(2026, 3, 16, 10))  # noqa: DTZ001  # that is the mistake


def test_an_image_that_another_tool_replaced_has_no_url(local: CharacterLibrary, root: Path) -> None:
    """The URL would show the old one; the digest is that of the new file."""
    full(local)
    (root / "avatars/林小雪/profile/id-photo.png").write_bytes(OTHER)
    anchor = local.get("林小雪").anchor
    assert anchor is not None
    assert (digest(OTHER), None) == (anchor.sha256, anchor.url)
    assert OTHER == local.get("林小雪").read_anchor()
    assert ["avatars/林小雪"] == [str(each.path)[:11] for each in local.check()]


def test_an_image_that_changed_since_is_not_taken_for_the_old_one(library: CharacterLibrary) -> None:
    """Whoever holds the older object is told."""
    made = library.create("Snow", face=FACE)
    library.update("Snow", face=OTHER)
    with pytest.raises(LibraryError, match=r"another file than when the character was loaded; get it again"):
        made.read_face()


def test_a_missing_image_is_an_error_when_it_is_read(library: CharacterLibrary) -> None:
    """The character can be loaded, since its URL may be alive; the error names the character and the file."""
    full(library)
    library.store.remove("avatars/林小雪/profile/id-photo.png")
    found = library.get("林小雪")
    assert found.anchor is not None
    assert URL == found.anchor.url
    with pytest.raises(LibraryError, match="is missing") as caught:
        found.read_anchor()
    assert ("林小雪", "avatars/林小雪/profile/id-photo.png") == (caught.value.character, caught.value.path)
    assert [caught.value.message] == [str(each) for each in library.check()]
    library.update(found, anchor=ANCHOR)
    assert () == library.check()


def test_a_library_is_a_folder_or_an_address(tmp_path: Path) -> None:
    """As a path, a text, a file URL or a store; the folder is created when something is written."""
    for root in (tmp_path / "a b", str(tmp_path / "a b"), (tmp_path / "a b").as_uri(), LocalStore(tmp_path / "a b")):
        library = CharacterLibrary(root)
        assert str(tmp_path / "a b") in repr(library)
        assert () == library.list()
    assert not (tmp_path / "a b").exists()
    library.create("Snow")
    assert (tmp_path / "a b/avatars/Snow/profile/character.json").is_file()


@pytest.mark.parametrize(
    ("root", "options", "reason"),
    [
        ("", None, "it is empty"),
        ("a\0b", None, "NUL"),
        ("gopher://x", None, "cannot be opened"),
        ("s3://bucket", {"colour": "red"}, "cannot be opened"),
        ("folder", {"region": "x"}, "options= is for object stores"),
        (5, None, "must be a folder"),
    ],
)
def test_what_is_no_library_is_refused(root: Any, options: dict[str, str] | None, reason: str) -> None:
    """Before anything is read."""
    with pytest.raises(ConfigurationError, match=reason):
        CharacterLibrary(root, options=options)


def test_a_file_is_no_library(tmp_path: Path) -> None:
    """The folder around it may be meant."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(LibraryError, match="is a file"):
        CharacterLibrary(tmp_path / "file")


def test_a_library_in_memory_is_one() -> None:
    """For tests of programs that use one."""
    library = memory_library()
    library.create("Snow", face=png(9))
    assert png(9) == library.get("Snow").read_face()
