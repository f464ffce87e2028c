"""Run the programs of `examples/` as a user runs them: in a process of their own, against a sandbox."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest

if TYPE_CHECKING:
    from aurashot.sandbox import SandboxServer

EXAMPLES = Path(__file__).parents[2] / "examples"


class Run(Protocol):
    """Runs an example to its end, in the test's own folder."""

    def __call__(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Return how it ended and what it printed."""
        ...


@pytest.fixture(scope="session")
def environment(_sandbox: SandboxServer) -> dict[str, str]:
    """Return the environment of a program that is to find the sandbox."""
    service = {"AURASHOT_BASE_URL": _sandbox.url, "AURASHOT_API_KEY": _sandbox.api_key}
    return {**os.environ, **service, "no_proxy": "*"}


@pytest.fixture
def run(environment: dict[str, str], tmp_path: Path) -> Run:
    """Return a function that runs an example."""

    def run_example(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(EXAMPLES / name), *arguments]
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=240, check=False
        )

    return run_example
