"""Record the scenarios with `aurashot.testing.record`, from the sandbox: `scripts/record-fixtures`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aurashot import AuraShot, sandbox
from aurashot.testing import record
from tests.contract.scenarios import RECORDED, SCENARIOS, Scenario

if TYPE_CHECKING:
    from pathlib import Path

    from aurashot.sandbox import SandboxServer


def record_scenario(scenario: Scenario, server: SandboxServer, path: Path) -> None:
    """Play a scenario against the sandbox and record it."""
    if scenario.fault:
        server.fault(scenario.fault, times=1)
    with record(path), AuraShot(server.api_key, base_url=server.url) as client:
        scenario.play(client)


def main() -> None:
    """Record every scenario."""
    RECORDED.mkdir(exist_ok=True)
    with sandbox.serve() as server:
        for name, scenario in SCENARIOS.items():
            record_scenario(scenario, server, RECORDED / f"{name}.har")


if __name__ == "__main__":
    main()
