from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

from aurashot._transport import _dedupe
from aurashot._transport._dedupe import Memory

if TYPE_CHECKING:
    import pytest


def test_it_gives_back_what_was_put() -> None:
    """An answer is found under its key and under no other."""
    memory = Memory()
    memory.put("a", "one")
    assert ("one", None, 1) == (memory.get("a"), memory.get("b"), len(memory))


def test_it_forgets_the_least_recently_used() -> None:
    """Beyond its size, what nobody asked for goes first; asking keeps an answer."""
    memory = Memory(size=2)
    memory.put("a", 1)
    memory.put("b", 2)
    memory.get("a")
    memory.put("c", 3)
    assert [1, None, 3] == [memory.get(key) for key in "abc"]
    assert 2 == len(memory)


def test_putting_again_renews_an_answer() -> None:
    """The later answer under one key takes the place of the earlier, and is the most recent."""
    memory = Memory(size=2)
    memory.put("a", 1)
    memory.put("b", 2)
    memory.put("a", 10)
    memory.put("c", 3)
    assert [10, None, 3] == [memory.get(key) for key in "abc"]


def test_it_forgets_what_is_old(monkeypatch: pytest.MonkeyPatch) -> None:
    """After its age an answer is gone, and its place is free."""
    now = [50.0]
    monkeypatch.setattr(_dedupe, "time", SimpleNamespace(monotonic=lambda: now[0]))
    memory = Memory(age=3_600.0)
    memory.put("a", 1)
    now[0] += 3_600.0
    assert 1 == memory.get("a")
    now[0] += 0.001
    assert memory.get("a") is None
    assert 0 == len(memory)
