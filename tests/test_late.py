from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from aurashot._late import lazy_property


class Workshop:
    """What makes its tool on first use, slowly: as many threads as asked for are making it before the first is done."""

    def __init__(self, makers: int) -> None:
        self.made: list[object] = []
        self._all_begun = threading.Barrier(makers)

    @lazy_property
    def tool(self) -> object:
        """Its tool."""
        self._all_begun.wait(60)
        self.made.append(object())
        return self.made[-1]

    def look_up(self) -> object:
        """Return the tool."""
        return self.tool


def test_a_lazy_property_is_made_once_and_kept() -> None:
    """The first use makes it."""
    workshop = Workshop(1)
    assert workshop.tool is workshop.tool
    assert 1 == len(workshop.made)


def test_threads_that_use_it_first_get_the_same() -> None:
    """Each has made one, and one of them is everybody's."""
    workshop = Workshop(4)
    with ThreadPoolExecutor(4) as pool:
        tools = list(pool.map(Workshop.look_up, [workshop] * 4))

    assert 4 == len(workshop.made)
    assert {id(workshop.tool)} == {id(tool) for tool in tools}


def test_what_is_assigned_stands() -> None:
    """An instance can be given another value, as tests do."""
    workshop = Workshop(1)
    vars(workshop)["tool"] = "hammer"
    assert "hammer" == workshop.tool
    assert [] == workshop.made
