"""What `diagnose` finds: each thing that can be wrong, and what to do about it."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from importlib.metadata import metadata
from typing import TYPE_CHECKING, Any

import pytest

from aurashot import diagnostics, save_key
from aurashot._key_file import FILE_NAME
from aurashot.diagnostics import Finding, Level, _installation as installation, diagnose
from aurashot.identity import FILES
from aurashot.ledger import SQLiteLedger
from lab.server import CLOSE, ScriptedServer, body, closed_port, contract, redirect, status
from tests.ledger.conftest import UNKNOWN, intent

if TYPE_CHECKING:
    from pathlib import Path

    from aurashot.sandbox import SandboxServer
    from lab.server.responses import Response

KEY = "sk_live_canary_0123456789"
OTHER = "sk_live_other_0123456789"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a project below a home, with no settings."""
    folder = tmp_path / "project"
    folder.mkdir()
    for name in [name for name in os.environ if name.startswith("AURASHOT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def scripted(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> ScriptedServer:
    """Return a server that stands for the service, with a key in the environment."""
    monkeypatch.setenv("AURASHOT_BASE_URL", server.url)
    monkeypatch.setenv("AURASHOT_API_KEY", KEY)
    return server


def found(check: str, **options: Any) -> list[Finding]:
    """Return what one check has found."""
    options.setdefault("timeout", 20.0)
    return [finding for finding in diagnose(**options) if finding.check == check]


def only(check: str, **options: Any) -> Finding:
    """Return the one thing that a check has found."""
    (finding,) = found(check, **options)
    return finding


def test_all_is_well(sandbox_server: SandboxServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With a key and a service, nothing has to be fixed, nothing is billed, and the key is in no finding."""
    monkeypatch.setenv("AURASHOT_BASE_URL", sandbox_server.url)
    monkeypatch.setenv("AURASHOT_API_KEY", KEY)
    billed = sandbox_server.bill().total
    with SQLiteLedger(tmp_path / "spend.db"):
        findings = diagnose(ledger=tmp_path / "spend.db")
    assert [] == [finding for finding in findings if finding.level in {"warning", "error"}]
    assert {"key", "base_url", "proxy", "certificates", "service", "account", "clock", "extra", "face_models"} <= {
        finding.check for finding in findings if finding.level == "ok"
    }
    assert billed == sandbox_server.bill().total
    assert KEY not in str(findings)
    assert KEY[-12:] not in str(findings)


def test_without_a_key(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """That is said, with what to do; whether the service can be reached is found out all the same."""
    monkeypatch.setenv("AURASHOT_BASE_URL", server.url)
    server.always(status(401))
    key = only("key")
    assert ("error", "No API key was found") == (key.level, key.summary)
    assert "AURASHOT_API_KEY" in key.fix
    assert "ok" == only("service").level
    assert "note" == only("account").level


def test_nothing_is_sent_offline(scripted: ScriptedServer) -> None:
    """The local checks are made without a network."""
    assert [] == found("service", offline=True)
    assert [] == scripted.requests


def test_where_the_key_comes_from(project: Path) -> None:
    """The file is named, and that it is used; the other one's key is not."""
    home = save_key(KEY)
    (project / FILE_NAME).write_text(f"AURASHOT_API_KEY={OTHER}\n", encoding="utf-8")
    (project / FILE_NAME).chmod(0o600)
    assert f"The API key comes from {home}" == only("key", offline=True).summary
    first, second = found("key_file", offline=True)
    assert ("note", "if you trust it, run `aurashot login --here` in its folder") == (first.level, first.fix)
    assert ("ok", f"{home} is used") == (second.level, second.summary)


@pytest.mark.parametrize(
    ("mode", "words", "fix"),
    [(0o644, "can be read by other users", "chmod 600"), (0o666, "can be written by other users", "chmod 600")],
    ids=["readable", "writable"],
)
def test_modes_of_key_files(project: Path, mode: int, words: str, fix: str) -> None:
    """Whoever else can read or write the file is a warning, with the command that restricts it."""
    path = project / FILE_NAME
    path.write_text(f"AURASHOT_API_KEY={KEY}\n", encoding="utf-8")
    path.chmod(mode)
    warning = found("key_file", offline=True)[-1]
    assert "warning" == warning.level
    assert words in warning.summary
    assert fix in warning.fix
    assert str(path) in warning.fix


def test_what_a_key_file_cannot_say(project: Path) -> None:
    """A base URL in it is not used, and one without a key is named."""
    path = project / FILE_NAME
    path.write_text("AURASHOT_BASE_URL=https://example.com\n", encoding="utf-8")
    path.chmod(0o600)
    first, second = found("key_file", offline=True)
    assert ("warning", "set AURASHOT_BASE_URL in the environment") == (first.level, first.fix)
    assert ("note", f"{path} has no key in it") == (second.level, second.summary)


def test_a_key_file_that_is_broken(project: Path) -> None:
    """It is an error of the key, and a warning about the file."""
    (project / FILE_NAME).write_bytes(b"\xff" * 10)
    assert "error" == only("key", offline=True).level
    assert "cannot be read" in only("key_file", offline=True).summary


@pytest.mark.parametrize(
    ("name", "value", "check", "words"),
    [
        ("AURASHOT_BASE_URL", "http://example.com", "base_url", "AURASHOT_BASE_URL"),
        ("HTTPS_PROXY", "socks5://user:hunter2@proxy:1080", "proxy", "socks5"),
        ("AURASHOT_DOWNLOAD_PROXY", "http://", "proxy", "AURASHOT_DOWNLOAD_PROXY"),
    ],
)
def test_variables_that_cannot_be_used(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, check: str, words: str
) -> None:
    """Each is an error that names the variable and not its value, and nothing is sent."""
    monkeypatch.setenv(name, value)
    finding = only(check, offline=True)
    assert "error" == finding.level
    assert words in finding.summary
    assert finding.fix
    assert "hunter2" not in str(finding)
    assert "note" == only("service").level


def test_proxies_are_named_without_their_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Host and port are shown, and that images are fetched without it."""
    monkeypatch.setenv("HTTPS_PROXY", "http://user:hunter2@proxy.example:3128")
    through, note = found("proxy", offline=True)
    assert "Requests to the service use the proxy at proxy.example:3128" == through.summary
    assert ("note", True) == (note.level, "AURASHOT_DOWNLOAD_PROXY" in note.fix)
    monkeypatch.setenv("AURASHOT_DOWNLOAD_PROXY", "http://user:hunter2@images.example")
    assert "Downloads use the proxy at images.example" == found("proxy", offline=True)[1].summary
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.delenv("AURASHOT_DOWNLOAD_PROXY")
    assert (
        "HTTPS_PROXY, NO_PROXY are set, and requests to the service use no proxy" == only("proxy", offline=True).summary
    )


PAGE = (body(b"<html>not here</html>", "text/html", 404),)
SERVICE: list[tuple[Response, Level, str]] = [
    (status(404), "ok", "responded after"),
    (status(400), "ok", "responded after"),
    (contract("/api/aesthetic/query"), "ok", "responded after"),
    (PAGE, "error", "leads to a web page"),
    ((body(b"<html>", "text/html"),), "error", "web page"),
    (redirect("https://example.com"), "error", "redirect"),
    (status(500), "error", "500"),
    ((CLOSE,), "error", "lost"),
]


@pytest.mark.parametrize(
    ("response", "level", "words"),
    SERVICE,
    ids=["no-job", "refused", "a-job", "page-404", "page-200", "redirect", "failure", "closed"],
)
def test_what_the_service_says(scripted: ScriptedServer, response: Response, level: Level, words: str) -> None:
    """Whatever is no response of this API is an error with a fix; the request is sent once, and is a free one."""
    scripted.always(response)
    finding = only("service")
    assert level == finding.level, finding
    assert words in finding.summary
    assert bool(finding.fix) == (level != "ok")
    assert ["/api/aesthetic/query"] == [request.path for request in scripted.requests]


@pytest.mark.parametrize(
    ("code", "level", "words"),
    [
        (401, "error", "refuses the key from AURASHOT_API_KEY"),
        (403, "error", "refuses the key from AURASHOT_API_KEY"),
        (402, "error", "no images left"),
        (429, "note", "too many requests"),
        (404, "ok", "accepts the key"),
    ],
)
def test_what_the_service_says_of_the_key(scripted: ScriptedServer, code: int, level: Level, words: str) -> None:
    """One that is refused, or has no images left, is an error, with the page that helps."""
    scripted.always(status(code))
    account = only("account")
    assert level == account.level
    assert words in account.summary
    assert ("https://www.aurashot.art/" in account.fix) == (level == "error")


@pytest.mark.parametrize(
    ("minutes", "level", "words"),
    [
        (0, "ok", "agrees"),
        (2, "warning", "behind"),
        (-2, "warning", "ahead"),
        (60, "error", "s behind that of the service"),
    ],
)
def test_the_clock(scripted: ScriptedServer, minutes: int, level: Level, words: str) -> None:
    """A clock that is minutes off is found by the `Date` of the response."""
    date = format_datetime(datetime.now(UTC) + timedelta(minutes=minutes), usegmt=True)
    scripted.always(status(404, date=date))
    clock = only("clock")
    assert level == clock.level
    assert words in clock.summary


def test_a_service_that_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says so once, and does not judge the key."""
    monkeypatch.setenv("AURASHOT_BASE_URL", f"http://127.0.0.1:{closed_port()}")
    monkeypatch.setenv("AURASHOT_API_KEY", KEY)
    finding = only("service")
    assert "error" == finding.level
    assert "the network" in finding.fix
    assert [] == found("account")


def test_extras(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that are missing are named with what they need, and how to install them; `images` is a warning."""
    lines = ["pillow>=13.0; extra == 'images'", 'typer>=0.29; extra == "cli"', 'no-such-package>=1; extra == "mcp"']
    lines += ["no-such-pillow; extra == 'images'", "ruff; extra == 'dev'", "httpx<1,>=0.28"]
    monkeypatch.setattr("importlib.metadata.requires", lambda name: lines)  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]  # a lambda has no annotations
    there, images, others = found("extra", offline=True)
    assert ("ok", "Installed extras: cli") == (there.level, there.summary)
    assert ("warning", "pip install 'aurashot[images]'") == (images.level, images.fix)
    assert ("note", "Not installed: mcp (no-such-package)") == (others.level, others.summary)
    assert "pip install 'aurashot[mcp]'" in others.fix


def test_every_extra_of_this_version_is_known() -> None:
    """The list of extras has all that users can install."""
    provided = set(metadata("aurashot").get_all("Provides-Extra") or [])
    users = provided - {"all", "dev", "docs", "test", "test-short"}
    assert users <= set(installation.EXTRAS)
    assert {"images", "cli", "keyring"} <= set(installation._packages())


@pytest.mark.parametrize(("content", "words"), [(b"x", "is not the known file"), (None, "is missing")])
def test_face_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None, words: str) -> None:
    """Files that are missing or altered are an error that says how to get them."""
    folder = tmp_path / "models"
    folder.mkdir()
    if content is not None:
        (folder / FILES[0].name).write_bytes(content)
    monkeypatch.setenv("AURASHOT_FACE_MODELS", str(folder))
    finding = only("face_models", offline=True)
    assert "error" == finding.level
    assert words in finding.summary
    assert "aurashot models fetch" in finding.fix


def test_a_ledger(tmp_path: Path) -> None:
    """One that is not there is only noted; what is unresolved is a warning with the command that lists it."""
    path = tmp_path / "my spend.db"
    assert "note" == only("ledger", ledger=path, offline=True).level
    assert not path.exists()
    with SQLiteLedger(path) as ledger:
        ledger.settle(ledger.reserve(intent("a")), UNKNOWN)
        ledger.reserve(intent("b"))
    fine, waiting, warning = found("ledger", ledger=path, offline=True)
    assert ("ok", "note") == (fine.level, waiting.level)
    assert ("warning", "1 request may be on the bill and is not resolved") == (warning.level, warning.summary)
    assert f"aurashot spend '{path}' --unresolved" in warning.fix


def test_a_ledger_that_is_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process that writes and does not end is found."""
    monkeypatch.setattr("aurashot.diagnostics._ledger._PATIENCE", 0.1)
    path = tmp_path / "spend.db"
    with SQLiteLedger(path), closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        finding = only("ledger", ledger=path, offline=True)
        assert ("error", True) == (finding.level, "is locked" in finding.summary)
        assert "end the one that holds it" in finding.fix


def test_a_ledger_that_is_none(tmp_path: Path) -> None:
    """Another file is not taken for one."""
    path = tmp_path / "spend.db"
    path.write_bytes(b"x" * 4096)
    path.chmod(0o600)
    assert ("error", "choose another path") == (
        (finding := only("ledger", ledger=path, offline=True)).level,
        finding.fix.partition(" (")[0],
    )


def test_the_names_are_those_that_are_public() -> None:
    """The package offers what it lists."""
    assert ["Finding", "Level", "diagnose"] == diagnostics.__all__
    assert all(hasattr(diagnostics, name) for name in diagnostics.__all__)
