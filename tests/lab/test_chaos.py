from __future__ import annotations

from dataclasses import replace

import pytest

from lab.chaos.__main__ import HEAD, PLANS, row
from lab.chaos.run import execute
from lab.chaos.verdict import check
from lab.faults.responses import TABLES

SHORT = (
    ("sync, with a ledger", 120),
    ("async, with a ledger", 160),
    ("async on httpx-aiohttp", 120),
)


@pytest.mark.parametrize(("name", "calls"), SHORT)
def test_calls_lose_nothing(name: str, calls: int) -> None:
    """In a short run over each transport, no image is lost, billed twice, mixed up or reported with a wrong outcome."""
    few = replace(PLANS[name], at_once=40)  # on a busy machine, 200 concurrent calls exceed their deadlines
    verdict = check(execute(few, 1, calls))
    assert len(HEAD) == len(row(verdict))
    verdict.broken.pop("late")  # depends on the load of the machine; `scripts/lab chaos` checks it
    assert [] == list(verdict.messages())
    assert verdict.is_good
    assert 0 < verdict.delivered < calls, "the number of delivered calls depends on the machine"
    reported, billed = verdict.reported
    assert 0 < billed < reported


def test_the_suite_can_fail() -> None:
    """The suite reports a client that retries lost responses as double-billed."""
    eager = replace(PLANS["async, 200 tasks"], at_once=40, retry_unknown=True)
    verdict = check(execute(eager, 1, 200))
    assert verdict.broken["double-billed"]
    assert not verdict.is_good
    assert any(message.startswith("double-billed: chaos-1-") for message in verdict.messages())


def test_the_number_of_faults() -> None:
    """There are at least 24 faults in 42 % of the responses; some are billed and some are not."""
    correct, *faults = TABLES["mixed"]
    assert len(faults) == len({fault.name for fault in faults}) >= 24
    assert 420 == sum(fault.share for fault in faults) == 1000 - correct.share
    assert {True, False} == {fault.bills for fault in faults}
