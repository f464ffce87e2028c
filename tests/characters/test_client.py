"""Characters and the client: made once, paid once, and passed as a face."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from aurashot import (
    AuraShot,
    CharacterExistsError,
    CharacterNotFoundError,
    ConfigurationError,
    DownloadError,
    InputError,
    LedgerError,
    LibraryError,
    OutcomeUnknownError,
    QuotaExceededError,
    ServerError,
    UnresolvedError,
)
from aurashot.characters import Character, CharacterLibrary, Consent, metadata_of
from aurashot.identity import compare
from aurashot.ledger import SQLiteLedger
from aurashot.models import SentImage
from tests.characters.conftest import OTHER
from tests.characters.images import drawn

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from aurashot.characters import Store
    from aurashot.sandbox import SandboxServer
    from lab.backends import Clients


@pytest.fixture(autouse=True, scope="module")
def _quick_drawings(quick_drawings: None) -> None:
    """Nobody looks at the images here."""


@pytest.fixture
def client(make_client: Clients, sandbox_server: SandboxServer) -> AuraShot:
    """Return a client of the sandbox, whose bill is empty."""
    sandbox_server.reset()
    return make_client(sandbox_server.url, sandbox_server.api_key)


@pytest.fixture
def library(tmp_path: Path) -> CharacterLibrary:
    """Return an empty library."""
    return CharacterLibrary(tmp_path / "characters")


def test_a_character_is_made_and_kept(
    client: AuraShot, sandbox_server: SandboxServer, library: CharacterLibrary, astronaut: Path
) -> None:
    """One image is billed; the photo is kept as it is, and the ID photo beside it."""
    made = client.create_character("雪", face=astronaut, library=library, check=False, styles=["film"])
    snow = library.get("雪")
    assert made == snow
    assert astronaut.read_bytes() == snow.read_face()
    assert snow.read_anchor().startswith(b"\x89PNG")
    assert ("film",) == snow.styles
    assert snow.anchor is not None
    assert snow.anchor.url is not None
    assert 1 == sandbox_server.bill().total
    assert not list(library.store.files(".aurashot/drafts", hidden=True))


def test_a_character_is_a_face(
    client: AuraShot, sandbox_server: SandboxServer, library: CharacterLibrary, astronaut: Path
) -> None:
    """The service gets the URL of the ID photo that it has, and nothing is uploaded."""
    snow = client.create_character("Snow", face=astronaut, library=library, check=False)
    sandbox_server.fault("server-error", operations=["upload"])
    shot = client.generate("red gown on stage", face=snow)
    client.edit("at night", target=snow, face=snow)
    client.upload(snow)
    assert 3 == sandbox_server.bill().total
    assert {"face": SentImage(snow.live_url(), snow.reference_sha256, character="Snow")} == dict(shot.meta.images)


def test_an_image_is_downloaded_into_the_gallery(client: AuraShot, library: CharacterLibrary, astronaut: Path) -> None:
    """With the prompt, the references, the tags and the payment beside it."""
    snow = client.create_character("Snow", face=astronaut, library=library, check=False)
    shot = client.generate("red gown on stage", face=snow, tags={"for": "album"})
    image = client.download(shot, snow)
    assert "avatars/Snow/gallery/red-gown-on-stage.png" == image.path
    assert ("red gown on stage", {"for": "album"}) == (image.prompt, image.tags)
    facts = metadata_of(library.read(image)).sidecar
    assert facts is not None
    assert ("paid", True, snow.reference_sha256) == (facts.payment, facts.sandbox, facts.anchor_sha256)
    night = client.edit("at night", target=library.read(image), face=snow)
    later = client.download(night, snow)
    assert {"id-photo.png", image.name} == {each.label for each in library.lineage(later).ancestors}
    again = library.reproduce(later)
    assert again.is_complete
    assert getattr(client, again.operation)(**again.arguments).succeeded


def test_only_a_character_of_a_library_has_a_gallery(
    client: AuraShot, library: CharacterLibrary, astronaut: Path
) -> None:
    """One that was made from JSON has none; its image can be fetched where the service has it."""
    snow = client.create_character("Snow", face=astronaut, library=library, check=False)
    alone = Character.model_validate_json(snow.model_dump_json())
    shot = client.generate("x", face=alone)
    with pytest.raises(InputError, match="library") as caught:
        client.download(shot, alone)
    assert (shot,) == caught.value.delivered


def test_without_consent_nothing_is_paid(
    client: AuraShot, sandbox_server: SandboxServer, tmp_path: Path, astronaut: Path
) -> None:
    """A library that requires a note refuses a real person without one, for a new character and for a new anchor."""
    strict = CharacterLibrary(tmp_path / "strict", require_consent=True)
    with pytest.raises(InputError, match="consent"):
        client.create_character("Snow", face=astronaut, library=strict, check=False)
    CharacterLibrary(tmp_path / "strict").create("Rain", face=astronaut)
    for wrong in (
        lambda: client.generate("x", face=strict.get("Rain")),
        lambda: client.redo_anchor(strict.get("Rain"), library=strict),
    ):
        with pytest.raises(InputError, match="consent"):
            wrong()
    assert 0 == sandbox_server.bill().total
    note = Consent(who="Snow", purpose="images of me")
    assert client.create_character("Snow", face=astronaut, library=strict, check=False, consent=note).has_consent


def test_the_photo_of_another_character_is_refused(
    client: AuraShot, sandbox_server: SandboxServer, library: CharacterLibrary, astronaut: Path
) -> None:
    """Also in another file of it, where faces can be compared; the error has the name and the similarity."""
    library.create("Snow", face=astronaut)
    with pytest.raises(InputError, match=r"'Snow' already \(similarity 1\.00\)"):
        client.create_character("Rain", face=astronaut, library=library)
    with Image.open(astronaut) as photo:
        other = photo.convert("RGB")
    with pytest.raises(InputError, match=r"'Snow' already \(similarity (0\.9|1\.0)"):
        client.create_character("Rain", face=other, library=library)
    assert 0 == sandbox_server.bill().total
    assert "Rain" == client.create_character("Rain", face=astronaut, library=library, check=False).slug


def test_an_unknown_detail_is_refused_before_anything_is_paid(
    client: AuraShot, sandbox_server: SandboxServer, library: CharacterLibrary, astronaut: Path
) -> None:
    """As Python refuses it."""
    wrong: Any = {"colour": "red"}
    with pytest.raises(TypeError, match="colour"):
        client.create_character("Snow", face=astronaut, library=library, **wrong)
    assert 0 == sandbox_server.bill().total


@pytest.mark.parametrize("wrong", [{"styles": 5}, {"prompt_template": "no place"}, {"kind": "robot"}], ids=str)
def test_details_are_checked_before_anything_is_paid(
    client: AuraShot, sandbox_server: SandboxServer, library: CharacterLibrary, astronaut: Path, wrong: dict[str, Any]
) -> None:
    """What the library would refuse afterwards is refused first."""
    with pytest.raises(InputError):
        client.create_character("Snow", face=astronaut, library=library, check=False, **wrong)
    assert 0 == sandbox_server.bill().total


def test_a_url_that_has_expired_is_replaced_by_the_file(
    client: AuraShot, sandbox_server: SandboxServer, library: CharacterLibrary, astronaut: Path
) -> None:
    """The service refuses it, which costs nothing, and the file is uploaded, once."""
    library.create("Snow", face=astronaut, anchor=astronaut, anchor_url=f"{sandbox_server.url}/files/gone.png")
    snow = library.get("Snow")
    for _ in range(2):
        assert client.generate("x", face=snow).succeeded
    assert 2 == sandbox_server.bill().total


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/files/x.png", "https://user:word@example.com/x.png", ""])
def test_a_url_that_cannot_be_sent_is_replaced_by_the_file(
    client: AuraShot, sandbox_server: SandboxServer, library: CharacterLibrary, astronaut: Path, url: str
) -> None:
    """It is one of a sandbox that is gone, for instance: the character is as usable as before, also for comparing."""
    snow = library.create("Snow", face=astronaut, anchor=astronaut, anchor_url=url)
    sent = client.generate("x", face=snow).meta.images["face"]
    assert (None, snow.reference_sha256) == (sent.url, sent.sha256)
    assert "same" == compare(snow, astronaut, paste_guard=False).verdict
    assert 1 == sandbox_server.bill().total


def test_a_missing_file_is_named(
    client: AuraShot, sandbox_server: SandboxServer, library: CharacterLibrary, astronaut: Path
) -> None:
    """With the character; nothing is sent."""
    library.create("Snow", face=astronaut, anchor=astronaut)
    library.store.remove("avatars/Snow/profile/id-photo.jpg")
    for use in (partial(client.generate, "x", face=library.get("Snow")), partial(compare, library.get("Snow"), OTHER)):
        with pytest.raises(LibraryError, match=r"'Snow' is missing.*library.update") as caught:
            use()
        assert ("Snow", "avatars/Snow/profile/id-photo.jpg") == (caught.value.character, caught.value.path)
    assert 0 == sandbox_server.bill().total


def test_without_an_id_photo_the_photo_is_the_face(
    client: AuraShot, library: CharacterLibrary, astronaut: Path
) -> None:
    """It is uploaded."""
    assert client.generate("x", face=library.create("Snow", face=astronaut)).succeeded


def test_a_name_that_is_taken_costs_nothing(
    client: AuraShot, sandbox_server: SandboxServer, library: CharacterLibrary, astronaut: Path
) -> None:
    """Case does not count."""
    library.create("Snow", face=astronaut)
    with pytest.raises(CharacterExistsError, match="Snow"):
        client.create_character("snow", face=astronaut, library=library, check=False)
    assert 0 == sandbox_server.bill().total


@pytest.mark.parametrize("wrong", [{"name": "../x"}, {"face": "nowhere.jpg"}, {"library": "folder"}, {"prompt": ""}])
def test_what_is_wrong_is_said_before_anything_is_sent(
    client: AuraShot, sandbox_server: SandboxServer, library: CharacterLibrary, astronaut: Path, wrong: dict[str, Any]
) -> None:
    """It costs nothing, and leaves no draft."""
    arguments: dict[str, Any] = {"name": "Snow", "face": astronaut, "library": library, "check": False, **wrong}
    with pytest.raises(InputError) as caught:
        client.create_character(arguments.pop("name"), **arguments)
    assert not caught.value.may_be_charged
    assert 0 == sandbox_server.bill().total
    assert not list(library.store.files(".aurashot/drafts", hidden=True))


def test_a_photo_that_is_not_good_enough_is_refused(
    client: AuraShot, sandbox_server: SandboxServer, library: CharacterLibrary
) -> None:
    """There is no face in it."""
    with pytest.raises(InputError, match="not good enough"):
        client.create_character("Snow", face=drawn(size=(600, 600)), library=library)
    assert 0 == sandbox_server.bill().total


def test_a_failure_that_cost_nothing_leaves_no_draft(
    client: AuraShot, sandbox_server: SandboxServer, library: CharacterLibrary, astronaut: Path
) -> None:
    """The next call begins anew."""
    sandbox_server.fault("payment-required", operations=["id-photo"], times=1)
    with pytest.raises(QuotaExceededError):
        client.create_character("Snow", face=astronaut, library=library, check=False)
    assert not list(library.store.files(".aurashot/drafts", hidden=True))
    assert client.create_character("Snow", face=astronaut, library=library, check=False).anchor


@pytest.mark.parametrize("wrong", [{"tags": {"for": 1}}, {"identity": "strict"}, {"idempotency_key": "a b"}], ids=str)
def test_a_wrong_argument_leaves_no_draft(
    client: AuraShot, sandbox_server: SandboxServer, library: CharacterLibrary, astronaut: Path, wrong: dict[str, Any]
) -> None:
    """The next call begins anew, and does not say that something may be billed."""
    with pytest.raises((InputError, ConfigurationError)):
        client.create_character("Snow", face=astronaut, library=library, check=False, **wrong)
    assert client.create_character("Snow", face=astronaut, library=library, check=False).anchor
    assert 1 == sandbox_server.bill().total


def test_a_draft_that_cannot_be_written_is_told_with_its_character(
    client: AuraShot, sandbox_server: SandboxServer, library: CharacterLibrary, astronaut: Path
) -> None:
    """Before anything is paid for."""
    library.store.create(".aurashot/drafts", b"in the way")
    with pytest.raises(LibraryError) as caught:
        client.create_character("Snow", face=astronaut, library=library, check=False)
    assert "Snow" == caught.value.character
    assert 0 == sandbox_server.bill().total


def test_a_lost_upload_leaves_no_draft(
    client: AuraShot, sandbox_server: SandboxServer, library: CharacterLibrary, astronaut: Path
) -> None:
    """Uploads are free: the ID photo was not asked for."""
    sandbox_server.fault("server-error", operations=["upload"])
    with pytest.raises(ServerError) as caught:
        client.create_character("Snow", face=astronaut, library=library, check=False)
    assert not caught.value.may_be_charged
    sandbox_server.clear_faults()
    assert client.create_character("Snow", face=astronaut, library=library, check=False).anchor
    assert 1 == sandbox_server.bill().total


def test_what_may_have_been_billed_is_not_sent_again(
    client: AuraShot, sandbox_server: SandboxServer, library: CharacterLibrary, astronaut: Path
) -> None:
    """Without a ledger, nobody knows: the second call refuses until the draft is discarded."""
    sandbox_server.fault("drop", operations=["id-photo"], times=1)
    with pytest.raises(OutcomeUnknownError):
        client.create_character("Snow", face=astronaut, library=library, check=False)
    with pytest.raises(UnresolvedError, match="Snow"):
        client.create_character("Snow", face=astronaut, library=library, check=False)
    assert 1 == sandbox_server.bill().total


def test_what_was_paid_is_stored_by_the_next_call(
    client: AuraShot, sandbox_server: SandboxServer, library: CharacterLibrary, astronaut: Path
) -> None:
    """The download failed: the image is paid for, and is not paid again."""
    sandbox_server.fault("not-found", operations=["file"], times=1)
    with pytest.raises(DownloadError, match="404") as caught:
        client.create_character("Snow", face=astronaut, library=library, check=False)
    assert 1 == len(caught.value.delivered)
    assert "discard_draft('Snow')" in caught.value.__notes__[0]
    assert client.create_character("Snow", face=astronaut, library=library, check=False).anchor
    assert 1 == sandbox_server.bill().total
    with pytest.raises(CharacterExistsError):
        client.create_character("Snow", face=astronaut, library=library, check=False)


def test_with_a_ledger_an_interrupted_creation_pays_once(
    make_client: Clients, sandbox_server: SandboxServer, library: CharacterLibrary, astronaut: Path, tmp_path: Path
) -> None:
    """The draft has the key, and the ledger knows what was paid under it."""
    sandbox_server.reset()
    with SQLiteLedger(tmp_path / "spend.db") as ledger:
        client = make_client(sandbox_server.url, sandbox_server.api_key, ledger=ledger)
        sandbox_server.fault("drop", operations=["id-photo"], times=1)
        with pytest.raises(OutcomeUnknownError) as lost:
            client.create_character("Snow", face=astronaut, library=library, check=False)
        with pytest.raises(UnresolvedError):
            client.create_character("Snow", face=astronaut, library=library, check=False)
        assert lost.value.idempotency_key
        ledger.resolve(lost.value.idempotency_key, "not_paid")
        assert client.create_character("Snow", face=astronaut, library=library, check=False).anchor
    assert 2 == sandbox_server.bill().total


def test_a_call_that_sent_nothing_does_not_hide_an_earlier_one(
    make_client: Clients, sandbox_server: SandboxServer, library: CharacterLibrary, astronaut: Path, tmp_path: Path
) -> None:
    """The key of the first call, which may have been billed, is kept: another key would be paid for as well."""
    sandbox_server.reset()
    with SQLiteLedger(tmp_path / "spend.db") as ledger, SQLiteLedger(tmp_path / "spend.db") as closed:
        client, broken = (
            make_client(sandbox_server.url, sandbox_server.api_key, ledger=each) for each in (ledger, closed)
        )
        closed.close()
        sandbox_server.fault("drop", operations=["id_photo"], times=1)
        with pytest.raises(OutcomeUnknownError):
            client.create_character("Snow", face=astronaut, library=library, check=False)
        with pytest.raises(LedgerError):
            broken.create_character("Snow", face=astronaut, library=library, check=False)
        with pytest.raises(UnresolvedError):
            client.create_character("Snow", face=astronaut, library=library, check=False)
    assert 1 == sandbox_server.bill().total


@pytest.mark.parametrize("way", ["rename", "remove", "forget", "again"])
def test_a_draft_that_a_killed_program_has_left_does_not_outlive_its_character(
    client: AuraShot,
    sandbox_server: SandboxServer,
    library: CharacterLibrary,
    astronaut: Path,
    *,
    monkeypatch: pytest.MonkeyPatch,
    way: str,
) -> None:
    """The program was killed when the character was there already; the name is for any photo once it is free."""
    with monkeypatch.context() as killed:
        killed.setattr("aurashot.characters._drafts.end", _not_done)
        client.create_character("Snow", face=astronaut, library=library, check=False)
    assert 1 == len(list(library.store.files(".aurashot/drafts", hidden=True)))
    ways: dict[str, Callable[[str], object]] = {
        "rename": partial(library.rename, name="Dora"),
        "remove": library.remove,
        "forget": library.forget,
    }
    if way == "again":
        with pytest.raises(CharacterExistsError):
            client.create_character("Snow", face=astronaut, library=library, check=False)
    else:
        ways[way]("Snow")
        assert client.create_character("Snow", face=OTHER, library=library, check=False).anchor
        assert 2 == sandbox_server.bill().total
    assert [] == list(library.store.files(".aurashot/drafts", hidden=True))


def test_an_interrupted_creation_is_forgotten(
    client: AuraShot, sandbox_server: SandboxServer, library: CharacterLibrary, astronaut: Path
) -> None:
    """The draft has the URL of the ID photo in it, and so may a partial file that a killed program has left."""
    sandbox_server.fault("not-found", operations=["file"], times=1)
    with pytest.raises(DownloadError):
        client.create_character("Snow", face=astronaut, library=library, check=False)
    (draft,) = library.store.files(".aurashot/drafts", hidden=True)
    folder, _, name = draft.path.rpartition("/")
    library.store.create(f"{folder}/.{name}.aurashot-0123.part", library.store.read(draft.path)[:100])
    receipt = library.forget("Snow")
    assert ((), ("The draft of an interrupted creation",)) == (receipt.removed, receipt.records)
    assert [] == list(library.store.files(".aurashot/drafts", hidden=True))
    with pytest.raises(CharacterNotFoundError):
        library.forget("Snow")


def test_the_draft_of_another_id_photo_stays(
    client: AuraShot, sandbox_server: SandboxServer, library: CharacterLibrary, astronaut: Path
) -> None:
    """It is paid for: somebody else took the name meanwhile, and it is stored when the name is free."""
    sandbox_server.fault("not-found", operations=["file"], times=1)
    with pytest.raises(DownloadError):
        client.create_character("Snow", face=astronaut, library=library, check=False)
    library.create("Snow", face=astronaut, anchor=astronaut, anchor_url="https://cdn.example.com/other.png")
    library.rename("Snow", "Dora")
    assert client.create_character("Snow", face=astronaut, library=library, check=False).anchor
    assert 1 == sandbox_server.bill().total


def _not_done(store: Store, slug: str) -> bool:
    """Stand for what a killed program has not done any more."""
    return False


def test_a_new_id_photo_replaces_the_old_one(
    client: AuraShot, sandbox_server: SandboxServer, library: CharacterLibrary, astronaut: Path
) -> None:
    """It is made from the photo."""
    snow = client.create_character("Snow", face=astronaut, library=library, check=False)
    new = client.redo_anchor("Snow", library=library)
    assert new == library.get("Snow")
    assert new.anchor is not None
    assert snow.anchor is not None
    assert new.anchor.url != snow.anchor.url
    assert 2 == sandbox_server.bill().total
