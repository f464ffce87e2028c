"""What the documents find: a sandbox in the environment, and a working directory with the files that they name."""

from __future__ import annotations

import io
import shutil
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from aurashot import sandbox
from lab.server import ca_file

if TYPE_CHECKING:
    from pathlib import Path

    from aurashot.sandbox import SandboxServer

FILES = ("selfie.jpg", "jacket.png", "anchor.png", "cafe.png", "rooftop.png", "sketch.png")


@pytest.fixture(scope="session")
def drawn() -> Image.Image:
    """Return a portrait that is drawn by code."""
    return Image.open(io.BytesIO(sandbox.draw_portrait("documentation"))).convert("RGB")


@pytest.fixture
def desk(
    drawn: Image.Image,
    quick_drawings: None,
    sandbox_server: SandboxServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> SandboxServer:
    """Return the sandbox, after setting up everything that a reader has at hand."""
    for name in FILES:
        drawn.save(tmp_path / name)
    shutil.copy(ca_file(), tmp_path / "company-ca.pem")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AURASHOT_BASE_URL", sandbox_server.url)
    monkeypatch.setenv("AURASHOT_API_KEY", sandbox_server.api_key)
    return sandbox_server
