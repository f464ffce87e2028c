"""Servers with a sandbox for the service, and clients of the official SDK in the same process."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import anyio
import pytest
from mcp import Client

from aurashot.ledger import SQLiteLedger
from aurashot.mcp import ServerSettings, create_server

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from aurashot.sandbox import SandboxServer

Connecting: TypeAlias = AbstractAsyncContextManager[Any]
"""A client; its results are unions of many types, so that tests take them as they come."""


class Connect(Protocol):
    """Starts a server in the folder, and returns a client of it."""

    def __call__(self, *, timeout: float | None = None, **settings: Any) -> Connecting:
        """Connect."""
        ...


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run the tests of this folder on asyncio, as `aurashot mcp` does."""
    return "asyncio"


@pytest.fixture(scope="session")
def selfie(astronaut: Path) -> bytes:
    """Return a photo of one face, as JPEG."""
    return astronaut.read_bytes()


@pytest.fixture
def service(quick_drawings: None, sandbox_server: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> SandboxServer:
    """Return a sandbox with an empty bill that stands for the hosted service."""
    sandbox_server.reset()
    monkeypatch.setenv("AURASHOT_BASE_URL", sandbox_server.url)
    monkeypatch.setenv("AURASHOT_API_KEY", sandbox_server.api_key)
    return sandbox_server


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, selfie: bytes) -> Path:
    """Return an empty working directory with a photo in it."""
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "selfie.jpg").write_bytes(selfie)
    monkeypatch.chdir(folder)
    return folder.resolve()


@pytest.fixture
def connect(folder: Path, service: SandboxServer) -> Connect:
    """Return a function that connects a client with a new server."""

    @asynccontextmanager
    async def connected(*, timeout: float | None = None, **settings: Any) -> AsyncGenerator[Client]:
        server = create_server(ServerSettings(**settings))
        async with Client(server, read_timeout_seconds=timeout) as client:
            yield client

    return connected


def ledger_in(folder: Path) -> SQLiteLedger:
    """Return the ledger that a server has written there."""
    return SQLiteLedger(folder / "spend.db", create=False)


async def bytes_of(answer: dict[str, Any]) -> bytes:
    """Return the file of the image in an answer."""
    return await anyio.Path(answer["image"]["path"]).read_bytes()


def text_of(result: Any) -> str:
    """Return the text of an answer."""
    return str(result.content[0].text)
