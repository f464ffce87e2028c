"""The same calls, against the recordings and against the running sandbox, in each backend."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aurashot.testing import replay
from aurashot.testing._cleaning import HOSTED
from lab.backends import KEY
from tests.contract.scenarios import RECORDED, SCENARIOS

if TYPE_CHECKING:
    from aurashot import AuraShot
    from aurashot.sandbox import SandboxServer
    from lab.backends import Clients


@pytest.mark.parametrize("name", SCENARIOS)
def test_recording(make_client: Clients, name: str) -> None:
    """A scenario sends the recorded requests, all of them and no others, and understands the recorded responses."""
    with replay(RECORDED / f"{name}.har"):
        SCENARIOS[name].play(make_client(HOSTED, KEY))


@pytest.mark.usefixtures("quick_drawings")
@pytest.mark.parametrize("name", SCENARIOS)
def test_sandbox(client: AuraShot, sandbox_server: SandboxServer, name: str) -> None:
    """A scenario goes the same way against the sandbox."""
    scenario = SCENARIOS[name]
    if scenario.fault:
        sandbox_server.fault(scenario.fault, times=1)

    scenario.play(client)


def test_every_recording_is_played() -> None:
    """No recording lies about that no scenario plays."""
    assert set(SCENARIOS) == {path.stem for path in RECORDED.iterdir()}
