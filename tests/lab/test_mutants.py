from __future__ import annotations

import ast
import os
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from lab.mutants import changes, trial as trials
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
    """It applies to the code as it is, and what it makes of it is still Python."""
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
        ("shop:Shop.sell", changes.says("nothing", "all"), "else 'all'"),
    ],
)
def test_a_change_finds_what_it_names(where: str, change: changes.Change, line: str, tmp_path: Path) -> None:
    """By the tree of the code, whatever its layout."""
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
def test_a_mutant_that_does_not_apply_once_says_so(where: str, change: changes.Change, tmp_path: Path) -> None:
    """When the code moves on, its mutants have to follow."""
    (tmp_path / "shop.py").write_text(CODE, encoding="utf-8")
    with pytest.raises(LookupError, match=r"too old: shop:Shop\.(buy|sell) is changed \[[0-9]\] times, not once"):
        Mutant("too old", where, (change,)).mutate(tmp_path)


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
