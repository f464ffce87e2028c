from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from aurashot import __version__
from aurashot.__main__ import main

if TYPE_CHECKING:
    from collections.abc import Callable

HEAVY = {"PIL", "anyio", "fastapi", "httpx", "numpy", "pydantic", "rich", "tenacity", "uvicorn"}


def test_version_by_script() -> None:
    """The installed script says its version."""
    script = Path(sys.executable).with_name("aurashot")
    done = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    assert f"aurashot {__version__}\n" == done.stdout


def test_help_by_module(start: Callable[..., subprocess.Popen[str]]) -> None:
    """`python -m aurashot --help` lists the commands, under the name of the script."""
    out, err = start("--help").communicate()
    assert "" == err
    assert out.startswith("Usage: aurashot ")
    assert {"demo", "sandbox"} <= set(out.split())


@pytest.mark.parametrize(
    ("arguments", "by_typer"),
    [
        (["--help"], set[str]()),
        (["--version"], set[str]()),
        (["demo", "--help"], {"pydantic"}),  # with which typer reads a command's options
        (["sandbox", "serve", "--help"], {"pydantic"}),
    ],
)
def test_help_is_light(arguments: list[str], by_typer: set[str]) -> None:
    """Help imports nothing that takes long to import."""
    code = (
        "import sys\nfrom aurashot.__main__ import main\n"
        f"sys.argv[1:] = {arguments!r}\n"
        "try:\n    main()\n"
        "except SystemExit:\n    print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "aurashot" in done.stdout
    assert HEAVY & set(done.stderr.split()) <= by_typer


def test_without_extra(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Without the extra, one line says what to install."""
    for name in [name for name in sys.modules if name.startswith("aurashot.cli")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "typer", None)
    with pytest.raises(SystemExit) as exited:
        main()
    assert 2 == exited.value.code
    assert "The command line needs typer; install aurashot[cli]\n" == capsys.readouterr().err


def test_unknown_command(aurashot: Callable[..., Any]) -> None:
    """An unknown command is a usage error that names it."""
    ran = aurashot("portrait")
    assert (2, True) == (ran.code, "'portrait'" in ran.err)
