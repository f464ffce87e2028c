"""Several processes that use one library at the same time: `python -m lab.characters.crowd PLACE TASK NUMBER COUNT`."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from aurashot import AuraShotError, CharacterExistsError, CharacterNotFoundError
from lab.characters.images import png
from lab.characters.program import opened

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aurashot.characters import CharacterLibrary


TIMEOUT: Final = 1_200.0
"""Seconds after which processes that are not done count as hanging."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Additions:
    """What became of the additions of several processes to one character.

    Attributes:
        processes: How many there were.
        reported: The number of additions that they have reported.
        lost: The number of those that are not in the character.
        seconds: How long that took, without the start of the processes.
        problems: What is wrong with the library.
    """

    processes: int
    reported: int
    lost: int
    seconds: float
    problems: tuple[str, ...] = ()

    @property
    def is_good(self) -> bool:
        """Whether no addition is lost."""
        return not self.lost and not self.problems and self.reported > 0


def additions(place: Mapping[str, Any], *, processes: int, count: int) -> Additions:
    """Let several processes add to one character of a new library, and look for what is lost."""
    library = opened(place)
    library.create("Snow", face=png(1), anchor=png(2))
    children = _ready(place, "append", processes, count)
    start = time.monotonic()
    reported = [scene for scenes in _reports(children) for scene in scenes]
    seconds = time.monotonic() - start
    scenes = library.get("Snow").scenes
    problems = [str(error) for error in library.check()]
    if len(reported) != processes * count or not set(scenes) <= set(reported) or len(scenes) != len(set(scenes)):
        problems.append(f"{len(reported)} additions were reported, and {len(scenes)} are there")
    return Additions(
        processes=processes,
        reported=len(reported),
        lost=len(set(reported) - set(scenes)),
        seconds=seconds,
        problems=tuple(problems),
    )


def run(place: Mapping[str, Any], task: str, *, processes: int, count: int = 1) -> list[list[str]]:
    """Run a task in several processes, and return what each of them reports.

    Raises:
        RuntimeError: One of them has failed.
    """
    return _reports(_ready(place, task, processes, count))


def _ready(place: Mapping[str, Any], task: str, processes: int, count: int) -> list[subprocess.Popen[str]]:
    """Start the processes, and wait until each of them can begin."""
    arguments = [sys.executable, "-m", "lab.characters.crowd", json.dumps(dict(place)), task]
    children = [
        subprocess.Popen(
            [*arguments, str(number), str(count)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for number in range(processes)
    ]
    for child in children:
        assert child.stdout is not None
        child.stdout.readline()
    return children


def _reports(children: list[subprocess.Popen[str]]) -> list[list[str]]:
    """Let the processes begin at the same time, and return what each of them reports."""
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    reports = [child.communicate(timeout=TIMEOUT)[0] for child in children]
    if any(child.returncode for child in children):
        raise RuntimeError("a process has failed; see its output above")
    return [json.loads(report) for report in reports]


def _create(library: CharacterLibrary, number: int, count: int) -> list[str]:
    """Create the same names as all others, and report those that this process got."""
    won: list[str] = []
    for each in range(count):
        try:
            library.create(f"Snow {each}", face=png(number + 1), description=str(number))
            won.append(f"Snow {each}")
        except CharacterExistsError:
            pass
    return won


def _rename(library: CharacterLibrary, number: int, count: int) -> list[str]:
    """Give characters, which all others want to rename as well, a name of this process."""
    won: list[str] = []
    for each in range(count):
        with suppress(CharacterNotFoundError):
            won.append(library.rename(f"Snow {each}", f"Dora {each} of {number}").slug)
    return won


def _append(library: CharacterLibrary, number: int, count: int) -> list[str]:
    """Add a scene of its own to one character again and again: no addition of another process may be lost."""
    added: list[str] = []
    for each in range(count):
        scene = f"{number}-{each}"
        with library.locked("Snow"):
            library.update("Snow", scenes=[*library.get("Snow").scenes, scene])
        added.append(scene)
    return added


TASKS: Final[Mapping[str, Callable[[CharacterLibrary, int, int], list[str]]]] = {
    "create": _create,
    "rename": _rename,
    "append": _append,
}


def main() -> None:
    """Wait for the others, do the task, and print what was done."""
    place, task, number, count = sys.argv[1:]
    library = opened(json.loads(place))
    print("ready", flush=True)
    sys.stdin.readline()
    try:
        print(json.dumps(TASKS[task](library, int(number), int(count))), flush=True)
    except AuraShotError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
