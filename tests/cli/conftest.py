"""The command line as users have it: an empty folder, no key in sight, photographs of real people, and a sandbox."""

from __future__ import annotations

import os
import subprocess
import sys
import termios
from collections.abc import Callable, Generator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import pytest
from typer.testing import CliRunner

from aurashot import sandbox
from aurashot.cli import app
from aurashot.cli._format import AGENT_VARIABLES

if TYPE_CHECKING:
    from pathlib import Path

KEY = "sk_live_canary_4711"
VARIABLES = (
    "AURASHOT_API_KEY",
    "AURASHOT_BASE_URL",
    "AURASHOT_FORMAT",
    "AURASHOT_LEDGER",
    "AURASHOT_LIBRARY",
    "AURASHOT_STUDIO_KEY",
    "FORCE_COLOR",
    "TTY_COMPATIBLE",
)


@dataclass(frozen=True)
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The one line on standard error."""
        (line,) = self.err.splitlines()
        return line.removeprefix("error: ")


Aurashot: TypeAlias = Callable[..., Ran]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder, with no key and no address in the environment or at home."""
    for name in (*VARIABLES, *AGENT_VARIABLES):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def aurashot() -> Aurashot:
    """Return a function that runs the command in this process."""

    def run(*arguments: str) -> Ran:
        result = CliRunner().invoke(app, arguments, catch_exceptions=False)
        return Ran(result.exit_code, result.stdout, result.stderr)

    return run


@pytest.fixture(scope="session")
def photos(astronaut: Path, grace_hopper: Path) -> dict[str, Path]:
    """Return two photographs: a portrait from 1993 and one from 1984, both JPEG."""
    return {"astronaut": astronaut, "hopper": grace_hopper}


@pytest.fixture(scope="session")
def shared_server() -> Generator[sandbox.SandboxServer]:
    """Run one sandbox for all tests."""
    with sandbox.serve() as server:
        yield server


@pytest.fixture
def server(shared_server: sandbox.SandboxServer, monkeypatch: pytest.MonkeyPatch) -> Generator[sandbox.SandboxServer]:
    """Return a sandbox that stands for the hosted service: its address and a key are in the environment."""
    monkeypatch.setenv("AURASHOT_BASE_URL", shared_server.url)
    monkeypatch.setenv("AURASHOT_API_KEY", KEY)
    yield shared_server
    shared_server.clear_faults()


@pytest.fixture
def start() -> Generator[Callable[..., subprocess.Popen[str]]]:
    """Return a function that starts the command as a process, which is gone when the test ends."""
    started: list[subprocess.Popen[str]] = []

    def run(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "aurashot", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONWARNINGS": "default"},
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def start_on_terminal() -> Callable[..., str]:
    """Return a function that runs the command in a process on a terminal without colours, and returns what it shows."""

    def run(*arguments: str, columns: int) -> str:
        main, side = os.openpty()
        termios.tcsetwinsize(side, (24, columns))
        environment = {**os.environ, "TERM": "dumb", "NO_COLOR": "1"}
        process = subprocess.Popen(
            [sys.executable, "-m", "aurashot", *arguments], stdin=side, stdout=side, stderr=side, env=environment
        )
        os.close(side)
        parts: list[bytes] = []
        with os.fdopen(main, "rb", buffering=0) as terminal, suppress(OSError):  # its end is an error on Linux
            while part := terminal.read(65_536):
                parts.append(part)
        assert 0 == process.wait()
        return b"".join(parts).decode().replace("\r\n", "\n")

    return run
