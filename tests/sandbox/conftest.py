"""Fixtures of the sandbox's tests: running servers, clients, and drawings that take no time."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from PIL import Image

from aurashot import sandbox
from aurashot.sandbox import _studio

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aurashot.sandbox import SandboxServer


@pytest.fixture(scope="module")
def quick_drawings() -> Iterator[None]:
    """Draw small grey pictures: most of these tests are about the wire."""
    with pytest.MonkeyPatch.context() as patch:
        grey = dict.fromkeys(_studio._DRAW, lambda _pictures, _prompt: Image.new("RGB", (56, 56), "grey"))
        patch.setattr(_studio, "_DRAW", grey)
        yield


@pytest.fixture(scope="module")
def server(quick_drawings: None) -> Iterator[SandboxServer]:
    """Run one sandbox for a module."""
    with sandbox.serve() as running:
        yield running


@pytest.fixture(autouse=True)
def _clean(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let no fault and no bill of one test reach the next."""
    yield
    if "server" in request.fixturenames:
        running: SandboxServer = request.getfixturevalue("server")
        running.clear_faults()
        httpx.delete(f"{running.url}/_sandbox/ledger").raise_for_status()


@pytest.fixture
def client(server: SandboxServer) -> Iterator[httpx.Client]:
    """Open a client with the key of the sandbox."""
    with httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {server.api_key}"}) as opened:
        yield opened


@pytest.fixture(scope="session")
def png() -> bytes:
    """Return a small PNG."""
    image = BytesIO()
    Image.new("RGB", (64, 64), "navy").save(image, "PNG")
    return image.getvalue()


@pytest.fixture
def picture(client: httpx.Client, png: bytes) -> str:
    """Return the address of an uploaded picture."""
    url: str = client.post("/v1/uploads", files={"file": ("face.png", png)}).json()["url"]
    return url


@pytest.fixture
def order(picture: str) -> dict[str, Any]:
    """Return the body of a generation."""
    return {"prompt": "sitting in a cozy cafe", "images": {"face": picture}}
