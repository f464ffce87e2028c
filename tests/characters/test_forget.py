from __future__ import annotations

import hashlib
import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from aurashot import CharacterNotFoundError, InputError, LibraryError
from aurashot.characters import Character, CharacterLibrary, Consent, Receipt, check_consent, consent_fault
from aurashot.characters._store import lock_key
from tests.characters.conftest import ANCHOR, CONSENT, FACE, OTHER, memory_library

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def digest(content: bytes) -> str:
    """Return the digest of a file."""
    return hashlib.sha256(content).hexdigest()


def test_every_file_of_a_forgotten_character_is_removed(library: CharacterLibrary) -> None:
    """Hidden ones included; the receipt names each with its digest, and what may remain."""
    made = library.create("林小雪", face=FACE, anchor=ANCHOR)
    library.create("Dora", face=OTHER)
    library.store.create("avatars/林小雪/gallery/雨夜.png", OTHER)
    library.store.create("avatars/林小雪/gallery/.x.part", FACE[:50])
    receipt = library.forget(made)
    assert {
        "avatars/林小雪/gallery/.x.part": digest(FACE[:50]),
        "avatars/林小雪/gallery/雨夜.png": digest(OTHER),
        "avatars/林小雪/profile/face-reference.png": digest(FACE),
        "avatars/林小雪/profile/id-photo.png": digest(ANCHOR),
    } == {each.path: each.sha256 for each in receipt.removed if not each.path.endswith("json")}
    assert (5, "林小雪", made.id) == (len(receipt.removed), receipt.character, receipt.id)
    assert abs(receipt.when - datetime.now(UTC)) < timedelta(minutes=1)
    assert any("service" in line for line in receipt.may_remain)
    assert any("Backups" in line for line in receipt.may_remain)
    assert ["Dora"] == [each.slug for each in library.list()]
    assert {"avatars/Dora/profile/character.json", "avatars/Dora/profile/face-reference.png"} == {
        each.path for each in library.store.files("avatars", hidden=True)
    }
    with pytest.raises(CharacterNotFoundError):
        library.forget("林小雪")


def test_no_byte_of_the_face_is_left_on_the_disk(local: CharacterLibrary, root: Path) -> None:
    """Also not in what a killed process has left."""
    made = local.create("Snow", face=FACE, anchor=ANCHOR)
    for kind, name in (("new", "snow"), ("removed", "an earlier name")):
        left = root / ".aurashot" / kind / f"{lock_key(name)}-0123/profile/face-reference.png"
        left.parent.mkdir(parents=True)
        left.write_bytes(FACE)
    receipt = local.forget(made)
    assert [] == [path for path in root.rglob("*") if path.is_file()]
    assert any(each.path.startswith(".aurashot/removed/") for each in receipt.removed)


def test_hooks_are_called_before_files_are_removed(local: CharacterLibrary) -> None:
    """What an index knows is removed with the rest; if a hook fails, the character is still there."""
    made = local.create("Snow", face=FACE)
    seen: list[Character] = []

    def index(character: Character) -> Iterator[str]:
        seen.append(character)
        assert FACE == character.read_face()
        yield "3 entries of the index"

    local.on_forget(index)
    assert ("3 entries of the index",) == local.forget(made).records
    assert [made] == seen

    def fail(_: Character) -> list[str]:
        raise OSError("no index")

    again = local.create("Snow", face=FACE)
    local.on_forget(fail)
    with pytest.raises(OSError, match="no index"):
        local.forget(again)
    assert again == local.get("Snow")


def test_a_receipt_names_others_with_the_same_photo(local: CharacterLibrary) -> None:
    """They are not removed: somebody has to decide that."""
    made = local.create("Snow", face=FACE, anchor=ANCHOR)
    local.create("Dora", anchor=ANCHOR)
    local.create("Emma", face=OTHER)
    assert ("Dora",) == local.forget(made).same_face


def test_a_receipt_is_frozen_and_has_a_digest(local: CharacterLibrary) -> None:
    """Which a changed one does not have."""
    local.create("Snow", face=FACE)
    receipt: Any = local.forget("Snow")
    again = Receipt.model_validate_json(receipt.model_dump_json())
    assert (receipt, receipt.sha256, 64) == (again, again.sha256, len(again.sha256))
    assert receipt.sha256 != receipt.model_copy(update={"removed": ()}).sha256
    with pytest.raises(ValueError, match="frozen"):
        receipt.removed = ()


def test_files_that_arrive_meanwhile_are_told(local: CharacterLibrary, monkeypatch: pytest.MonkeyPatch) -> None:
    """A receipt must not say that all is removed when it is not."""
    local.create("Snow", face=FACE)
    original = local.store.sweep

    def meanwhile() -> list[str]:
        path = local.store.local("avatars/Snow")
        assert path is not None
        path.mkdir()
        (path / "1.png").write_bytes(FACE)
        return original()

    monkeypatch.setattr(local.store, "sweep", meanwhile)
    with pytest.raises(LibraryError, match="call forget again"):
        local.forget("Snow")
    monkeypatch.undo()
    assert ["avatars/Snow/1.png"] == [each.path for each in local.forget("Snow").removed]


def test_a_real_person_needs_consent_where_the_library_says_so(tmp_path: Path) -> None:
    """To be created, and to be given another face; virtual characters need none."""
    strict = CharacterLibrary(tmp_path / "library", require_consent=True)
    with pytest.raises(
        InputError, match=r"consent: 'Snow' cannot be used in this library.*needs a consent note"
    ) as caught:
        strict.create("Snow", face=FACE)
    assert "consent" == caught.value.argument
    with pytest.raises(InputError, match="needs a face reference"):
        strict.create("Snow", consent=CONSENT)
    assert () == strict.list()
    snow = strict.create("Snow", face=FACE, consent=CONSENT)
    assert snow.consent is not None
    assert digest(FACE) == snow.consent.face_sha256
    with pytest.raises(InputError, match="for another face"):
        strict.update(snow, face=OTHER)
    with pytest.raises(InputError, match="needs a consent note"):
        strict.update(snow, consent=None)
    assert FACE == strict.get("Snow").read_face()
    assert strict.update(snow, face=OTHER, consent=CONSENT).has_consent
    assert strict.update(snow, description="x").has_consent
    strict.create("Dora", kind="virtual")
    with pytest.raises(InputError, match="needs a face reference"):
        strict.update("Dora", kind="real")


def test_a_library_that_requires_none_notes_consent_all_the_same() -> None:
    """A note for another face is kept, and counts for nothing."""
    library = memory_library()
    snow = library.create("Snow", face=FACE, consent=CONSENT)
    assert snow.has_consent
    changed = library.update(snow, description="x", face=OTHER)
    assert changed.consent == snow.consent
    assert not changed.has_consent
    assert "another face" in (consent_fault(changed) or "")
    with pytest.raises(InputError):
        check_consent(changed)


@pytest.mark.parametrize("values", [{"who": ""}, {"purpose": ""}])
def test_a_consent_note_says_who_and_what_for(values: dict[str, str]) -> None:
    """Nothing is agreed to by nobody."""
    with pytest.raises(ValueError, match="at least 1 character"):
        Consent.model_validate({"who": "Snow", "purpose": "Images"} | values)


def test_a_broken_character_is_logged_when_it_is_left_out(
    local: CharacterLibrary, root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A list that is shorter than expected says why."""
    local.create("Snow")
    (root / "avatars/Snow/profile/character.json").write_text("{")
    with caplog.at_level(logging.WARNING, "aurashot"):
        assert () == local.list()
    assert "left out of the list" in caplog.text
    assert "Snow" in caplog.text
