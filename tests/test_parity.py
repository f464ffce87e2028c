from __future__ import annotations

import inspect
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pytest

from aurashot import AsyncAuraShot, AsyncLegacy, AuraShot, Legacy

if TYPE_CHECKING:
    from collections.abc import Callable

PAIRS = [(AuraShot, AsyncAuraShot), (Legacy, AsyncLegacy)]
NAMES = {"aclose": "close", "__aenter__": "__enter__", "__aexit__": "__exit__"}
"""What is called otherwise in async code."""
WORDS = {
    "`aclose`": "`close`",
    "an `async with`": "a `with`",
    "async, on asyncio and trio": "blocking",
    "between tasks": "between threads",
    "the async client": "the blocking client",
}
"""What is said otherwise about async code."""
ASYNC_ONLY = {"aclose": "grace"}
"""What only async code can say: nothing outlives a blocking call."""
WAITING = {
    "aclose",
    "__aenter__",
    "__aexit__",
    "id_photo",
    "generate",
    "edit",
    "compare",
    "upload",
    "download",
    "read",
    "create_character",
    "plan_character",
    "redo_anchor",
} | {
    "virtual_try_on",
    "pose_change",
    "query",
}
"""What has to be awaited."""


def offered(kind: type) -> set[str]:
    """Return the public names of a class and its bases, and the magic ones that a user meets."""
    magic = {"__init__", "__repr__", "__enter__", "__exit__", "__aenter__", "__aexit__"}
    names = {name for base in kind.__mro__ if base is not object for name in vars(base)}
    return {name for name in names if not name.startswith("_") or name in magic}


def function(kind: type, name: str) -> Callable[..., Any]:
    """Return the function behind a name of a class or its bases."""
    found: Any = inspect.getattr_static(kind, name)
    return found.func if isinstance(found, cached_property) else found


def plain(annotation: object) -> str:
    """Return an annotation as it would be in blocking code."""
    return str(annotation).replace("Async", "")


def told(thing: object) -> str:
    """Return a docstring as it would be in blocking code, however its lines are broken."""
    text = " ".join((inspect.getdoc(thing) or "").split())
    for word, blocking in WORDS.items():
        text = text.replace(word, blocking)
    return text


METHODS = [(blocking, waiting, name) for blocking, waiting in PAIRS for name in sorted(offered(waiting) - {"__repr__"})]


def test_inherited_methods_are_compared() -> None:
    """A method that moves into a base class is still one that both clients must have."""

    class Mine(AuraShot):
        pass

    assert offered(AuraShot) == offered(Mine)
    assert function(AuraShot, "generate") is function(Mine, "generate")


@pytest.mark.parametrize(("blocking", "waiting"), PAIRS)
def test_both_clients_offer_the_same_names(blocking: type, waiting: type) -> None:
    """Whoever knows one client knows the other."""
    assert offered(blocking) == {NAMES.get(name, name) for name in offered(waiting)}


@pytest.mark.parametrize(("blocking", "waiting", "name"), METHODS)
def test_both_clients_take_the_same_arguments(blocking: type, waiting: type, name: str) -> None:
    """Names, kinds, defaults, types and results of a method are equal, but for the word Async."""
    here = inspect.signature(function(blocking, NAMES.get(name, name)))
    there = inspect.signature(function(waiting, name))
    assert [(one.name, one.kind, one.default, plain(one.annotation)) for one in here.parameters.values()] == [
        (one.name, one.kind, one.default, plain(one.annotation))
        for one in there.parameters.values()
        if one.name != ASYNC_ONLY.get(name)
    ]
    assert here.return_annotation == plain(there.return_annotation)


@pytest.mark.parametrize(("blocking", "waiting", "name"), METHODS)
def test_both_clients_are_documented_alike(blocking: type, waiting: type, name: str) -> None:
    """The docstrings are the same, but for the few words that are about waiting."""
    here, there = told(function(blocking, NAMES.get(name, name))), told(function(waiting, name))
    assert here == (there[: len(here)] if name in ASYNC_ONLY else there)


@pytest.mark.parametrize(("blocking", "waiting"), PAIRS)
def test_the_classes_are_documented_alike(blocking: type, waiting: type) -> None:
    """So are the classes themselves."""
    assert told(blocking)
    assert told(blocking) == told(waiting)


@pytest.mark.parametrize(("blocking", "waiting", "name"), METHODS)
def test_only_what_waits_is_awaited(blocking: type, waiting: type, name: str) -> None:
    """Each operation of the async client is a coroutine, and nothing of the blocking one is."""
    assert (name in WAITING) == inspect.iscoroutinefunction(function(waiting, name))
    assert not inspect.iscoroutinefunction(function(blocking, NAMES.get(name, name)))


@pytest.mark.parametrize(("blocking", "waiting", "name"), METHODS)
def test_what_an_operation_takes_is_explained(blocking: type, waiting: type, name: str) -> None:
    """Where arguments are listed, all of them are, in their order."""
    for kind, called in ((blocking, NAMES.get(name, name)), (waiting, name)):
        of = kind if called == "__init__" else function(kind, called)
        _, found, explained = (inspect.getdoc(of) or "").partition("Args:\n")
        listed = [line.strip().lstrip("*").partition(":")[0] for line in explained.partition("\n\n")[0].splitlines()]
        parameters = [one for one in inspect.signature(function(kind, called)).parameters if one != "self"]
        assert not found or parameters == [one for one in listed if one in parameters]


@pytest.mark.parametrize("kind", [kind for pair in PAIRS for kind in pair])
def test_an_operation_takes_few_arguments_by_position(kind: type) -> None:
    """Beyond the one or two obvious arguments everything is by keyword, and nothing is swallowed.

    Further keywords are those of a typed dictionary, and others are refused.
    """
    for name in offered(kind) - {"__exit__", "__aexit__"}:
        signature = inspect.signature(function(kind, name))
        parameters = [one for one in signature.parameters.values() if "Unpack[" not in str(one.annotation)]
        kinds = [one.kind for one in parameters if one.name != "self"]
        assert kinds.count(inspect.Parameter.POSITIONAL_OR_KEYWORD) <= 2
        assert not {inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL} & set(kinds)
