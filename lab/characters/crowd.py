"""Several processes that use one library at the same time: `python -m lab.characters.crowd PLACE TASK NUMBER COUNT`."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from aurashot import AuraShotError, CharacterExistsError, CharacterNotFoundError
from lab.characters.program import opened, png

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aurashot.characters import CharacterLibrary


def run(place: Mapping[str, Any], task: str, *, processes: int, count: int = 1) -> list[list[str]]:
    """Run a task in several processes, and return what each of them reports."""
    arguments = [sys.executable, "-m", "lab.characters.crowd", json.dumps(dict(place)), task]
    children = [
        subprocess.Popen(
            [*arguments, str(number), str(count)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for number in range(processes)
    ]
    for child in children:
        assert child.stdout is not None
        child.stdout.readline()  # it is ready
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    reports = [child.communicate(timeout=300)[0] for child in children]
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
