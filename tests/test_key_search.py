"""Which key file is used: a stranger's file, or that of a project, does not decide whose account is charged."""

from __future__ import annotations

import json
import logging
import os
import stat
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from aurashot import AuraShot, ConfigurationError, save_key
from aurashot._config import find_key
from aurashot._key_file import FILE_NAME

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MINE = "sk_live_0123456789_mine"
THEIRS = "sk_live_0123456789_theirs"
STRANGER = 65534


def write(folder: Path, key: str, mode: int = 0o600) -> Path:
    """Write a key file as a project brings it, or as `echo` makes it."""
    path = folder / FILE_NAME
    path.write_text(f"AURASHOT_API_KEY={key}\n", encoding="utf-8")
    path.chmod(mode)
    return path


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder of a project that was cloned."""
    folder = tmp_path / "project" / "src"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def given_away(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Return a function that makes a file another user's: really so, if the tests may do that."""

    def give(path: Path) -> None:
        if os.geteuid() == 0:
            os.chown(path, STRANGER, STRANGER)
        else:
            owner = os.geteuid()
            monkeypatch.setattr(os, "geteuid", lambda: owner + 1)

    return give


def found() -> tuple[str, str]:
    """Return the key that a client would use, and where it comes from."""
    key = find_key(None)
    return key.text(), key.source


