from __future__ import annotations

from dataclasses import replace

import pytest

from lab.chaos.__main__ import HEAD, PLANS, row
from lab.chaos.run import carry_out
from lab.chaos.verdict import judge
from lab.faults.responses import TABLES

SHORT = (
    ("sync, with a ledger", 300),
    ("async, with a ledger", 400),
    ("async on httpx-aiohttp", 300),
)


@pytest.mark.parametrize(("name", "calls"), SHORT)
def test_a_thousand_calls_lose_nothing(name: str, calls: int) -> None:
    """A short run over each transport: nothing is billed twice, lost, mixed up, late, or called what it is not."""
    few = replace(PLANS[name], at_once=40)  # on a crowded machine, 200 at once have no time to be answered
    verdict = judge(carry_out(few, 1, calls))
    assert len(HEAD) == len(row(verdict))
    verdict.broken.pop("late")  # a crowded machine is no finding here; `scripts/lab chaos` counts them
    assert [] == list(verdict.words())
    assert verdict.is_good
    assert 0 < verdict.delivered < calls, "how many are answered in a second each depends on the machine"
    reported, billed = verdict.reported
    assert 0 < billed < reported


def test_the_suite_can_fail() -> None:
    """A client that asks again for lost responses, of a service that bills each, pays twice, and the suite says so."""
    eager = replace(PLANS["async, 200 at once"], retry_unknown=True)
    verdict = judge(carry_out(eager, 1, 200))
    assert verdict.broken["double-billed"]
    assert not verdict.is_good
    assert any(words.startswith("double-billed: chaos-1-") for words in verdict.words())


def test_the_faults_are_as_many_as_promised() -> None:
    """At least 24 different ones, 42 % of all responses; some bill and some do not."""
    right, *faults = TABLES["mixed"]
    assert len(faults) == len({fault.name for fault in faults}) >= 24
    assert 420 == sum(fault.share for fault in faults) == 1000 - right.share
    assert {True, False} == {fault.bills for fault in faults}
