"""What making a character would cost, before anything is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aurashot import AuraShot, CharacterExistsError, DownloadError, InputError, OutcomeUnknownError, UnresolvedError
from aurashot.characters import CharacterLibrary, CharacterPlan
from aurashot.ledger import SQLiteLedger
from lab.server import CLOSE, GENERATION, ScriptedServer, json_response, status
from tests.characters.images import drawn

if TYPE_CHECKING:
    from pathlib import Path

    from lab.backends import Clients

FACE, OTHER = drawn(), drawn(size=(24, 20))


@pytest.fixture
def library(tmp_path: Path) -> CharacterLibrary:
    """Return an empty library."""
    return CharacterLibrary(tmp_path / "characters")


@pytest.fixture
def client(make_client: Clients, server: ScriptedServer) -> AuraShot:
    """Return a client without a ledger."""
    return make_client(server.url)


def test_a_new_character_costs_one_image(
    client: AuraShot, server: ScriptedServer, library: CharacterLibrary, tmp_path: Path
) -> None:
    """Nothing is sent, and nothing is written."""
    plan = client.plan_character("雪", face=FACE, library=library, kind="virtual")
    assert CharacterPlan(name="雪", images=1) == plan
    assert [] == server.requests
    assert [] == list(tmp_path.rglob("avatars")) + list(tmp_path.rglob("drafts"))


def test_what_is_wrong_is_said(client: AuraShot, server: ScriptedServer, library: CharacterLibrary) -> None:
    """The checks are those of `create_character`."""
    library.create("Snow", face=FACE)
    with pytest.raises(CharacterExistsError):
        client.plan_character("snow", face=OTHER, library=library)
    with pytest.raises(InputError, match="name"):
        client.plan_character("../x", face=OTHER, library=library)
    with pytest.raises(InputError, match="'Snow' already"):
        client.plan_character("Rain", face=FACE, library=library, kind="virtual")
    with pytest.raises(TypeError, match="colour"):
        client.plan_character("Rain", face=OTHER, library=library, colour="red")  # type: ignore[call-arg]  # what the test is about
    assert [] == server.requests


def test_an_interrupted_creation(
    make_client: Clients, server: ScriptedServer, library: CharacterLibrary, tmp_path: Path
) -> None:
    """What may be paid is unresolved without a ledger, and at most one image with one; what is paid costs nothing."""
    server.queue((CLOSE,), path="/v1/character/id-photo")
    with SQLiteLedger(tmp_path / "spend.db") as ledger:
        recorded, plain = make_client(server.url, ledger=ledger), make_client(server.url)
        with pytest.raises(OutcomeUnknownError) as lost:
            recorded.create_character("Snow", face=FACE, library=library, kind="virtual", check=False)
        key = lost.value.idempotency_key
        with pytest.raises(UnresolvedError):
            plain.plan_character("Snow", face=FACE, library=library, kind="virtual")
        expected = CharacterPlan(name="Snow", images=1, resumes=key)
        assert expected == recorded.plan_character("Snow", face=FACE, library=library, kind="virtual")
        with pytest.raises(InputError, match="another image"):
            recorded.plan_character("Snow", face=OTHER, library=library, kind="virtual")
        ledger.resolve(key or "", "not_paid")
        gone = dict(GENERATION, outputs=[{"url": f"{server.url}/gone.png"}])
        server.queue(json_response(gone), path="/v1/character/id-photo")
        server.always(status(404), path="/gone.png")
        with pytest.raises(DownloadError):
            recorded.create_character("Snow", face=FACE, library=library, kind="virtual", check=False)
        paid = recorded.plan_character("Snow", face=FACE, library=library, kind="virtual")
    assert (0, key) == (paid.images, paid.resumes)
