from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from aurashot import Generation, NotSentError
from lab.faults.scripts import generation
from lab.keys.__main__ import HEAD, row
from lab.keys.process import End, delivered, failed
from lab.keys.rounds import Result

SOUND = Result(keys=9, bills=9, obtained=9, integrity="ok")


def test_a_key_is_paid_once_and_without_that_it_is_not() -> None:
    """A short run: all processes get the image of the one bill; with `pay_once=False` there are more bills."""
    done = subprocess.run(
        [sys.executable, "-m", "lab.keys", "--keys", "6", "--without"],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert (0, "") == (done.returncode, done.stderr)
    once, without = ([cell.strip() for cell in line.strip("|").split("|")] for line in done.stdout.splitlines()[-2:])
    column = HEAD.index("double-billed")
    assert (["6"], ["6"], ["0"] * 6) == (once[1:2], once[column - 1 : column], once[column : column + 6])
    assert int(without[column]) > 0


@pytest.mark.parametrize(
    "fault",
    [
        {"double": 1},
        {"different": 1},
        {"foreign": 1},
        {"untyped": 1},
        {"lost": {"a key"}},
        {"imagined": {"a key"}},
        {"obtained": 8},
        {"bills": 8},
        {"bills": 10},
        {"integrity": "row 7 missing"},
        {"keys": 0, "bills": 0, "obtained": 0},
    ],
)
def test_whatever_is_wrong_fails_the_run(fault: dict[str, Any]) -> None:
    """Each invariant counts by itself; a run without keys proves nothing."""
    assert SOUND.is_sound
    assert not replace(SOUND, **fault).is_sound


def test_an_end_says_which_image_or_which_error() -> None:
    """And survives its way through the pipe; what is none of the SDK's errors is seen."""
    result = Generation.model_validate_json(generation("a.2"))
    assert End(key="a", image="a.2") == delivered("a", result)
    assert "a.1 and a.2" == delivered("a", result.model_copy(update={"request_id": "a.1"})).image
    assert End(key="a", error="NotSentError", outcome="not_sent") == failed("a", NotSentError("no"))
    assert not failed("a", ValueError("no")).typed
    for end in (delivered("a", result), failed("a", ValueError("no"))):
        assert end == End.load(end.dump())


def test_a_row_has_a_cell_for_each_column() -> None:
    """Whatever the result."""
    assert len(HEAD) == len(row("a run", SOUND))
