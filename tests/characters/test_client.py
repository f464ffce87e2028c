"""Characters and the client: made once, paid once, and passed as a face."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from aurashot import (
    AuraShot,
    CharacterExistsError,
    DownloadError,
    InputError,
    LedgerError,
    OutcomeUnknownError,
    QuotaExceededError,
    UnresolvedError,
)
from aurashot.characters import CharacterLibrary
from aurashot.ledger import SQLiteLedger
from tests.characters.conftest import OTHER

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
    uploads = len(sandbox_server.uploads) if hasattr(sandbox_server, "uploads") else 0
    client.generate("red gown on stage", face=snow)
    client.edit("at night", target=snow, face=snow)
    client.upload(snow)
    assert 3 == sandbox_server.bill().total
    assert uploads == (len(sandbox_server.uploads) if hasattr(sandbox_server, "uploads") else 0)


def test_a_url_that_has_expired_is_replaced_by_the_file(
    client: AuraShot, sandbox_server: SandboxServer, library: CharacterLibrary, astronaut: Path
) -> None:
    """The service refuses it, which costs nothing, and the file is uploaded, once."""
    library.create("Snow", face=astronaut, anchor=astronaut, anchor_url=f"{sandbox_server.url}/files/gone.png")
    snow = library.get("Snow")
    for _ in range(2):
        assert client.generate("x", face=snow).succeeded
    assert 2 == sandbox_server.bill().total


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
    client: AuraShot, sandbox_server: SandboxServer, library: CharacterLibrary, navy: Path
) -> None:
    """There is no face in it."""
    with pytest.raises(InputError, match="not good enough"):
        client.create_character("Snow", face=navy, library=library)
    assert 0 == sandbox_server.bill().total


def test_a_failure_that_cost_nothing_leaves_no_draft(
    client: AuraShot, sandbox_server: SandboxServer, library: CharacterLibrary, astronaut: Path
) -> None:
    """The next call begins anew."""
    sandbox_server.fault("payment-required", operations=["id_photo"], times=1)
    with pytest.raises(QuotaExceededError):
        client.create_character("Snow", face=astronaut, library=library, check=False)
    assert not list(library.store.files(".aurashot/drafts", hidden=True))
    assert client.create_character("Snow", face=astronaut, library=library, check=False).anchor


def test_what_may_have_been_billed_is_not_sent_again(
    client: AuraShot, sandbox_server: SandboxServer, library: CharacterLibrary, astronaut: Path
) -> None:
    """Without a ledger, nobody knows: the second call refuses until the draft is discarded."""
    sandbox_server.fault("drop", operations=["id_photo"], times=1)
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
    with pytest.raises(Exception, match="404") as caught:
        client.create_character("Snow", face=astronaut, library=library, check=False)
    assert 1 == len(caught.value.delivered)  # type: ignore[attr-defined]
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
        sandbox_server.fault("drop", operations=["id_photo"], times=1)
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
    new = client.redo_anchor(snow, library=library)
    assert new == library.get("Snow")
    assert new.anchor is not None
    assert snow.anchor is not None
    assert new.anchor.url != snow.anchor.url
    assert 2 == sandbox_server.bill().total
