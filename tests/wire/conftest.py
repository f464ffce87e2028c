"""The tests on the wire talk to a scripted server, in each backend."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aurashot import RetryPolicy

if TYPE_CHECKING:
    from aurashot import AuraShot
    from lab.backends import Clients
    from lab.server import ScriptedServer


@pytest.fixture(autouse=True, scope="module")
def _quick_drawings(quick_drawings: None) -> None:
    """Nobody looks at the images here."""


@pytest.fixture
def client(make_client: Clients, server: ScriptedServer) -> AuraShot:
    """Return a client of the scripted server that waits next to nothing between two attempts."""
    return make_client(server.url, retry=RetryPolicy(initial_delay=0.01, max_delay=0.02), timeout=20)
