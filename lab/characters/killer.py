"""Start and kill the program again and again, and compare the library with what it has reported after each kill."""

from __future__ import annotations

import hashlib
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
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from aurashot.characters._store import lock_name
from lab.characters.program import NAMES, content_of, make_changes, opened, png

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aurashot.characters import CharacterLibrary

MAX_RUN_TIME: Final = 0.30
"""Maximum time until the program is killed, in seconds."""
MAX_REMOTE_TIME: Final = 4.0
"""The same for an object store, where it may have to wait for the lock of a killed one."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a character.

    Attributes:
        mark: What it was created with.
        description: What it was updated to.
        saved: The marks of the images that were saved for it.
    """

    mark: str
    description: str
    saved: frozenset[str] = frozenset()


State: TypeAlias = dict[str, Known]
"""A library: what is known of each character, by the name of its folder."""


@dataclass(kw_only=True)
class Result:
    """The result of a run."""

    kills: int = 0
    changes: int = 0
    """Number of changes that were reported as made."""
    kinds: Counter[str] = field(default_factory=Counter[str])
    under_way: int = 0
    """Number of kills while a change was being made."""
    made: int = 0
    """Number of those changes that were made all the same."""
    problems: list[str] = field(default_factory=list[str])
    """What was lost, half done or unreadable."""
    left: int = 0
    """Number of files that killed processes had left, after the last sweep."""
    seconds: float = 0.0

    @property
    def is_good(self) -> bool:
        """Whether nothing is lost and nothing is left."""
        return not self.problems and not self.left and self.changes > 0


def kill(kills: int, seed: int, place: Mapping[str, Any] | None = None) -> Result:
    """Start and kill the program a number of times.

    Args:
        kills: How often.
        seed: The seed of the random times.
        place: The library in an object store, as `lab.characters.program.opened` takes it; by default, it is in a
            temporary folder.
    """
    rng, start = random.Random(seed), time.monotonic()  # repeatable; not used for secrets
    result, state = Result(kills=kills), State()
    with tempfile.TemporaryDirectory() as folder:
        where = place or {"root": str(Path(folder, "library"))}
        run_and_kill, longest = (_start_and_kill, MAX_REMOTE_TIME) if place else (_fork_and_kill, MAX_RUN_TIME)
        for number in range(kills):
            log = Path(folder, f"{number}.jsonl")
            run_and_kill(where, log, seed + number, rng.uniform(0.01, longest))
            state = _compare(opened(where), state, log, result)
        library = opened(where)
        for name in NAMES:
            with library.store.lock(lock_name(name)):  # what is left undone under it is done
                pass
        library.store.sweep()
        result.left = _left(library)
    result.seconds = time.monotonic() - start
    return result


def _fork_and_kill(place: Mapping[str, Any], log: Path, seed: int, seconds: float) -> None:
    """Run the program in a forked process, which avoids the imports, and kill it."""
    process = os.fork()
    if process == 0:
        try:
            make_changes(place, log, seed)
        except BaseException as error:  # noqa: BLE001  # the child must not go on as its parent
            print(repr(error), file=sys.stderr, flush=True)
        finally:
            os._exit(1)
    time.sleep(seconds)
    os.kill(process, signal.SIGKILL)
    _, status = os.waitpid(process, 0)
    if not os.WIFSIGNALED(status):
        raise RuntimeError(f"the program exited with {os.waitstatus_to_exitcode(status)}; see its output above")


def _start_and_kill(place: Mapping[str, Any], log: Path, seed: int, seconds: float) -> None:
    """Start the program, since the threads of obstore do not survive a fork, and kill it."""
    command = [sys.executable, "-m", "lab.characters.program", json.dumps(dict(place)), str(log), str(seed)]
    with subprocess.Popen(command) as process:
        while not log.exists() and process.poll() is None:
            time.sleep(0.01)
        time.sleep(seconds)
        process.kill()
        if process.wait() != -signal.SIGKILL:
            raise RuntimeError(f"the program exited with {process.returncode}; see its output above")


def _compare(library: CharacterLibrary, before: State, log: Path, result: Result) -> State:
    """Compare a library with what was reported, and return what it is."""
    lines = [json.loads(line) for line in log.read_text("utf-8").splitlines()] if log.exists() else []
    made = [line["end"] for line in lines if "end" in line]
    result.changes += len(made)
    result.kinds.update(change["change"] for change in made)
    expected = before
    for change in made:
        expected = after(expected, change)
    possible = [expected]
    if lines and "begin" in lines[-1]:
        result.under_way += 1
        possible.append(after(expected, lines[-1]["begin"]))
    result.problems += [str(error) for error in library.check()]
    found = state_of(library, result.problems)
    if found not in possible:
        result.problems.append(f"found {found}, expected one of {possible}")
    result.made += len(possible) == 2 and found == possible[1]
    return found


def after(state: State, change: Mapping[str, str]) -> State:
    """Return what a library is after a change."""
    name, mark = change["name"], change["mark"]
    others = {each: known for each, known in state.items() if each != name}
    match change["change"]:
        case "create":
            return others | {name: Known(mark, mark)}
        case "update":
            return others | {name: replace(state[name], description=mark)}
        case "save":
            return others | {name: replace(state[name], saved=state[name].saved | {mark})}
        case "rename":
            return others | {change["new"]: state[name]}
        case _:
            return others


def state_of(library: CharacterLibrary, problems: list[str]) -> State:
    """Return what a library is, and note what is half done in it."""
    state: State = {}
    for slug in library.store.folders("avatars"):
        character = library.get(slug)
        mark = str(character.extra["mark"])
        number = int(mark[:12], 16)
        if (character.read_face(), character.read_anchor()) != (png(number), png(number + 1)):
            problems.append(f"{slug} has images of another character")
        saved: set[str] = set()
        for file in library.store.files(f"avatars/{slug}/gallery"):
            stem = Path(file.path).stem
            saved.add(stem)
            if _digest(library.store.read(file.path)) != _digest(content_of(stem)):
                problems.append(f"{file.path} is half written")
        state[slug] = Known(mark, character.description, frozenset(saved))
    return state


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _left(library: CharacterLibrary) -> int:
    """Return how many files belong to nothing; hidden ones in folders of characters are removed after a minute."""
    kinds = ("new", "removed", "pending")
    return sum(1 for kind in kinds for _ in library.store.files(f".aurashot/{kind}", hidden=True))
