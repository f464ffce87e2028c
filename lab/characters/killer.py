"""Start and kill the program again and again, and compare the library and the bills with what it has reported."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from aurashot import AuraShotError
from aurashot.characters import _drafts
from aurashot.characters._store import lock_name
from lab.characters.program import NAMES, Program, Task, make_changes, opened, warm_up
from lab.characters.service import running
from lab.characters.state import State, after, state_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aurashot.characters import CharacterLibrary
    from lab.characters.program import Change
    from lab.characters.service import Bills

MAX_RUN_TIME: Final = 0.30
"""Maximum time until the program is killed, in seconds."""
MAX_REMOTE_TIME: Final = 4.0
"""The same for an object store, where it may have to wait for the lock of a killed one."""
IN_FLIGHT: Final = 0.3
"""Seconds after which a request of a killed program has been handled."""
PAID: Final = {"create": "id-photo", "save": "generate"}
"""The operation that is billed for each kind of change."""


@dataclass(kw_only=True)
class Result:
    """The result of a run."""

    kills: int = 0
    changes: int = 0
    """Number of changes that were made."""
    kinds: Counter[str] = field(default_factory=Counter[str])
    under_way: int = 0
    """Number of kills while a change was being made."""
    made: int = 0
    """Number of those changes that were made all the same."""
    resumed: int = 0
    """Number of those changes that a later run has made under the same key."""
    bills: int = 0
    paid_twice: int = 0
    """Number of keys with more than one bill, and of bills for no change."""
    problems: list[str] = field(default_factory=list[str])
    """What was lost, half done, refused or unreadable."""
    left: int = 0
    """Number of files that killed processes had left, after the last sweep."""
    seconds: float = 0.0

    @property
    def is_good(self) -> bool:
        """Whether nothing is lost, nothing is left, and nothing is paid twice."""
        return not self.problems and not self.left and not self.paid_twice and self.changes > 0 and self.bills > 0


def kill(kills: int, seed: int, place: Mapping[str, Any] | None = None) -> Result:
    """Start and kill the program a number of times.

    Args:
        kills: How often.
        seed: The seed of the random times.
        place: The library in an object store, as `lab.characters.program.opened` takes it; by default, it is in a
            temporary folder.
    """
    rng, start = random.Random(seed), time.monotonic()  # repeatable; not used for secrets
    run_and_kill, longest = (_start_and_kill, MAX_REMOTE_TIME) if place else (_fork_and_kill, MAX_RUN_TIME)
    with tempfile.TemporaryDirectory() as folder, running() as service:
        if not place:
            _warm_up(Path(folder, "warm"))
        where = place or {"root": str(Path(folder, "library"))}
        task = Task(place=where, url=service.url, ledger=str(Path(folder, "ledger.db")), log="", seed=seed)
        killer = Killer(task, kills, run_and_kill)
        for _ in range(kills):
            killer.run(rng.uniform(0.01, longest))
        killer.finish()
        killer.compare_bills(service.bills())
        killer.result.left = _left(killer.library)
    killer.result.seconds = time.monotonic() - start
    return killer.result


def _warm_up(folder: Path) -> None:
    folder.mkdir()
    with running() as service:
        warm_up(folder, service)


class Killer:
    """Runs the program, and knows what must be in the library.

    Args:
        task: What the program is given; its log and its seed are other ones in each run.
        kills: How often it is killed.
        run_and_kill: Runs the program for some seconds.
    """

    def __init__(self, task: Task, kills: int, run_and_kill: Callable[[Task, float], None]) -> None:
        self.result: Result = Result(kills=kills)
        self.library: CharacterLibrary = opened(task.place)
        self._task = task
        self._run_and_kill = run_and_kill
        self._state = State()
        self._begun: set[str] = set()
        self._made: dict[str, str] = {}

    def run(self, seconds: float) -> None:
        """Run the program for some seconds, and compare the library with what it has reported."""
        log = Path(self._task.ledger).with_name(f"{self._task.seed}.jsonl")
        self._run_and_kill(replace(self._task, log=str(log)), seconds)
        text = log.read_text("utf-8") if log.exists() else ""
        pending = self._compare([json.loads(line) for line in text.splitlines()])
        self._task = replace(self._task, seed=self._task.seed + 1, pending=pending)

    def _compare(self, lines: list[dict[str, Any]]) -> Change | None:
        """Compare the library with what was reported, and return the change that is still to be made."""
        result, pending = self.result, self._task.pending
        expected = self._state
        for line in lines:
            if "begin" in line:
                self.begin(line["begin"])
            if "end" in line:
                expected = after(expected, line["end"])
                self.note(line["end"], is_resumed=line["end"] == pending)
        result.problems += [f"{line['failed']}: {line['error']}" for line in lines if "failed" in line]
        last = lines[-1] if lines else {}
        change: Change | None = last.get("begin") or last.get("failed")
        found = state_of(self.library, result.problems, change or (None if lines else pending))
        possible = [expected] if change is None else [expected, after(expected, change)]
        if found not in possible:
            result.problems.append(f"found {found}, expected one of {possible}")
        self._state = found
        if change is None:
            return None if lines else pending
        result.under_way += 1
        if found == possible[1]:
            result.made += 1
            self.note(change)
            return None
        return None if "failed" in last else change

    def begin(self, change: Change) -> None:
        """Note that a change was begun."""
        self._begun.add(change["mark"])

    def note(self, change: Change, *, is_resumed: bool = False) -> None:
        """Note that a change was made."""
        self.result.changes += 1
        self.result.kinds[change["change"]] += 1
        self.result.resumed += is_resumed
        self._made[change["mark"]] = change["change"]

    def finish(self) -> None:
        """Make the change that is still to be made, and finish or undo what is left."""
        if self._task.pending is not None:
            self._finish(self._task.pending)
        for name in NAMES:
            with self.library.store.lock(lock_name(name)):  # what is left undone under it is done
                pass
        self.library.store.sweep()
        found = state_of(self.library, self.result.problems)
        if found != self._state:
            self.result.problems.append(f"found {found} in the end, expected {self._state}")

    def _finish(self, change: Change) -> None:
        program = Program(self._task)
        try:
            program.resume(change)
        except AuraShotError as error:
            self.result.problems.append(f"{change}: {type(error).__name__}: {error}")
        else:
            self._state = after(self._state, change)
            self.note(change, is_resumed=True)
        finally:
            program.close()

    def compare_bills(self, bills: Bills) -> None:
        """Compare the bills with the changes: each one that is paid for has one bill, and there are no others."""
        result = self.result
        wanted = {mark: PAID[kind] for mark, kind in self._made.items() if kind in PAID}
        result.bills = sum(map(len, bills.values()))
        result.paid_twice = sum(len(billed) > 1 for billed in bills.values())
        result.paid_twice += sum(len(billed) for key, billed in bills.items() if key not in self._begun)
        result.problems += [f"{key} was not paid for" for key in wanted.keys() - bills.keys()]
        result.problems += [f"{key} is paid for and lost" for key in (bills.keys() & self._begun) - wanted.keys()]
        result.problems += [
            f"{key} is billed as {', '.join(bills[key])}, not as {operation}"
            for key, operation in wanted.items()
            if key in bills and {operation} != set(bills[key])
        ]


def _fork_and_kill(task: Task, seconds: float) -> None:
    """Run the program in a forked process, which avoids the imports, and kill it."""
    process = os.fork()
    if process == 0:
        try:
            make_changes(task)
        except BaseException as error:  # noqa: BLE001  # the child must not go on as its parent
            print(repr(error), file=sys.stderr, flush=True)
        finally:
            os._exit(1)
    time.sleep(seconds)
    os.kill(process, signal.SIGKILL)
    _, status = os.waitpid(process, 0)
    if not os.WIFSIGNALED(status):
        raise RuntimeError(f"the program exited with {os.waitstatus_to_exitcode(status)}; see its output above")


def _start_and_kill(task: Task, seconds: float) -> None:
    """Start the program, since the threads of obstore do not survive a fork, and kill it."""
    with subprocess.Popen([sys.executable, "-m", "lab.characters.program", task.dump()]) as process:
        while not Path(task.log).exists() and process.poll() is None:
            time.sleep(0.01)
        time.sleep(seconds)
        process.kill()
        if process.wait() != -signal.SIGKILL:
            raise RuntimeError(f"the program exited with {process.returncode}; see its output above")
    time.sleep(IN_FLIGHT)  # the store handles the last request of a killed program all the same


def _left(library: CharacterLibrary) -> int:
    """Return how many files belong to nothing.

    The draft of a character that is there goes with its next renaming or removal, and a partial file a minute later.
    """
    kinds = ("new", "removed", "pending")
    slugs = [each.slug for each in library.list()]
    drafts = len(list(library.store.files(".aurashot/drafts")))
    drafts -= sum(_drafts.load(library.store, slug) is not None for slug in slugs)
    return drafts + sum(1 for kind in kinds for _ in library.store.files(f".aurashot/{kind}", hidden=True))
