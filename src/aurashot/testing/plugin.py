"""The pytest plugin: fixtures with imports on first use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aurashot import AsyncAuraShot, AuraShot
    from aurashot.sandbox import SandboxServer

_RUNNING: pytest.StashKey[SandboxServer] = pytest.StashKey()


@pytest.fixture(scope="session")
def aurashot_sandbox(pytestconfig: pytest.Config) -> Iterator[SandboxServer]:
    """Run one local sandbox of the AuraShot service for the whole session; for each test it is as if new."""
    from aurashot import sandbox

    with sandbox.serve() as server:
        pytestconfig.stash[_RUNNING] = server
        yield server
        del pytestconfig.stash[_RUNNING]


@pytest.fixture(autouse=True)
def _reset_aurashot_sandbox(pytestconfig: pytest.Config) -> Iterator[None]:
    """Clear what other tests, and fixtures of a wider scope, have left in the sandbox, if it runs."""
    _reset(pytestconfig)
    yield
    _reset(pytestconfig)


def _reset(config: pytest.Config) -> None:
    server = config.stash.get(_RUNNING, None)
    if server is not None:
        server.reset()


@pytest.fixture
def aurashot_environment(aurashot_sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> SandboxServer:
    """Set `AURASHOT_BASE_URL` and `AURASHOT_API_KEY` to those of the sandbox, for clients that a test does not make."""
    monkeypatch.setenv("AURASHOT_BASE_URL", aurashot_sandbox.url)
    monkeypatch.setenv("AURASHOT_API_KEY", aurashot_sandbox.api_key)
    return aurashot_sandbox


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
