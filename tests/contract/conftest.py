"""What the contract tests share."""

from __future__ import annotations

import pytest

from aurashot._flows import legacy


@pytest.fixture(autouse=True)
def _patient_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask about legacy jobs without the pauses that the service deserves."""
    monkeypatch.setattr(legacy, "FIRST_PAUSE", 0.01)
