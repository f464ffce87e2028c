from __future__ import annotations

import os
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lab.mutants import trial as trials
from lab.mutants.__main__ import HEAD, row, sound
from lab.mutants.planted import MUTANTS, PACKAGE, Mutant
from lab.mutants.trial import TESTS, Trial, trial
from lab.server import wait_until

if TYPE_CHECKING:
    from pathlib import Path

CONTROL = Trial("nothing", "", "")
CAUGHT = Trial("a mutant", "test_something", "double-billed")


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_every_mutant_is_still_a_change(mutant: Mutant, tmp_path: Path) -> None:
    """Its place in the code is there, once, and what it makes of it is still Python."""
    module = tmp_path / mutant.module
    module.parent.mkdir(exist_ok=True)
    shutil.copy(PACKAGE / mutant.module, module)
    before = module.read_text(encoding="utf-8")
    mutant.mutate(tmp_path)
    after = module.read_text(encoding="utf-8")
    assert before != after
    compile(after, mutant.module, "exec")


def test_a_mutant_without_a_place_says_so(tmp_path: Path) -> None:
    """When the code moves on, its mutants have to follow."""
    (tmp_path / "_retry.py").write_text("x = 1\nx = 1\n", encoding="utf-8")
    for gone in ("x = 1", "y = 1"):
        with pytest.raises(LookupError, match=r"too old: _retry\.py has"):
            Mutant("too old", "_retry.py", gone, "z = 1").mutate(tmp_path)


def test_there_are_as_many_as_were_promised() -> None:
    """At least 12, each with a name of its own; `scripts/lab mutants` tries them all."""
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 12


def test_a_mutant_is_noticed_and_the_package_as_it_is_passes() -> None:
    """The same tests judge both, and it is the mutant's copy of the package that they judge."""
    assert Trial("nothing: the package as it is", "", "") == trial(None, TESTS[:1], ())
    found = trial(MUTANTS[0], TESTS[:1], [("async, with a ledger", 200)])
    assert Trial(MUTANTS[0].name, "test_only_what_is_safe_is_repeated", "double-billed") == found


def test_a_judge_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mutant that hangs is noticed by that, and leaves no process behind."""
    sign = tmp_path / "pid"
    (tmp_path / "test_hanging.py").write_text(
        f"""
import pathlib, subprocess, sys
def test_hangs():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    pathlib.Path({str(sign)!r}).write_text(str(child.pid))
    child.wait()
"""
    )
    monkeypatch.setattr(trials, "PATIENCE", 10)
    assert "the tests did not end well" == trial(None, [str(tmp_path)], ()).test

    wait_until(lambda: not _is_running(int(sign.read_text())))


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_mutant_that_nobody_notices_fails_the_suite() -> None:
    """So does a package that does not pass as it is, and a suite without mutants."""
    assert sound(CONTROL, [CAUGHT])
    assert sound(CONTROL, [replace(CAUGHT, chaos="")])
    assert not sound(CONTROL, [CAUGHT, replace(CAUGHT, test="")])
    assert not sound(replace(CONTROL, chaos="late"), [CAUGHT])
    assert not sound(replace(CONTROL, test="test_something"), [CAUGHT])
    assert not sound(CONTROL, [])
    assert len(HEAD) == len(row(CAUGHT)) == len(row(CONTROL))
