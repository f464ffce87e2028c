from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from lab.kills.__main__ import HEAD, row
from lab.kills.killer import Result

SOUND = Result(kills=1, calls=9, bills=9, in_doubt=4, most_in_doubt=4, integrity="ok")


def test_a_killed_program_loses_nothing() -> None:
    """Forty lives on one ledger: each bill is in it, and no more is in doubt than was in flight."""
    done = subprocess.run(
        [sys.executable, "-m", "lab.kills", "--kills", "40"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (0, "") == (done.returncode, done.stderr)
    cells = [cell.strip() for cell in done.stdout.splitlines()[-1].strip("|").split("|")]
    assert ("40", "0", "0", "0", "ok") == (cells[0], *cells[3:6], cells[8])


@pytest.mark.parametrize(
    "fault",
    [{"lost": 1}, {"double": 1}, {"imagined": 1}, {"most_in_doubt": 5}, {"integrity": "row 7 missing"}, {"bills": 0}],
)
def test_whatever_is_lost_fails_the_run(fault: dict[str, Any]) -> None:
    """Each invariant counts by itself; a run in which nothing was billed proves nothing."""
    assert SOUND.is_sound
    assert not replace(SOUND, **fault).is_sound


def test_a_row_has_a_cell_for_each_column() -> None:
    """Whatever the result."""
    assert len(HEAD) == len(row(SOUND))
