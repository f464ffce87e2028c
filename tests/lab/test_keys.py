from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from aurashot import Generation, NotSentError
from lab.faults.scripts import generation
from lab.keys.__main__ import HEAD, row
from lab.keys.process import CallReport, delivered, failed
from lab.keys.rounds import Result

GOOD = Result(keys=9, bills=9, obtained=9, integrity="ok")


def test_a_key_is_billed_once_unless_pay_once_is_false() -> None:
    """In a short run, all processes get the one billed image; with `pay_once=False` there are more bills."""
    done = subprocess.run(
        [sys.executable, "-m", "lab.keys", "--keys", "2", "--without"],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert (0, "") == (done.returncode, done.stderr)
    once, without = ([cell.strip() for cell in line.strip("|").split("|")] for line in done.stdout.splitlines()[-2:])
    column = HEAD.index("double-billed")
    assert (["2"], ["2"], ["0"] * 6) == (once[1:2], once[column - 1 : column], once[column : column + 6])
    assert int(without[column]) > 0


@pytest.mark.parametrize(
    "fault",
    [
        {"double": 1},
        {"different": 1},
        {"wrong_image": 1},
        {"untyped": 1},
        {"lost": {"a key"}},
        {"not_billed": {"a key"}},
        {"obtained": 8},
        {"bills": 8},
        {"bills": 10},
        {"integrity": "row 7 missing"},
        {"keys": 0, "bills": 0, "obtained": 0},
    ],
)
def test_a_broken_invariant_fails_the_run(fault: dict[str, Any]) -> None:
    """Each invariant is checked; a run without keys fails."""
    assert GOOD.is_good
    assert not replace(GOOD, **fault).is_good


def test_a_report_has_the_image_or_the_error() -> None:
    """It can be dumped and loaded; errors of other classes than the SDK's are marked."""
    result = Generation.model_validate_json(generation("a.2"))
    assert CallReport(key="a", image="a.2") == delivered("a", result)
    assert "a.1 and a.2" == delivered("a", result.model_copy(update={"request_id": "a.1"})).image
    assert CallReport(key="a", error="NotSentError", outcome="not_sent") == failed("a", NotSentError("no"))
    assert not failed("a", ValueError("no")).typed
    for report in (delivered("a", result), failed("a", ValueError("no"))):
        assert report == CallReport.load(report.dump())


def test_a_row_has_a_cell_for_each_column() -> None:
    """The header and the rows have the same length."""
    assert len(HEAD) == len(row("a run", GOOD))
