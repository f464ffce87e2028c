"""The API key in the system's keyring: read only if the user says that it is there."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any

import keyring
import keyring.backend
import keyring.errors
import pytest

from aurashot import AuraShot, ConfigurationError, save_key, save_key_in_keyring
from aurashot._config import find_key
from aurashot._key_file import FILE_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MINE = "sk_live_0123456789_mine"
OTHER = "sk_live_0123456789_other"


class Memory(keyring.backend.KeyringBackend):
    """A keyring that is gone after the test."""

    priority: Any = 1.0

    def __init__(self) -> None:
        begin: Any = super().__init__
        begin()
        self.kept: dict[tuple[str, str], str] = {}
        self.problem: Exception | None = None

    def get_password(self, service: str, username: str) -> str | None:
        """Return what was stored."""
        if self.problem:
            raise self.problem
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        """Store a secret."""
        if self.problem:
            raise self.problem
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        """Remove a secret."""
        del self.kept[service, username]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a project below a home without keys."""
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(project)
    for name in ("AURASHOT_API_KEY", "AURASHOT_STUDIO_KEY", "AURASHOT_KEYRING"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture(autouse=True)
def ring() -> Iterator[Memory]:
    """Return the keyring of the system, which is a new one."""
    before, memory = keyring.get_keyring(), Memory()
    keyring.set_keyring(memory)
    yield memory
    keyring.set_keyring(before)


def test_a_key_in_the_keyring_is_found(home: Path, ring: Memory) -> None:
    """The file at home says where the key is, and no longer has a key itself; other lines stay."""
    save_key(OTHER)
    with (home / FILE_NAME).open("a", encoding="utf-8") as file:
        file.write("MY_OWN=line\n")
    assert "test keyring Memory" == save_key_in_keyring(MINE)
    key = find_key(None)
    assert (MINE, "the system's keyring") == (key.text(), key.source)
    assert "MY_OWN=line\nAURASHOT_KEYRING='1'\n" == (home / FILE_NAME).read_text(encoding="utf-8")
    assert {("aurashot", "api-key"): MINE} == ring.kept
    assert "keyring" in repr(AuraShot())
    assert MINE not in repr(AuraShot())


def test_a_key_that_is_stored_in_a_file_later_is_the_one_that_is_used() -> None:
    """Whoever logs in again, into a file, has that key from then on."""
    save_key_in_keyring(MINE)
    path = save_key(OTHER)
    assert (OTHER, str(path)) == (find_key(None).text(), find_key(None).source)
    assert "KEYRING" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(("value", "wanted"), [("1", True), ("Yes", True), ("0", False), ("", False)])
def test_the_environment_can_say_so(ring: Memory, monkeypatch: pytest.MonkeyPatch, value: str, *, wanted: bool) -> None:
    """The variable comes before files, and after a key in the environment."""
    ring.kept["aurashot", "api-key"] = MINE
    save_key(OTHER)
    monkeypatch.setenv("AURASHOT_KEYRING", value)
    assert (MINE if wanted else OTHER) == find_key(None).text()
    monkeypatch.setenv("AURASHOT_API_KEY", "sk_live_0123456789_third")
    assert "AURASHOT_API_KEY" == find_key(None).source


def test_the_keyring_is_not_asked_otherwise(ring: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may ask for a password: a key that happens to be there is not looked for."""
    ring.problem = AssertionError("the keyring was asked")
    with pytest.raises(ConfigurationError, match="No API key was found"):
        find_key(None)
    save_key(MINE)
    assert MINE == find_key(None).text()


def test_a_project_cannot_say_so(home: Path, ring: Memory, caplog: pytest.LogCaptureFixture) -> None:
    """A file that comes with a project opens nobody's keyring."""
    ring.kept["aurashot", "api-key"] = MINE
    (home / "project" / FILE_NAME).write_text("AURASHOT_KEYRING=1\n", encoding="utf-8")
    (home / "project" / FILE_NAME).chmod(0o600)
    with caplog.at_level(logging.WARNING, "aurashot"), pytest.raises(ConfigurationError, match="No API key"):
        find_key(None)
    assert "only the environment and the file at home can say so" in caplog.text


def test_a_project_gives_way_to_the_keyring(home: Path) -> None:
    """A key that comes with a project is not used where the user's own is in the keyring."""
    save_key_in_keyring(MINE)
    (home / "project" / FILE_NAME).write_text(f"AURASHOT_API_KEY={OTHER}\n", encoding="utf-8")
    assert MINE == find_key(None).text()


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        (keyring.errors.KeyringLocked("it is locked"), "KeyringLocked: it is locked"),
        (keyring.errors.NoKeyringError("no backend"), "NoKeyringError: no backend"),
        (OSError("no bus"), "no bus"),
    ],
    ids=["locked", "none", "other"],
)
def test_a_keyring_that_cannot_be_used(ring: Memory, home: Path, problem: Exception, words: str) -> None:
    """It is one error, which says what to do, for reading and for storing; the file stays as it was."""
    ring.problem = problem
    with pytest.raises(ConfigurationError, match=words):
        save_key_in_keyring(MINE)
    assert not (home / FILE_NAME).exists()
    ring.problem = None
    save_key_in_keyring(MINE)
    ring.problem = problem
    with pytest.raises(ConfigurationError, match=words) as caught:
        AuraShot()
    assert "aurashot login" in caught.value.message


def test_an_empty_keyring(ring: Memory) -> None:
    """If the key was removed from it, the error says how to store it again."""
    save_key_in_keyring(MINE)
    ring.kept.clear()
    with pytest.raises(ConfigurationError, match="aurashot login --keyring"):
        find_key(None)


def test_what_cannot_be_a_key_is_not_stored(ring: Memory, home: Path) -> None:
    """Nothing is written."""
    with pytest.raises(ConfigurationError, match="too short"):
        save_key_in_keyring("no")
    assert {} == ring.kept
    assert not (home / FILE_NAME).exists()


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the extra."""
    save_key_in_keyring(MINE)
    absent: Any = None
    monkeypatch.setitem(sys.modules, "keyring", absent)
    with pytest.raises(ConfigurationError, match="aurashot\\[keyring\\]"):
        find_key(None)
    with pytest.raises(ConfigurationError, match="aurashot\\[keyring\\]"):
        save_key_in_keyring(MINE)


def test_errors_do_not_hold_the_key(ring: Memory) -> None:
    """Neither their text nor the local variables of their frames."""
    ring.problem = keyring.errors.KeyringError(f"could not store {MINE}")
    with pytest.raises(ConfigurationError) as caught:
        save_key_in_keyring(MINE)
    assert MINE not in str(caught.value)
    ours = [each for each in caught.traceback if "aurashot" in str(each.path) and "tests" not in str(each.path)]
    assert ours
    assert MINE not in str([each.frame.f_locals for each in ours])
