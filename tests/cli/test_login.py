from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING, Any, ClassVar

import keyring
import keyring.backend
import pytest
from typer.testing import CliRunner

from aurashot._config import find_key
from aurashot._key_file import FILE_NAME
from aurashot.cli import app

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Aurashot

KEY = "sk_live_canary_0123456789"


def test_the_key_is_kept_and_not_shown(folder: Path) -> None:
    """One line from standard input is enough; the output shows its last four characters."""
    result = CliRunner().invoke(app, ["login"], input=f"{KEY}\n")
    path = folder / FILE_NAME
    assert f"The key ending in 6789 is stored in {path}, readable only by you.\n" == result.stdout
    assert KEY == find_key(None).text()
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)


def test_another_folder(folder: Path) -> None:
    """A project can have a key of its own."""
    project = folder / "project"
    project.mkdir()
    assert 0 == CliRunner().invoke(app, ["login", "--folder", str(project)], input=KEY).exit_code
    assert (project / FILE_NAME).is_file()
    assert not (folder / FILE_NAME).exists()


@pytest.mark.parametrize(("line", "words"), [(b"\n", "too short"), (b"sk_live_\xff\n", "is not text")])
def test_what_cannot_be_a_key_is_refused(folder: Path, line: bytes, words: str) -> None:
    """An empty line is no key, and neither are bytes; nothing is written, and the fault is the user's."""
    result = CliRunner().invoke(app, ["login"], input=line)
    assert 2 == result.exit_code
    assert words in result.stderr
    assert not (folder / FILE_NAME).exists()


class Memory(keyring.backend.KeyringBackend):
    """A keyring that is gone after the test."""

    priority: Any = 1.0
    kept: ClassVar[list[str]] = []

    def get_password(self, service: str, username: str) -> str | None:
        """Return what was stored last."""
        return self.kept[-1]

    def set_password(self, service: str, username: str, password: str) -> None:
        """Store a secret."""
        self.kept.append(password)


def test_the_keyring(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key is stored there and found there, and is in no file and no output."""
    before = keyring.get_keyring()
    make: Any = Memory
    keyring.set_keyring(make())
    monkeypatch.delenv("AURASHOT_KEYRING", raising=False)
    try:
        result = CliRunner().invoke(app, ["login", "--keyring", "--json"], input=f"{KEY}\n")
        assert KEY == find_key(None).text()
    finally:
        keyring.set_keyring(before)
    found = json.loads(result.stdout)
    assert (None, "6789") == (found["path"], found["ends_in"])
    assert "Memory" in found["keyring"]
    assert KEY not in result.stdout + result.stderr + (folder / FILE_NAME).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "options", [("--here", "--keyring"), ("--folder", "x", "--keyring"), ("--here", "--folder", "x")]
)
def test_one_place_at_a_time(options: tuple[str, ...]) -> None:
    """Two are an error, and no key is asked for."""
    result = CliRunner().invoke(app, ["login", *options], input="")
    assert 2 == result.exit_code
    assert "exclude each other" in result.stderr


@pytest.mark.parametrize("wanted", ["human", "json", "agent"])
def test_a_key_as_an_argument_is_not_shown(aurashot: Aurashot, wanted: str) -> None:
    """It is refused, and would otherwise be in logs and transcripts."""
    ran = aurashot("login", "sk_live_canary", "--format", wanted)
    assert 2 == ran.code
    assert "canary" not in ran.out + ran.err
    assert "(hidden)" in ran.out + ran.err
