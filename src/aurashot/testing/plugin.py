"""The pytest plugin: fixtures with imports on first use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aurashot import AsyncAuraShot, AuraShot
    from aurashot.sandbox import SandboxServer


@pytest.fixture(scope="session")
def aurashot_sandbox() -> Iterator[SandboxServer]:
    """Run one local sandbox of the AuraShot service for the whole session."""
    from aurashot import sandbox

    with sandbox.serve() as server:
        yield server


@pytest.fixture
def aurashot_client(aurashot_sandbox: SandboxServer) -> Iterator[AuraShot]:
    """Return a client of the sandbox: no key, no network, no cost."""
    from aurashot import AuraShot

    with AuraShot(aurashot_sandbox.api_key, base_url=aurashot_sandbox.url) as client:
        yield client


@pytest.fixture
def async_aurashot_client(aurashot_sandbox: SandboxServer) -> AsyncAuraShot:
    """Return an async client of the sandbox; use it in `async with`, on any event loop."""
    from aurashot import AsyncAuraShot

    return AsyncAuraShot(aurashot_sandbox.api_key, base_url=aurashot_sandbox.url)
