"""What a library does with finished images: save, list, search, trace, make again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from aurashot import CharacterNotFoundError, InputError, InvalidImageError, LibraryError
from aurashot.characters import CharacterLibrary, metadata_of
from aurashot.characters._sidecar import digest_of
from aurashot.models import CallMeta, GenerateRequest, Generation, SentImage
from tests.characters.conftest import ANCHOR, CONSENT, FACE, OTHER
from tests.characters.images import drawn, pixels

if TYPE_CHECKING:
    from collections.abc import Callable

    from aurashot.characters import Character

CAFE = drawn(size=(30, 20))
ROOF = drawn(size=(40, 20))


@pytest.fixture
def snow(library: CharacterLibrary) -> Character:
    """Return a character of a library, in each kind of store."""
    return library.create("林小雪", face=FACE, anchor=ANCHOR)


def shot(prompt: str, request_id: str, *, tags: dict[str, str] | None = None, **images: SentImage) -> Generation:
    """Return the response to a call."""
    made = Generation.model_validate(
        {
            "requestId": request_id,
            "taskType": "generate",
            "status": "success",
            "outputs": [{"url": f"https://cdn.example/{request_id}.png"}],
        }
    )
    asked = GenerateRequest.model_validate({"prompt": prompt, "images": {"face": "https://cdn.example/face.png"}})
    return made.with_meta(CallMeta(attempts=1, request=asked, images=images, tags=tags or {}))


def face_of(character: Character) -> SentImage:
    """Return what a client notes of a character that was passed as the face."""
    return SentImage(sha256=character.reference_sha256, character=character.slug)


def test_an_image_is_saved_under_its_prompt_and_found(library: CharacterLibrary, snow: Character) -> None:
    """Its pixels stay, and what is known of it is beside it, in it and in the index."""
    made = shot("red gown on stage", "r-1", tags={"for": "album"}, face=face_of(snow))
    saved = library.save(snow, made, image=CAFE, tags={"mood": "calm"}, description="the album's cover")
    assert "avatars/林小雪/gallery/the-album-s-cover.png" == saved.path
    assert pixels(CAFE) == pixels(library.read(saved))
    facts = metadata_of(library.read(saved)).sidecar
    assert facts is not None
    assert ("red gown on stage", "r-1", "generate") == (facts.prompt, facts.request_id, facts.operation)
    assert {"for": "album", "mood": "calm"} == saved.tags
    assert snow.reference_sha256 == saved.anchor_sha256
    assert (saved,) == library.gallery(snow) == library.search("gown album") == library.search(character="林小雪")
    assert () == library.search("gown cafe")
    assert (saved,) == library.gallery(snow, verdict="unchecked", since=saved.created_at, tag="mood=calm")
    assert () == library.gallery(snow, since=datetime.now(UTC) + timedelta(hours=1))


def test_an_image_of_unknown_origin_can_be_saved(local: CharacterLibrary, tmp_path: Path) -> None:
    """Nothing is said of how it was made."""
    local.create("Snow", face=FACE)
    photo = tmp_path / "holiday.png"
    photo.write_bytes(CAFE)
    saved = local.save("Snow", photo, name="holiday")
    assert ("holiday.png", "other", None) == (saved.name, saved.operation, saved.prompt)
    found = metadata_of(local.read(saved))
    assert found.digital_source_type is None
    place = local.path(saved)
    assert place is not None
    assert place.read_bytes() == local.read(saved)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"image": b"no image"}, InvalidImageError),
        ({"image": CAFE[:60]}, InvalidImageError),
        ({"image": "https://example.com/a.png"}, InputError),
        ({"image": CAFE, "tags": {"": "x"}}, InputError),
    ],
    ids=["text", "cut short", "URL", "tag"],
)
def test_what_cannot_be_saved_leaves_nothing(
    local: CharacterLibrary, arguments: dict[str, Any], error: type[Exception]
) -> None:
    """The error says which argument is wrong."""
    snow = local.create("Snow", face=FACE, anchor=ANCHOR)
    with pytest.raises(error):
        local.save(snow, shot("x", "r-1"), **arguments)
    assert not list(local.store.files("avatars/Snow/gallery", hidden=True))


@pytest.mark.parametrize("since", ["2026", datetime(2026, 1, 1)], ids=["text", "no zone"])  # noqa: DTZ001 - the mistake
def test_a_time_has_a_zone(local: CharacterLibrary, since: Any) -> None:
    """A text is none, and what is missing is said."""
    local.create("Snow", face=FACE)
    for find in (partial(local.gallery, "Snow"), local.search):
        with pytest.raises(InputError, match="since: "):
            find(since=since)


def test_a_character_that_is_gone_keeps_no_images(library: CharacterLibrary, snow: Character) -> None:
    """No folder is made for it."""
    library.remove(snow)
    with pytest.raises(CharacterNotFoundError, match="林小雪"):
        library.save(snow, shot("x", "r-1"), image=CAFE)
    assert not list(library.store.folders("avatars"))


def test_images_of_an_earlier_anchor_are_stale(library: CharacterLibrary, snow: Character) -> None:
    """They were made from an ID photo that was replaced since."""
    old = library.save(snow, shot("cafe", "r-1", face=face_of(snow)), image=CAFE)
    assert () == library.stale(snow)
    new = library.update(snow, anchor=OTHER)
    library.save(new, shot("roof", "r-2", face=face_of(new)), image=ROOF)
    assert (old,) == library.stale(new)


def test_images_made_with_the_face_reference_are_not_stale(local: CharacterLibrary) -> None:
    """There was no ID photo when they were made."""
    snow = local.create("Snow", face=FACE)
    local.save(snow, shot("cafe", "r-1", face=face_of(snow)), image=CAFE)
    assert () == local.stale(local.update(snow, anchor=ANCHOR))


def test_the_lineage_of_an_image_is_a_tree(library: CharacterLibrary, snow: Character) -> None:
    """From the anchor to the cafe, and from there to the roof."""
    cafe_shot = shot("cafe", "r-1", face=face_of(snow))
    cafe = library.save(snow, cafe_shot, image=CAFE)
    roof_shot = shot("roof", "r-2", target=SentImage(request_id="r-1"), face=face_of(snow))
    roof = library.save(snow, roof_shot, image=ROOF)
    up = library.lineage(roof_shot)
    assert up.is_complete
    assert {"id-photo.png", "cafe.png"} == {each.label for each in up.ancestors}
    down = library.lineage(cafe.path)
    assert ["roof.png"] == [each.label for each in down.children]
    assert "id-photo.png" in str(down)
    assert down == library.lineage(cafe)
    assert roof.path == up.image.path if up.image is not None else False


def test_an_image_can_be_made_again(library: CharacterLibrary, snow: Character) -> None:
    """The call has the same prompt, the same references and no idempotency key."""
    library.store.create("avatars/林小雪/references/gown.png", OTHER)
    images = {"face": face_of(snow), "clothes": SentImage(sha256=digest_of(OTHER), character="林小雪")}
    saved = library.save(snow, shot("gala", "r-1", tags={"for": "album"}, **images), image=CAFE)
    again = library.reproduce(saved)
    assert again.is_complete
    assert ("generate", "gala", {"for": "album"}) == (
        again.operation,
        again.arguments["prompt"],
        again.arguments["tags"],
    )
    given = [again.arguments[name] for name in ("face", "clothes")]
    assert [ANCHOR, OTHER] == [each.read_bytes() if isinstance(each, Path) else each for each in given]


def test_what_is_missing_for_making_it_again_is_said(local: CharacterLibrary) -> None:
    """An anchor that was replaced is not there any more."""
    snow = local.create("Snow", face=FACE, anchor=ANCHOR)
    saved = local.save(snow, shot("cafe", "r-1", face=face_of(snow)), image=CAFE)
    local.update(snow, anchor=OTHER)
    again = local.reproduce(saved)
    assert not again.is_complete
    assert "face" in again.missing[0]


@pytest.mark.parametrize("path", ["avatars/Snow/gallery/none.png", "../x.png", "x", ""])
def test_an_image_that_is_not_there(local: CharacterLibrary, path: str) -> None:
    """The error names the path."""
    local.create("Snow", face=FACE)
    with pytest.raises(LibraryError):
        local.lineage(path)


def test_a_response_that_was_not_saved_has_no_lineage(local: CharacterLibrary) -> None:
    """The error names the request."""
    with pytest.raises(LibraryError, match="r-9"):
        local.lineage(shot("x", "r-9"))


def test_facts_that_are_gone(local: CharacterLibrary) -> None:
    """An image of another tool cannot be made again."""
    snow = local.create("Snow", face=FACE)
    local.store.create("avatars/Snow/gallery/a.png", CAFE)
    (image,) = local.gallery(snow)
    with pytest.raises(LibraryError, match=r"a\.png\.json"):
        local.reproduce(image)


def test_forgetting_a_character_forgets_its_entries(local: CharacterLibrary) -> None:
    """The index knows nothing of it, and the receipt says so."""
    snow = local.create("Snow", face=FACE)
    local.save(snow, shot("a secret meeting", "r-1"), image=CAFE)
    assert local.search("secret")
    receipt = local.forget(snow)
    assert any("index" in line for line in receipt.records)
    assert () == local.search("secret", refresh=False)


def test_the_index_can_be_made_anew(local: CharacterLibrary, root: Path) -> None:
    """It is made from the files."""
    snow = local.create("Snow", face=FACE)
    saved = local.save(snow, shot("cafe", "r-1"), image=CAFE)
    assert (saved,) == local.search("cafe")
    (root / ".aurashot" / "index.db").write_bytes(b"broken")
    assert (saved,) == local.search("cafe")
    local.rebuild_index()
    assert (saved,) == local.search("cafe", refresh=False)


def test_images_of_other_tools_are_listed(local: CharacterLibrary, write: Callable[[str, bytes | str], Path]) -> None:
    """They have no facts beside them."""
    local.create("Snow", face=FACE)
    write("avatars/Snow/gallery/晚安.png", CAFE)
    (image,) = local.gallery("Snow")
    assert ("晚安.png", False, None) == (image.name, image.has_sidecar, image.verdict)


def test_a_character_without_consent_is_no_face(tmp_path: Path) -> None:
    """A library that requires consent refuses those that other tools have put there, until there is a note."""
    CharacterLibrary(tmp_path).create("Snow", face=FACE)
    strict = CharacterLibrary(tmp_path, require_consent=True)
    snow = strict.get("Snow")
    with pytest.raises(InputError, match="consent"):
        snow.live_url()
    with pytest.raises(InputError, match="consent"):
        snow.read_reference()
    assert FACE == snow.read_face()
    assert FACE == strict.update(snow, consent=CONSENT).read_reference()
