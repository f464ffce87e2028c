from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from aurashot.ledger import Owner, SQLiteLedger, _owner
from aurashot.ledger._owner import lives, parsed, this_process
from tests.ledger.conftest import PAID, UNKNOWN, intent

if TYPE_CHECKING:
    from collections.abc import Iterator

on_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only here is there /proc")

CALLER = """
    import sys
    from aurashot.ledger import Intent, SQLiteLedger

    ledger = SQLiteLedger({path!r})
    ledger.reserve(Intent(idempotency_key="order-17", operation="edit"))
    print("written", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def program(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Return a program that has written an entry and waits."""
    code = textwrap.dedent(CALLER).format(path=str(path))
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as it:
        assert it.stdout is not None
        assert "written\n" == it.stdout.readline()
        yield it
        it.kill()


@pytest.fixture
def without_proc(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Make the system one that does not tell when a process started."""
    monkeypatch.setattr(_owner, "PROC", tmp_path / "nothing")
    _owner._identified.cache_clear()
    yield
    _owner._identified.cache_clear()


@on_linux
def test_an_entry_knows_whether_its_program_runs(program: subprocess.Popen[str], path: Path) -> None:
    """It is under way until the program is killed; then it is still unresolved, and nobody works on it."""
    with SQLiteLedger(path) as ledger:
        (entry,) = ledger.unresolved()
        assert (True, True) == (entry.owner_lives, entry.is_under_way)
        assert entry.owner is not None
        assert program.pid == entry.owner.pid
        program.kill()
        program.wait()
        assert [entry] == ledger.unresolved()
        assert (False, False) == (entry.owner_lives, entry.is_under_way)


@on_linux
def test_a_program_that_ended_and_is_not_removed_yet_has_ended(program: subprocess.Popen[str], path: Path) -> None:
    """Its parent has not asked for its exit status: a zombie."""
    with SQLiteLedger(path) as ledger:
        (entry,) = ledger.unresolved()
    program.kill()
    os.waitid(os.P_PID, program.pid, os.WEXITED | os.WNOWAIT)
    assert entry.owner_lives is False


def test_this_process_lives(ledger: SQLiteLedger) -> None:
    """What it has settled is not under way any more."""
    entry = ledger.reserve(intent())
    assert (this_process(), True, True) == (entry.owner, entry.owner_lives, entry.is_under_way)
    for settlement in (UNKNOWN, PAID):
        ledger.settle(entry, settlement)
        assert [False] == [each.is_under_way for each in ledger.entries()]


@pytest.mark.parametrize("pid", [os.getpid(), os.getppid()], ids=["own", "parent"])
def test_a_number_that_is_in_use_again_is_another_process(pid: int) -> None:
    """The time at which it started tells them apart."""
    assert lives(replace(this_process(), pid=pid, started="ticks 1")) in (
        {False} if sys.platform == "linux" else {False, None}
    )


def test_another_machine_cannot_be_asked() -> None:
    """Nor another container: its numbers count there."""
    assert lives(replace(this_process(), host="elsewhere")) is None
    assert lives(Owner("", 1, "")) is None


def test_an_entry_that_does_not_say_who_wrote_it(ledger: SQLiteLedger) -> None:
    """As those of earlier versions: it cannot be told."""
    entry = replace(ledger.reserve(intent()), owner=None)
    assert (None, False) == (entry.owner_lives, entry.is_under_way)


@pytest.mark.usefixtures("without_proc")
def test_without_start_times_only_an_end_is_certain(program: subprocess.Popen[str]) -> None:
    """A number that is in use may be in use again; one that is not is proof."""
    mine = this_process()
    other = replace(mine, pid=program.pid, started="token 1")
    assert (True, None) == (lives(mine), lives(other))
    assert lives(replace(mine, started="token of an earlier process")) is False
    program.kill()
    program.wait()
    assert lives(other) is False


@pytest.mark.usefixtures("without_proc")
def test_on_windows_no_process_is_signalled(monkeypatch: pytest.MonkeyPatch) -> None:
    """There `os.kill` ends the process, whatever the signal."""
    other = replace(this_process(), pid=os.getppid(), started="token 1")
    monkeypatch.setattr(os, "name", "nt")
    monkeypatch.delattr(os, "kill")
    assert lives(other) is None


@pytest.mark.parametrize("name", ["python", "tmux: server", "a) S 9 (b", "(((", ")))", "x) Z"])
def test_the_name_of_a_program_does_not_fool_it(name: str) -> None:
    """It stands in parentheses in the middle of the line, and may have spaces and parentheses of its own."""
    line = f"42 ({name}) S {' '.join(str(number) for number in range(4, 53))}\n"
    assert ("S", "ticks 22") == parsed(line.encode())


@pytest.mark.parametrize("line", [b"", b"42 (x", b"42 (x) S 1 2"])
def test_a_line_that_says_less_is_nothing(line: bytes) -> None:
    """As of a process that ends while it is asked about."""
    assert parsed(line) is None


FORKING = """
    import os
    from aurashot.ledger import Intent, SQLiteLedger

    ledger = SQLiteLedger({path!r})
    ledger.reserve(Intent(idempotency_key="parent", operation="edit"))
    child = os.fork()
    if child == 0:
        entry = ledger.reserve(Intent(idempotency_key="child", operation="edit"))
        assert entry.is_under_way
        os._exit(0)
    assert 0 == os.waitpid(child, 0)[1]
    parent, child_entry = ledger.unresolved()
    assert (os.getpid(), child) == (parent.owner.pid, child_entry.owner.pid)
    assert (True, False) == (parent.owner_lives, child_entry.owner_lives)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_child_writes_under_its_own_name(path: Path) -> None:
    """After `fork()` the parent's entries are the parent's, and the child's end with the child."""
    code = textwrap.dedent(FORKING).format(path=str(path))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert (0, "") == (done.returncode, done.stderr)


@on_linux
def test_what_cannot_be_seen_may_be_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`/proc` can hide the processes of others (hidepid): that is no proof of an end."""
    parent = replace(this_process(), pid=os.getppid())
    monkeypatch.setattr(_owner, "PROC", tmp_path)
    assert lives(parent) is None
    assert Path("/proc").exists()
