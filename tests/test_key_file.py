from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from aurashot import AuraShot, ConfigurationError, save_key
from aurashot._config import find_key
from aurashot._key_file import FILE_NAME, read

KEY = "sk_live_0123456789abcdefWXYZ"
OTHER = "sk_live_a_newer_key_0123456789"


def found() -> str:
    """Return the key that a client would use."""
    return find_key(None).text()


def mode(path: Path) -> int:
    """Return who may open a file."""
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o777])
def test_a_key_is_kept_for_its_owner_alone(umask: int) -> None:
    """Whatever the umask, the file is 0600, at home, and found by the next client."""
    before = os.umask(umask)
    try:
        path = save_key(f" {KEY}\n")
    finally:
        os.umask(before)
    assert Path.home() / FILE_NAME == path
    assert mode(path) == (0o600 & ~umask)
    path.chmod(0o600)
    assert KEY == found()
    assert [FILE_NAME] == os.listdir(path.parent)  # noqa: PTH208 - names, not paths


def test_a_newer_key_takes_the_place_of_the_older(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other lines stay, comments and a last line without an end among them."""
    monkeypatch.chdir(tmp_path)
    path = save_key(KEY, folder=tmp_path)
    path.write_text(f"# mine\nexport AURASHOT_API_KEY={KEY}\nELSE='a b'\n# the end", encoding="utf-8")
    save_key(OTHER, folder=str(tmp_path))
    assert f"# mine\nELSE='a b'\n# the end\nAURASHOT_API_KEY='{OTHER}'\n" == path.read_text(encoding="utf-8")
    assert OTHER == found()
    assert 0o600 == mode(path)


@given(key=st.from_regex(r"\A[!#-&(-_a-~]{8,256}\Z"))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_key_survives_its_file(tmp_path: Path, key: str) -> None:
    """Backslashes, number signs and dollars come out as they went in."""
    save_key(key)
    assert key == found()


@given(
    content=st.binary(max_size=200)
    | st.text(max_size=200).map(str.encode)
    | st.from_regex(rb"(export )?AURASHOT_API_KEY ?= ?['\"]?[ -~]{0,40}['\"]?(\\n.*)?", fullmatch=True)
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_file_is_read_or_refused(tmp_path: Path, content: bytes) -> None:
    """Whatever is in a key file: names and values come out, or a typed error."""
    path = tmp_path / FILE_NAME
    path.touch(0o600)
    path.write_bytes(content)
    with suppress(ConfigurationError):
        for name, value in (read(path) or {}).items():
            assert isinstance(name, str)
            assert value is None or isinstance(value, str)


def test_what_cannot_be_a_key_is_not_written() -> None:
    """The file that is there stays as it was."""
    path = save_key(KEY)
    with pytest.raises(ConfigurationError, match="api_key="):
        save_key("two words are no key")
    assert KEY in path.read_text(encoding="utf-8")


def test_a_file_that_others_can_read_becomes_private(caplog: pytest.LogCaptureFixture) -> None:
    """The new key is never in a file that others can read."""
    path = save_key(KEY)
    path.chmod(0o644)
    save_key(OTHER)
    assert 0o600 == mode(path)
    assert OTHER == found()
    assert [] == [record for record in caplog.records if record.levelname == "WARNING"]


def test_a_file_that_others_can_write_is_not_written_to() -> None:
    """What else is in it may be theirs; the file stays as it was."""
    path = save_key(KEY)
    path.chmod(0o622)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        save_key(OTHER)
    assert OTHER not in path.read_text(encoding="utf-8")


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    """A link in the place of the file would lead the key somewhere else."""
    target = tmp_path / "elsewhere"
    target.write_text("", encoding="utf-8")
    (tmp_path / FILE_NAME).symlink_to(target)
    with pytest.raises(ConfigurationError, match="is a link"):
        save_key(KEY, folder=tmp_path)
    assert "" == target.read_text(encoding="utf-8")


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    """Only a regular file can hold a key."""
    os.mkfifo(tmp_path / FILE_NAME)
    with pytest.raises(ConfigurationError, match="is not a regular file"):
        save_key(KEY, folder=tmp_path)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    """The error says which place does not work."""
    with pytest.raises(ConfigurationError, match=r"nowhere.*cannot be written"):
        save_key(KEY, folder=tmp_path / "nowhere")


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old key is there until the new one is safe on the disk, and nothing else stays behind."""
    path = save_key(KEY, folder=tmp_path)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConfigurationError, match="No space left"):
        save_key(OTHER, folder=tmp_path)
    assert KEY in path.read_text(encoding="utf-8")
    assert [path] == [file for file in tmp_path.iterdir() if file.is_file()]


def test_a_client_finds_the_key_that_was_saved() -> None:
    """No argument, no variable: the file at home is enough."""
    save_key(KEY)
    with AuraShot() as client:
        assert "...WXYZ" in repr(client)
