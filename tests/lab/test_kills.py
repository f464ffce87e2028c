from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from lab.kills.__main__ import HEAD, row
from lab.kills.killer import Result

GOOD = Result(kills=1, calls=9, bills=9, unknown=4, most_unknown=4, integrity="ok")


def test_a_killed_program_loses_nothing() -> None:
    """After 4 kills, each bill is in the ledger, and no more entries are unknown than calls were in flight."""
    done = subprocess.run(
        [sys.executable, "-m", "lab.kills", "--kills", "4"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (0, "") == (done.returncode, done.stderr), done.stdout
    cells = [cell.strip() for cell in done.stdout.splitlines()[-1].strip("|").split("|")]
    assert ("4", "0", "0", "0", "ok") == (cells[0], *cells[3:6], cells[8])


@pytest.mark.parametrize(
    "fault",
    [{"lost": 1}, {"double": 1}, {"not_billed": 1}, {"most_unknown": 5}, {"integrity": "row 7 missing"}, {"bills": 0}],
)
def test_a_broken_invariant_fails_the_run(fault: dict[str, Any]) -> None:
    """Each invariant is checked; a run without bills fails."""
    assert GOOD.is_good
    assert not replace(GOOD, **fault).is_good


def test_a_row_has_a_cell_for_each_column() -> None:
    """The header and the rows have the same length."""
    assert len(HEAD) == len(row(GOOD))
