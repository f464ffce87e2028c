from __future__ import annotations

import inspect
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from aurashot import CharacterExistsError
from aurashot.characters import AsyncCharacterLibrary, CharacterLibrary
from tests.characters.conftest import ANCHOR, FACE, OTHER

if TYPE_CHECKING:
    from pathlib import Path

BLOCKING_ONLY = {"locked"}
"""A lock belongs to a thread, and blocks."""
ASYNC_ONLY = {"blocking"}
"""The same library for blocking code."""
NOT_AWAITED = {"__init__", "on_forget", "path"}


def offered(kind: type) -> set[str]:
    """Return the public names of a class and its bases, and its constructor."""
    names = {name for base in kind.__mro__ if base is not object for name in vars(base)}
    return {name for name in names if not name.startswith("_")} | {"__init__"}


METHODS = sorted(offered(AsyncCharacterLibrary) - ASYNC_ONLY)


def told(thing: object) -> str:
    """Return a docstring as it would be for blocking code, however its lines are broken."""
    text = " ".join((inspect.getdoc(thing) or "").split())
    return text.replace("await ", "").replace("Async", "")


def test_both_libraries_offer_the_same_names() -> None:
    """Whoever knows one knows the other."""
    assert offered(CharacterLibrary) - BLOCKING_ONLY == offered(AsyncCharacterLibrary) - ASYNC_ONLY
    assert told(CharacterLibrary) == told(AsyncCharacterLibrary)


@pytest.mark.parametrize("name", METHODS)
def test_both_libraries_take_the_same_arguments(name: str) -> None:
    """Names, kinds, defaults, types, results and docstrings are equal; what reads or writes is awaited."""
    here, there = getattr(CharacterLibrary, name), getattr(AsyncCharacterLibrary, name)
    assert str(inspect.signature(here)) == str(inspect.signature(there)).replace("AsyncAuraShot", "AuraShot")
    assert told(here) == told(there)
    assert (name not in NOT_AWAITED) == inspect.iscoroutinefunction(there)


@pytest.mark.anyio
async def test_an_async_library_does_all_that_the_other_does(tmp_path: Path) -> None:
    """On asyncio and on trio, with the same errors."""
    library = AsyncCharacterLibrary(tmp_path / "library")
    made = await library.create("Snow", face=FACE, anchor=ANCHOR)
    with pytest.raises(CharacterExistsError):
        await library.create("snow")
    assert made == await library.get("Snow")
    assert (made,) == await library.list()
    changed = await library.update(made, description="x")
    renamed = await library.rename(changed, "Dora")
    path = await library.export(renamed, tmp_path)
    assert "Emma" == (await library.import_(path, name="Emma")).slug
    assert () == await library.check()
    await library.remove("Emma")
    library.on_forget(lambda _: ["1 entry"])
    assert ("1 entry",) == (await library.forget("Dora")).records
    assert () == await library.list()
    assert str(tmp_path) in repr(library)


@pytest.mark.anyio
async def test_concurrent_calls_lose_nothing(tmp_path: Path) -> None:
    """Each call has a thread of its own."""
    library = AsyncCharacterLibrary(tmp_path / "library")
    names = [f"Snow {number}" for number in range(20)]
    async with anyio.create_task_group() as group:
        for name in names:
            group.start_soon(lambda each: library.create(each, face=OTHER), name)
    assert sorted(names) == [each.slug for each in await library.list()]


@pytest.mark.anyio
async def test_a_cancelled_call_leaves_nothing_half_done(tmp_path: Path) -> None:
    """It comes to its end."""
    library = AsyncCharacterLibrary(tmp_path / "library")
    with anyio.move_on_after(0) as scope:
        await library.create("Snow", face=FACE)
    assert len(await library.list()) in {0, 1}
    assert () == await library.check()
    assert scope.cancel_called


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import aurashot", {"aurashot.characters", "pydantic", "anyio"}),
        ("import aurashot.characters", {"pydantic", "anyio", "obstore", "zipfile"}),
        (
            "from aurashot.characters import CharacterLibrary",
            {"anyio", "obstore", "httpx", "numpy", "PIL", "aurashot.identity"},
        ),
        ("from aurashot import AuraShot; AuraShot('sk_live_0123456789')", {"aurashot.characters", "obstore"}),
    ],
)
def test_nothing_is_imported_before_it_is_used(code: str, absent: set[str]) -> None:
    """Whoever has no characters pays nothing for them, and a library in a folder needs no extra."""
    script = f"{code}\nimport json, sys; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True)
    loaded: Any = set(json.loads(done.stdout))
    assert set() == loaded & absent