def warnings_in(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what was warned of."""
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


def test_a_projects_file_gives_way_to_another_key_at_home(project: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A cloned project cannot have the user's photos sent to the account of its author."""
    home = save_key(MINE)
    for folder in (project, project.parent):
        write(folder, THEIRS)
    assert (MINE, str(home)) == found()
    first, second = warnings_in(caplog)
    assert f"{project / FILE_NAME} is ignored" in first
    assert "aurashot login --here" in first
    assert str(project.parent / FILE_NAME) in second
    assert THEIRS not in caplog.text
    assert MINE not in caplog.text


def test_a_projects_file_with_the_key_at_home_is_used(project: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It changes nothing."""
    save_key(MINE)
    assert (MINE, str(write(project, MINE))) == found()
    assert [] == warnings_in(caplog)


def test_a_projects_file_is_used_where_there_is_no_other(project: Path) -> None:
    """So it is with the file that the service's own instructions make."""
    assert (THEIRS, str(write(project, THEIRS))) == found()


def test_a_file_that_the_user_made_is_used_until_it_changes(project: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A file of the same name that is moved there, or another key in it, is not the user's."""
    home = save_key(MINE)
    path = save_key(THEIRS, folder=project)
    assert (THEIRS, str(path)) == found()
    assert [] == warnings_in(caplog)

    write(project, f"{THEIRS}_changed")
    assert (MINE, str(home)) == found()
    (project / "below").mkdir()
    path.rename(project / "below" / FILE_NAME)
    os.chdir(project / "below")
    assert (MINE, str(home)) == found()


def test_what_is_remembered_is_private_and_holds_no_key(project: Path) -> None:
    """A digest for each path; a file that was replaced by anything else approves nothing."""
    home = save_key(MINE)
    save_key(THEIRS, folder=project)
    remembered = home.parent / ".config" / "aurashot" / "approved-key-files.json"
    assert 0o600 == stat.S_IMODE(remembered.stat().st_mode)
    assert [str(project / FILE_NAME)] == list(json.loads(remembered.read_text(encoding="utf-8")))
    assert THEIRS not in remembered.read_text(encoding="utf-8")
    for content in (
        "",
        "[]",
        "null",
        "[" * 20_000,
        '{"a": 1}',
        "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
    ):
        remembered.write_text(content, encoding="latin-1")
        assert MINE == found()[0]
    save_key(THEIRS, folder=project)
    assert THEIRS == found()[0]


def test_what_cannot_be_remembered_is_said(project: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The file is written all the same."""
    home = save_key(MINE)
    (home.parent / ".config").write_text("a file in the place of the folder", encoding="utf-8")
    save_key(THEIRS, folder=project)
    assert "cannot be remembered" in warnings_in(caplog)[0]
    assert MINE == found()[0]


def test_a_strangers_file_stops_nobody(
    project: Path, given_away: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    """The search goes on above it, and without another key the error names it."""
    given_away(write(project, THEIRS))
    with pytest.raises(ConfigurationError, match=r"No API key was found.*belongs to another user"):
        find_key(None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AURASHOT_API_KEY", MINE)
        assert (MINE, "AURASHOT_API_KEY") == found()
    assert "belongs to another user" in warnings_in(caplog)[0]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a file another user's and keep its own")
def test_the_file_above_a_strangers_is_used(project: Path) -> None:
    """Also if the stranger's cannot be read at all."""
    path = write(project.parent, MINE)
    theirs = write(project, THEIRS, mode=0)
    os.chown(theirs, STRANGER, STRANGER)
    assert (MINE, str(path)) == found()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_another_user_is_not_charged_by_a_file_in_a_shared_folder(tmp_path: Path) -> None:
    """A process of another user ignores our file, readable or not, and that of root is trusted."""
    shared = tmp_path / "shared"
    shared.mkdir()
    for folder in (shared, *shared.parents[:-1]):
        folder.chmod(folder.stat().st_mode | 0o755)
    path = write(shared, MINE, mode=0o644)
    assert (MINE, str(path)) == _found_as(STRANGER, shared)
    os.chown(path, 1234, 1234)
    assert "belongs to another user" in _found_as(STRANGER, shared)[1]
    path.chmod(0o600)
    assert "belongs to another user" in _found_as(STRANGER, shared)[1]


def _found_as(user: int, folder: Path) -> tuple[str, str]:
    """Return what a process of another user finds: the key and its source, or nothing and the message."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(user)
            os.setuid(user)
            os.environ["HOME"] = "/nonexistent"
            os.chdir(folder)
            try:
                answer = found()
            except ConfigurationError as error:
                answer = ("", error.message)
            os.write(writing, json.dumps(answer).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        key, source = json.load(pipe)
    os.waitpid(child, 0)
    return key, source


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_can_write_is_ignored(project: Path, mode: int, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever can write it can say whose account is used."""
    write(project, THEIRS, mode=mode)
    path = write(project.parent, MINE)
    assert (MINE, str(path)) == found()
    (warning,) = warnings_in(caplog)
    assert "can be written by other users; restrict it with chmod 600" in warning


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o644])
def test_a_file_that_others_can_read_works_with_a_warning(
    project: Path, mode: int, caplog: pytest.LogCaptureFixture
) -> None:
    """So `echo` makes it; the key may be known to them."""
    path = write(project, MINE, mode=mode)
    assert (MINE, str(path)) == found()
    (warning,) = warnings_in(caplog)
    assert "can be read by other users; restrict it with chmod 600" in warning


def test_what_is_no_file_is_passed_over(project: Path) -> None:
    """A folder, a pipe or a dangling link of that name is not waited for."""
    (project / FILE_NAME).mkdir()
    os.mkfifo(project.parent / FILE_NAME)
    (project.parents[1] / FILE_NAME).symlink_to("nowhere")
    home = save_key(MINE)
    assert (MINE, str(home)) == found()


def test_a_file_that_is_too_large_is_refused(project: Path) -> None:
    """It is not read."""
    with write(project, MINE).open("ab") as file:
        file.truncate(1 << 40)
    with pytest.raises(ConfigurationError, match="too large to be a key file"):
        find_key(None)


def test_a_file_has_no_modes_where_the_system_has_none(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Elsewhere than on POSIX the file is taken as it is."""
    write(project, MINE, mode=0o666)
    windows = SimpleNamespace(name="nt", open=os.open, fdopen=os.fdopen, fstat=os.fstat, O_RDONLY=os.O_RDONLY)
    monkeypatch.setattr("aurashot._key_file.os", windows)
    assert MINE == found()[0]


def test_a_client_says_where_its_key_comes_from(
    project: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """In its repr, and for files in the log."""
    caplog.set_level(logging.INFO, "aurashot")
    path = write(project, MINE)
    with AuraShot() as client:
        assert f"ApiKey('...mine', source={str(path)!r})" in repr(client)
    assert [f"The API key is that of {path}"] == caplog.messages
    monkeypatch.setenv("AURASHOT_STUDIO_KEY", MINE)
    with AuraShot() as client:
        assert "source='AURASHOT_STUDIO_KEY'" in repr(client)
