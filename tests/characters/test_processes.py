from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from aurashot import LibraryError
from aurashot.characters import CharacterLibrary, LocalStore
from lab.characters import crowd
from lab.characters.images import png
from lab.characters.killer import kill
from lab.characters.program import opened

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
    won = crowd.run(place, "create", processes=2, count=6)
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
    won = crowd.run(place, "rename", processes=2, count=4)
    assert sorted(name for names in won for name in names) == [each.slug for each in library.list()]
    assert made == {each.id for each in library.list()}
    assert () == library.check()


def test_several_processes_change_one_character_and_no_change_is_lost(s3_place: dict[str, Any]) -> None:
    """A change of one starts from the last one of the others; `scripts/lab characters` does it in a folder, too."""
    added = crowd.additions(s3_place, processes=2, count=8)
    assert (16, 0, ()) == (added.reported, added.lost, added.problems)


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


def test_a_program_that_is_killed_while_it_uses_s3_leaves_no_half_character(s3_place: dict[str, Any]) -> None:
    """What it has begun is finished or undone by the next operation, and nothing is paid twice."""
    result = kill(2, 1, s3_place | {"lock_seconds": 0.5})
    assert result.is_good, result
