from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from aurashot.mcp import ServerSettings

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[tuple[ServerSettings, dict[str, Any]]]:
    """Return what is passed to the server, which does not run."""
    calls: list[tuple[ServerSettings, dict[str, Any]]] = []

    def run(settings: ServerSettings, **options: Any) -> None:
        calls.append((settings, options))

    monkeypatch.setattr("aurashot.mcp.run_stdio", run, raising=False)
    monkeypatch.setattr("aurashot.mcp.run_http", run, raising=False)
    return calls


def test_the_defaults_are_safe(aurashot: Callable[..., Any], served: list[Any]) -> None:
    """Stdio, a cap of 20 images a day, and the working directory."""
    assert aurashot("mcp").code == 0
    assert [(ServerSettings(), {})] == served


def test_every_option_reaches_the_server(aurashot: Callable[..., Any], served: list[Any]) -> None:
    """Folders, the cap, and what answers hold."""
    options = [
        "--library",
        "out",
        "--root",
        "a",
        "--root",
        "b",
        "--ledger",
        "l.db",
        "--max-images",
        "3",
        "--per",
        "run",
    ]
    more = ["--no-previews", "--resource-links", "--require-consent", "--answer-within", "4"]
    assert aurashot("mcp", *options, *more).code == 0
    ((settings, _),) = served
    assert settings == ServerSettings(
        folder=Path("out"),
        roots=(Path("a"), Path("b")),
        ledger=Path("l.db"),
        max_images=3,
        per="run",
        previews=False,
        resource_links=True,
        require_consent=True,
        answer_within=4.0,
    )


def test_the_token_comes_from_the_environment(
    aurashot: Callable[..., Any], served: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No argument has it: others of the machine see arguments."""
    monkeypatch.setenv("AURASHOT_MCP_TOKEN", "a-token-of-this-test-4711")
    assert aurashot("mcp", "--http", "--port", "0", "--allow-host", "agents", "--no-cap").code == 0
    ((settings, options),) = served
    assert (settings.max_images, settings.grace, options["token"]) == (None, 10.0, "a-token-of-this-test-4711")
    assert options["allowed_hosts"] == ["agents"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--max-images", "0"), "max-images"),
        (("--per", "week"), "per"),
        (("--root", "nowhere"), "roots: 'nowhere' cannot be used"),
        (("--library", "selfie.txt"), "folder: 'selfie.txt'"),
        (("--http", "--host", "0.0.0.0"), "set AURASHOT_MCP_TOKEN"),
    ],
    ids=str,
)
def test_bad_options(aurashot: Callable[..., Any], folder: Path, arguments: tuple[str, ...], message: str) -> None:
    """One line, and exit code 2, before anything is served."""
    (folder / "selfie.txt").write_text("a file")
    ran = aurashot("mcp", *arguments)
    assert (ran.code, message in ran.err, "Traceback" in ran.err) == (2, True, False)


def test_without_the_extra_it_says_what_to_install(
    aurashot: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command is there, and names the extra."""
    monkeypatch.setitem(sys.modules, "aurashot.mcp._stdio", None)
    for name in ("run_stdio", "run_http"):
        monkeypatch.delitem(vars(sys.modules["aurashot.mcp"]), name, raising=False)
    ran = aurashot("mcp")
    assert (ran.code, ran.error.endswith("install aurashot[mcp]")) == (2, True)
