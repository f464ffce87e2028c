"""What every test finds: a clean environment, real photographs, clients of every backend, and one sandbox."""

from __future__ import annotations

import gc
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from zlib import crc32

import pytest
from hypothesis import settings

from lab.backends import BACKENDS, Clients, clients
from lab.server import ScriptedServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aurashot import AuraShot
    from aurashot.sandbox import SandboxServer

settings.register_profile("default", derandomize=True, deadline=None, max_examples=50)
settings.register_profile("short", derandomize=True, deadline=None, max_examples=10)
settings.register_profile("long", deadline=None, max_examples=10_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

PHOTOS = Path(__file__).with_name("fixtures") / "photos"
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option of `scripts/test --short`."""
    parser.addoption("--one-of", type=int, default=1, metavar="N", help="run one of N tests, by a hash of their names")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out tests for `--one-of`: the same ones in each process, and others on another Python."""
    share = int(config.getoption("--one-of") or 1)
    shares: dict[bool, list[pytest.Item]] = {True: [], False: []}
    for item in items:
        shares[(crc32(item.nodeid.encode()) + sys.version_info.minor) % share == 0].append(item)
    config.hook.pytest_deselected(items=shares[False])
    items[:] = shares[True]


def pytest_collection_finish() -> None:
    """Keep the thousands of collected tests out of every garbage collection."""
    gc.collect()
    gc.freeze()


def pytest_configure(config: pytest.Config) -> None:
    """Bear with one warning, and hear Ctrl-C.

    httpx nests generators, and when a request or a response ends early trio names each. And a shell's background jobs,
    with all that they start, ignore SIGINT.
    """
    config.addinivalue_line("filterwarnings", "ignore:Async generator '(httpx|httpcore):ResourceWarning")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep what is set on this machine out of every test: keys, addresses, proxies, and the home directory."""
    for name in list(os.environ):
        if name.startswith("AURASHOT_") or name.lower() in _PROXIES:
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))


@pytest.fixture(scope="session")
def grace_hopper() -> Path:
    """Return a photograph of one face, 512 by 600 pixels, as JPEG."""
    return PHOTOS / "grace_hopper.jpg"


@pytest.fixture(scope="session")
def astronaut() -> Path:
    """Return a photograph of one face, 512 by 512 pixels, as JPEG."""
    return PHOTOS / "astronaut.jpg"


@pytest.fixture(scope="session", params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """Run an async test on both event loops."""
    return str(request.param)


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    """Run a test for the blocking client, and for the async one on asyncio and on trio."""
    return str(request.param)


@pytest.fixture
def make_client(backend: str) -> Iterator[Clients]:
    """Return a maker of clients of the backend; they are closed when the test ends."""
    with clients(backend) as make:
        yield make


@pytest.fixture(scope="session")
def _sandbox() -> Iterator[SandboxServer]:
    from aurashot import sandbox

    with sandbox.serve() as server:
        yield server


@pytest.fixture(scope="module")
def quick_drawings() -> Iterator[None]:
    """Draw small grey images, in tests of everything but the drawings."""
    from tests.plain_drawings import plain_drawings  # imports Pillow

    with plain_drawings():
        yield


@pytest.fixture(name="plain_drawings")
def plain_drawings_in_one_test() -> Iterator[None]:
    """Draw small grey images in one test."""
    from tests.plain_drawings import plain_drawings  # imports Pillow

    with plain_drawings():
        yield


@pytest.fixture
def sandbox_server(_sandbox: SandboxServer) -> Iterator[SandboxServer]:
    """Return the one sandbox of the session, with no fault left behind."""
    yield _sandbox
    _sandbox.clear_faults()


@pytest.fixture
def client(make_client: Clients, sandbox_server: SandboxServer) -> AuraShot:
    """Return a client of the sandbox, in each backend."""
    return make_client(sandbox_server.url, sandbox_server.api_key)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """Return a server that responds as the contract says, until it is told otherwise."""
    with ScriptedServer.running() as running:
        yield running
