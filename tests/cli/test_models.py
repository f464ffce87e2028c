from __future__ import annotations

from typing import TYPE_CHECKING

from aurashot.identity import FILES
from lab.server import ScriptedServer, closed_port
from tests.identity.test_fetch import serve

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Aurashot


def test_models_are_fetched_into_a_folder(aurashot: Aurashot, folder: Path) -> None:
    """The command says where they are, and how they are found there."""
    with ScriptedServer.running() as zoo:
        zoo.respond = serve
        ran = aurashot("models", "fetch", "--folder", "faces", "--source", zoo.url)
    assert 0 == ran.code
    assert "The face models are in faces." in ran.out
    assert "AURASHOT_FACE_MODELS=faces" in ran.err
    assert {file.name for file in FILES} == {path.name for path in (folder / "faces").iterdir()}


def test_without_a_network_it_fails_with_one_line(aurashot: Aurashot) -> None:
    """Exit code 1: the machine failed, and not the command."""
    ran = aurashot("models", "fetch", "--source", f"http://127.0.0.1:{closed_port()}")
    assert 1 == ran.code
    assert "could not be downloaded" in ran.error


def test_a_source_without_tls_is_a_usage_error(aurashot: Aurashot) -> None:
    """Exit code 2: the command is wrong."""
    ran = aurashot("models", "fetch", "--source", "http://example.com")
    assert 2 == ran.code
    assert ran.error.startswith("source=")
