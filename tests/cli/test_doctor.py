"""`aurashot doctor`: the findings of `aurashot.diagnostics`, for people and for programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from aurashot import save_key
from aurashot.ledger import SQLiteLedger
from lab.server import ScriptedServer, status

if TYPE_CHECKING:
    from pathlib import Path

    from aurashot.sandbox import SandboxServer
    from tests.cli.conftest import Aurashot

KEY = "sk_live_canary_4711"


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave nothing of the user's own settings."""
    for name in ("AURASHOT_FACE_MODELS", "AURASHOT_DOWNLOAD_PROXY", "AURASHOT_KEYRING"):
        monkeypatch.delenv(name, raising=False)


def test_all_is_well(aurashot: Aurashot, server: SandboxServer) -> None:
    """One line a finding, exit code 0, nothing billed, and no key on the screen."""
    billed = server.bill().total
    ran = aurashot("doctor")
    assert (0, "") == (ran.code, ran.err)
    assert "The API key comes from AURASHOT_API_KEY" in ran.out
    assert f"Requests go to {server.url}" in ran.out
    assert "Nothing has to be fixed." == ran.out.splitlines()[-1]
    assert billed == server.bill().total
    assert KEY not in ran.out


def test_what_must_be_fixed(
    aurashot: Aurashot, server: SandboxServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each error has its fix below it, and the exit code is 1; a warning alone does not change it."""
    monkeypatch.delenv("AURASHOT_API_KEY")
    ran = aurashot("doctor", "--offline", "--ledger", str(folder))
    assert (1, "") == (ran.code, ran.err)
    lines = ran.out.splitlines()
    place = next(number for number, line in enumerate(lines) if "No API key was found" in line)
    assert "error" == lines[place].split()[0]
    assert lines[place + 1].split("To fix it: ")[1].startswith("make a key at https://www.aurashot.art/")
    assert "2 things must be fixed." == lines[-1]
    save_key(KEY).chmod(0o644)
    warned = aurashot("doctor", "--offline")
    assert 0 == warned.code
    assert f"To do: chmod 600 {folder / '.aurashot.env'}" in warned.out


def test_for_programs(aurashot: Aurashot, monkeypatch: pytest.MonkeyPatch) -> None:
    """One document with all findings; the format `quiet` has only what must be fixed."""
    monkeypatch.setenv("AURASHOT_API_KEY", KEY)
    with ScriptedServer.running() as scripted:
        monkeypatch.setenv("AURASHOT_BASE_URL", scripted.url)
        scripted.always(status(401))
        _look(aurashot)


def _look(aurashot: Aurashot) -> None:
    ran = aurashot("doctor", "--json")
    assert (1, "") == (ran.code, ran.err)
    found = json.loads(ran.out)
    assert not found["ok"]
    (account,) = [each for each in found["findings"] if each["check"] == "account"]
    assert {"check", "level", "summary", "fix"} == set(account)
    assert ("error", True) == (account["level"], "aurashot login" in account["fix"])
    assert [account["summary"]] == aurashot("doctor", "--format", "quiet").out.splitlines()
    assert KEY not in ran.out


def test_the_ledger_of_the_environment(aurashot: Aurashot, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the one that the other commands use, too."""
    with SQLiteLedger(folder / "spend.db"):
        monkeypatch.setenv("AURASHOT_LEDGER", str(folder / "spend.db"))
        assert f"The ledger {folder / 'spend.db'} can be read and written to" in aurashot("doctor", "--offline").out
