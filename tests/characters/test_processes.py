from __future__ import annotations

import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from aurashot import LibraryError
from aurashot.characters import CharacterLibrary, LocalStore
from lab.characters import crowd
from lab.characters.killer import Result, after, kill
from lab.characters.program import opened, png

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    """Return the place of a library that several processes can use."""
    if request.param == "folder":
        return {"root": str(tmp_path / "library")}
    place: dict[str, Any] = request.getfixturevalue("s3_place")
    return place


def test_several_processes_create_one_name_and_one_of_them_does(place: dict[str, Any]) -> None:
    """The others are told that it exists, and its files are those of the winner alone."""
    won = crowd.run(place, "create", processes=4, count=6)
    assert [f"Snow {each}" for each in range(6)] == sorted(name for names in won for name in names)
    library = opened(place)
    for number, names in enumerate(won):
        for name in names:
            snow = library.get(name)
            assert (str(number), png(number + 1)) == (snow.description, snow.read_face())
    assert () == library.check()


def test_several_processes_rename_one_character_and_one_of_them_does(place: dict[str, Any]) -> None:
    """The others are told that it is gone, and every character is there once."""
    library = opened(place)
    made = {library.create(f"Snow {each}", face=png(each + 1)).id for each in range(4)}
    won = crowd.run(place, "rename", processes=4, count=4)
    assert sorted(name for names in won for name in names) == [each.slug for each in library.list()]
    assert made == {each.id for each in library.list()}
    assert () == library.check()


def test_several_processes_change_one_character_and_no_change_is_lost(place: dict[str, Any]) -> None:
    """A change of one starts from the last one of the others."""
    library = opened(place)
    library.create("Snow")
    added = crowd.run(place, "append", processes=4, count=8)
    assert sorted(scene for scenes in added for scene in scenes) == sorted(library.get("Snow").scenes)


def test_threads_exclude_each_other_too(local: CharacterLibrary) -> None:
    """A lock is not one of the process."""
    local.create("Snow")

    def append(number: int) -> None:
        for each in range(5):
            with local.locked("Snow"):
                local.update("Snow", scenes=[*local.get("Snow").scenes, f"{number}-{each}"])

    threads = [threading.Thread(target=append, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 20 == len(set(local.get("Snow").scenes))


def test_a_process_that_hangs_is_not_waited_for_forever(root: Path) -> None:
    """The error names what is in use."""
    library, other = (CharacterLibrary(LocalStore(root, timeout=0.1)) for _ in range(2))
    library.create("Snow")
    begun, done = threading.Event(), threading.Event()

    def hang() -> None:
        with other.locked("Snow"):
            begun.set()
            done.wait()

    thread = threading.Thread(target=hang)
    thread.start()
    begun.wait()
    try:
        with pytest.raises(LibraryError, match=r"in use by another process for 0\.1 seconds") as caught:
            library.update("Snow", description="x")
        assert "snow" == caught.value.character
        assert "Dora" == library.create("Dora").slug
    finally:
        done.set()
        thread.join()
    assert [] == list((root / ".aurashot/locks").iterdir())


def test_a_killed_program_leaves_no_half_character() -> None:
    """After 20 kills at random times, all that was reported is there, and nothing half done."""
    done = subprocess.run(
        [sys.executable, "-m", "lab.characters", "--kills", "20"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (0, "") == (done.returncode, done.stderr), done.stdout
    cells = [cell.strip() for cell in done.stdout.splitlines()[-1].strip("|").split("|")]
    assert ("folder", "20", "0", "0") == (cells[0], cells[1], cells[5], cells[6])


def test_a_program_that_is_killed_while_it_uses_s3_leaves_no_half_character(s3_place: dict[str, Any]) -> None:
    """What it has begun is finished or undone by the next operation."""
    result = kill(6, 1, s3_place | {"lock_seconds": 0.5})
    assert result.is_good, result.problems


@pytest.mark.parametrize("fault", [{"problems": ["lost"]}, {"left": 1}, {"changes": 0}])
def test_a_fault_fails_the_run(fault: dict[str, Any]) -> None:
    """Each invariant is checked; a run without changes fails."""
    assert Result(kills=1, changes=5).is_good
    assert not Result(**({"kills": 1, "changes": 5} | fault)).is_good


def test_the_model_of_the_killer_knows_every_change() -> None:
    """What is expected after each of them."""
    state = after({}, {"change": "create", "name": "a", "mark": "1"})
    state = after(state, {"change": "update", "name": "a", "mark": "2"})
    state = after(state, {"change": "save", "name": "a", "mark": "3"})
    state = after(state, {"change": "rename", "name": "a", "mark": "4", "new": "b"})
    assert ["b"] == list(state)
    assert ("1", "2", frozenset({"3"})) == (state["b"].mark, state["b"].description, state["b"].saved)
    assert {} == after(state, {"change": "remove", "name": "b", "mark": "5"})
