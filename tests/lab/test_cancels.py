from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from lab.cancels.__main__ import HEAD, row
from lab.cancels.churn import PROBES, Run, churn


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_cancelled_calls_lose_and_leak_nothing(backend: str) -> None:
    """In a short run, each billed image is in the ledger, and all probes succeed."""
    run = churn(1, 120, backend)
    assert run.is_good, run
    assert run.cancels >= 120
    assert 0 < run.billed < run.recorded, "some calls were cancelled before they were sent, and some after"


@pytest.mark.parametrize("fault", [{"lost": 1}, {"wrong": 1}, {"double": 1}, {"files": 1}, {"probes": PROBES - 1}])
def test_a_broken_invariant_fails_the_run(fault: dict[str, Any]) -> None:
    """Each invariant is checked."""
    run = Run(backend="asyncio", seed=1, probes=PROBES)
    assert run.is_good
    assert not replace(run, **fault).is_good


def test_a_row_has_a_cell_for_each_column() -> None:
    """This includes a run without cancellations."""
    assert len(HEAD) == len(row(Run(backend="trio", seed=7)))
