from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

from aurashot._transport import _single_flight
from aurashot._transport._single_flight import ResponseCache
from aurashot.models import Upload

if TYPE_CHECKING:
    import pytest


def test_it_gives_back_what_was_put() -> None:
    """A response is found under its key and under no other."""
    cache = ResponseCache()
    cache.put("a", "one")
    assert ("one", None, 1) == (cache.get("a"), cache.get("b"), len(cache))


def test_it_forgets_the_least_recently_used() -> None:
    """Beyond its size, what nobody asked for goes first; asking keeps a response."""
    cache = ResponseCache(size=2)
    cache.put("a", 1)
    cache.put("b", 2)
    cache.get("a")
    cache.put("c", 3)
    assert [1, None, 3] == [cache.get(key) for key in "abc"]
    assert 2 == len(cache)


def test_putting_again_renews_a_response() -> None:
    """The later response under one key takes the place of the earlier, and is the most recent."""
    cache = ResponseCache(size=2)
    cache.put("a", 1)
    cache.put("b", 2)
    cache.put("a", 10)
    cache.put("c", 3)
    assert [10, None, 3] == [cache.get(key) for key in "abc"]


def test_it_forgets_what_is_old(monkeypatch: pytest.MonkeyPatch) -> None:
    """After its age a response is gone, and its place is free."""
    now = [50.0]
    monkeypatch.setattr(_single_flight, "time", SimpleNamespace(monotonic=lambda: now[0]))
    cache = ResponseCache(age=3_600.0)
    cache.put("a", 1)
    now[0] += 3_600.0
    assert 1 == cache.get("a")
    now[0] += 0.001
    assert cache.get("a") is None
    assert 0 == len(cache)


def test_it_forgets_by_url_what_is_old_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """A response with one of the URLs is dropped, unless it was put since."""
    now = [50.0]
    monkeypatch.setattr(_single_flight, "time", SimpleNamespace(monotonic=lambda: now[0]))
    cache = ResponseCache()
    for key in ("a", "b"):
        cache.put(key, Upload(url=f"https://cdn.example.com/{key}.png"))
    now[0] += 10.0
    cache.put("new", Upload(url="https://cdn.example.com/a.png"))
    cache.forget({"https://cdn.example.com/a.png"}, min_age=5.0)
    assert [False, True, True] == [cache.get(key) is not None for key in ("a", "b", "new")]
