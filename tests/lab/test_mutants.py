from __future__ import annotations

import ast
import os
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lab.mutants import changes, trial as trials
from lab.mutants.__main__ import HEAD, is_good, row
from lab.mutants.planted import MUTANTS, PACKAGE, Mutant
from lab.mutants.trial import TESTS, Trial, trial
from lab.server import wait_until

if TYPE_CHECKING:
    from pathlib import Path

CONTROL = Trial("none", "", "")
FAILED = Trial("a mutant", "test_something", "double-billed")


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_every_mutant_changes_the_code(mutant: Mutant, tmp_path: Path) -> None:
    """It applies to the current code, and the result is valid Python."""
    module = tmp_path / mutant.module
    module.parent.mkdir(exist_ok=True)
    shutil.copy(PACKAGE / mutant.module, module)
    before = ast.unparse(ast.parse(module.read_text(encoding="utf-8")))
    mutant.mutate(tmp_path)
    after = module.read_text(encoding="utf-8")
    assert before != after
    compile(after, mutant.module, "exec")


CODE = """
TABLE = {"a": 1, "b": {"a": 2}}
PAIR = (1, 2)

class Shop:
    def sell(self, price, paid):
        if price > 0 and not paid:
            note()
            send(price)
        return price if paid else "nothing"
"""


@pytest.mark.parametrize(
    ("where", "change", "line"),
    [
        ("shop:TABLE", changes.entry("'a'", "3"), "TABLE = {'b': {'a': 2}, 'a': 3}"),
        ("shop:TABLE", changes.entry("'a'", None, of="'b'"), "TABLE = {'a': 1, 'b': {}}"),
        ("shop:PAIR", changes.adds("3"), "PAIR = (1, 2, 3)"),
        ("shop:Shop.sell", changes.decides("price > 0", True), "if True and (not paid):"),
        ("shop:Shop.sell", changes.becomes("send(price)", "send(2 * price)"), "send(2 * price)"),
        ("shop:Shop.sell", changes.without("send"), "note()\n        return"),
        ("shop:Shop.sell", changes.late("note"), "send(price)\n            note()"),
        ("shop:Shop.sell", changes.before("send", "stop()"), "stop()\n            send(price)"),
        ("shop:Shop.sell", changes.after("send", "stop()"), "send(price)\n            stop()"),
        ("shop:Shop.sell", changes.returns("0"), "def sell(self, price, paid):\n        return 0"),
        ("shop:Shop.sell", changes.replaces_text("nothing", "all"), "else 'all'"),
    ],
)
def test_a_change_applies_to_the_named_code(where: str, change: changes.Change, line: str, tmp_path: Path) -> None:
    """It depends on the syntax tree, not on the layout."""
    module = tmp_path / "shop.py"
    module.write_text(CODE, encoding="utf-8")
    Mutant("a mutant", where, (change,)).mutate(tmp_path)
    assert line in module.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("where", "change"),
    [
        ("shop:Shop.buy", changes.returns("0")),
        ("shop:Shop.sell", changes.becomes("price", "0")),
        ("shop:Shop.sell", changes.without("refund")),
        ("shop:Shop.sell", changes.decides("refunded", True)),
    ],
)
def test_a_mutant_that_does_not_apply_once_is_an_error(where: str, change: changes.Change, tmp_path: Path) -> None:
    """When the code changes, its mutants have to be updated."""
    (tmp_path / "shop.py").write_text(CODE, encoding="utf-8")
    with pytest.raises(LookupError, match=r"too old: shop:Shop\.(buy|sell) is changed \[[0-9]\] times, not once"):
        Mutant("too old", where, (change,)).mutate(tmp_path)


def test_the_number_of_mutants() -> None:
    """There are at least 12, with unique names; `scripts/lab mutants` tests them all."""
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 12


def test_a_mutant_fails_and_the_unmodified_package_passes() -> None:
    """The same tests run on both; the mutant is a copy of the package."""
    assert Trial("none (unmodified package)", "", "") == trial(None, TESTS[:1], ())
    found = trial(MUTANTS[0], TESTS[:1], [("sync, with a ledger", 60)])
    assert Trial(MUTANTS[0].name, "test_only_what_is_safe_is_repeated", "double-billed") == found


def test_a_run_that_hangs_is_killed_with_its_child_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mutant that hangs has failed, and leaves no process running."""
    pid = tmp_path / "pid"
    (tmp_path / "test_hanging.py").write_text(
        f"""
import pathlib, subprocess, sys
def test_hangs():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    pathlib.Path({str(pid)!r}).write_text(str(child.pid))
    child.wait()
"""
    )
    for seconds in (10, 60, 300):
        monkeypatch.setattr(trials, "TIMEOUT", seconds)
        assert "the tests ended without a result" == trial(None, [str(tmp_path)], ()).test
        if pid.exists():  # A busy machine can take longer than ten seconds to get as far as the test.
            break

    wait_until(lambda: not _is_running(int(pid.read_text())))


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_mutant_that_passes_the_tests_fails_the_suite() -> None:
    """So does an unmodified package that fails, and a suite without mutants."""
    assert is_good(CONTROL, [FAILED])
    assert is_good(CONTROL, [replace(FAILED, chaos="")])
    assert not is_good(CONTROL, [FAILED, replace(FAILED, test="")])
    assert not is_good(replace(CONTROL, chaos="late"), [FAILED])
    assert not is_good(replace(CONTROL, test="test_something"), [FAILED])
    assert not is_good(CONTROL, [])
    assert len(HEAD) == len(row(FAILED)) == len(row(CONTROL))
