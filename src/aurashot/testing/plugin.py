"""The pytest plugin: fixtures with imports on first use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from aurashot import AsyncAuraShot, AuraShot
    from aurashot.sandbox import SandboxServer
    from aurashot.testing import AuraShotMock, NetworkGuard

_RUNNING: pytest.StashKey[SandboxServer] = pytest.StashKey()
_MOCK: pytest.StashKey[AuraShotMock] = pytest.StashKey()
_GUARD: pytest.StashKey[NetworkGuard] = pytest.StashKey()
_MOCK_KEY = "sk_mock_0123456789"


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


@pytest.fixture
def aurashot_mock(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[AuraShotMock]:
    """Respond to all clients in this process, without a server: no key, no network, no cost.

    Clients without arguments work, since `AURASHOT_API_KEY` is set. A request that the mock has no response for fails
    the test, also if the error was caught.
    """
    from aurashot.testing import mock

    monkeypatch.setenv("AURASHOT_API_KEY", _MOCK_KEY)
    monkeypatch.delenv("AURASHOT_BASE_URL", raising=False)
    with mock() as service:
        request.node.stash[_MOCK] = service
        yield service


@pytest.fixture
def aurashot_no_network(request: pytest.FixtureRequest) -> Iterator[NetworkGuard]:
    """Refuse every connection that leaves this machine; one that is tried fails the test, also if the error was caught.

    Loopback addresses work, so that the sandbox does.
    """
    from aurashot.testing._no_network import NetworkGuard, guarded

    guard = NetworkGuard()
    request.node.stash[_GUARD] = guard
    with guarded(guard):
        yield guard


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test that has passed although it tried to reach the network, or something that the mock does not have."""
    result = yield
    guard, service = item.stash.get(_GUARD, None), item.stash.get(_MOCK, None)
    if guard is not None and guard.attempts:
        raise AssertionError(guard.message(", ".join(guard.attempts)))
    if service is not None and service.missed:
        raise AssertionError(f"The mock has no response for {', '.join(service.missed)}; add a route to its router")
    return result
