"""Fixtures of the sandbox's tests: running servers and clients."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from PIL import Image

from aurashot import sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aurashot.sandbox import SandboxServer


@pytest.fixture(scope="module")
def server(quick_drawings: None) -> Iterator[SandboxServer]:
    """Run one sandbox for a module."""
    with sandbox.serve() as running:
        yield running


@pytest.fixture
def client(server: SandboxServer) -> Iterator[httpx.Client]:
    """Open a client with the key of the sandbox; leave no fault and no bill to the next test."""
    headers = {"Authorization": f"Bearer {server.api_key}"}
    # This is plain HTTP; reading the certificates of the machine for each test would be most of the time.
    with httpx.Client(base_url=server.url, headers=headers, verify=False) as opened:
        yield opened
    server.clear_faults()
    server._server.emulator.accounts.clear()


@pytest.fixture(scope="session")
def png() -> bytes:
    """Return a small PNG."""
    image = BytesIO()
    Image.new("RGB", (64, 64), "navy").save(image, "PNG")
    return image.getvalue()


@pytest.fixture
def image(client: httpx.Client, png: bytes) -> str:
    """Return the address of an uploaded image."""
    url: str = client.post("/v1/uploads", files={"file": ("face.png", png)}).json()["url"]
    return url


@pytest.fixture
def payload(image: str) -> dict[str, Any]:
    """Return the body of a generation."""
    return {"prompt": "sitting in a cozy cafe", "images": {"face": image}}
