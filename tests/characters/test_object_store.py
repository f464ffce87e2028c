from __future__ import annotations

import sys
import threading
import time
from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from aurashot import CharacterExistsError, CharacterNotFoundError, ConfigurationError, LibraryError
from aurashot._flows.creation_checks import Wanted, check
from aurashot.characters import CharacterLibrary, ObjectStore
from aurashot.characters._held import Turns
from aurashot.characters._object_store import Pending
from aurashot.characters._objects import Objects, Version
from aurashot.characters._store import lock_key
from lab.characters.program import opened
from lab.server import CLOSE, RESET, body, status
from tests.characters.conftest import ANCHOR, FACE, OTHER, memory_library

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.server import Response, ScriptedServer

SHORT = 0.3
"""Seconds that a lock lasts in these tests."""
SHORTEST = 0.05
"""The same where a process is killed again and again."""


class KilledError(BaseException):
    """Stands for the end of a process: nothing that comes after it is done."""


class Dying(Objects):
    """Requests of a process that is killed before one of those that change something.

    Args:
        objects: The requests.
        alive: How many of them are still made.
    """

    def __init__(self, objects: Objects, alive: int) -> None:
        super().__init__(objects._store, objects.address)
        self.alive = alive

    def _live(self) -> None:
        self.alive -= 1
        if self.alive < 0:
            raise KilledError

    def create(self, path: str, content: bytes) -> Version:
        """Create an object, or be killed."""
        self._live()
        return super().create(path, content)

    def replace(self, path: str, content: bytes) -> None:
        """Replace an object, or be killed."""
        self._live()
        super().replace(path, content)

    def remove(self, paths: Any) -> None:
        """Remove objects one by one, or be killed before one of them."""
        for path in paths:
            self._live()
            super().remove([path])

    def copy(self, path: str, target: str) -> None:
        """Copy an object, or be killed."""
        self._live()
        super().copy(path, target)

    def exchange(self, path: str, content: bytes, version: Version) -> Version | None:
        """Exchange an object, or be killed."""
        self._live()
        return super().exchange(path, content, version)


def objects_of(library: CharacterLibrary) -> Objects:
    """Return the requests of a library."""
    assert isinstance(library.store, ObjectStore)
    return library.store.objects


def killed(library: CharacterLibrary, alive: int, call: Callable[[CharacterLibrary], object]) -> bool:
    """Make a call in a process that is killed after some requests, and return whether it was killed."""
    dying = Dying(objects_of(library), alive)
    try:
        call(CharacterLibrary(ObjectStore(dying, lock_seconds=SHORTEST)))
    except KilledError:
        return True
    assert dying.alive >= 0
    return False


@pytest.fixture(params=["memory", "s3"])
def remote(request: pytest.FixtureRequest) -> CharacterLibrary:
    """Return an empty library in an object store, whose locks last a moment only."""
    if request.param == "memory":
        return CharacterLibrary(ObjectStore(objects_of(memory_library()), lock_seconds=SHORT))
    return opened(request.getfixturevalue("s3_place") | {"lock_seconds": SHORT})


def empty() -> CharacterLibrary:
    """Return an empty library in memory, whose locks last a moment only."""
    return CharacterLibrary(ObjectStore(objects_of(memory_library()), lock_seconds=SHORTEST))


@pytest.fixture
def memory() -> CharacterLibrary:
    """Return an empty library in memory, whose locks last a moment only."""
    return CharacterLibrary(ObjectStore(objects_of(memory_library()), lock_seconds=SHORT))


def unfinished(library: CharacterLibrary) -> list[str]:
    """Return what is noted as not done."""
    return [each.path for each in library.store.files(".aurashot/pending", hidden=True)]


def test_an_object_is_created_once(remote: CharacterLibrary) -> None:
    """The second one is refused; replacing and exchanging are possible."""
    objects = objects_of(remote)
    first = objects.create("a/1", b"1")
    with pytest.raises(FileExistsError):
        objects.create("a/1", b"2")
    assert b"1" == objects.read("a/1")
    assert first == objects.version("a/1")
    second = objects.exchange("a/1", b"3", first)
    assert second is not None
    assert objects.exchange("a/1", b"4", first) is None
    assert objects.exchange("a/missing", b"4", first) is None
    assert b"3" == objects.read("a/1")
    objects.remove(["a/1", "a/missing"])
    assert objects.version("a/1") is None
    with pytest.raises(FileNotFoundError):
        objects.read("a/1")


def test_a_name_is_free_after_a_killed_rename() -> None:
    """A new character can be made under it, whatever of the old one is still there."""
    for alive in range(40):
        library = empty()
        library.create("Snow", face=FACE, anchor=ANCHOR)
        was_killed = killed(library, alive, lambda dying: dying.rename("Snow", "Dora"))
        (seen,) = library.list()
        (free,) = {"Snow", "Dora"} - {seen.slug}
        check(Wanted(library, free, "real", OTHER, None, False, {}), OTHER)
        assert OTHER == library.create(free, face=OTHER).read_face()
        assert FACE == library.get(seen.slug).read_face()
        if not was_killed:
            return
    pytest.fail("it takes more requests")


class Counting(Objects):
    """Requests that are counted.

    Args:
        objects: The requests.
    """

    def __init__(self, objects: Objects) -> None:
        super().__init__(objects._store, objects.address)
        self.calls: list[str] = []

    def create(self, path: str, content: bytes) -> Version:
        """Count it."""
        self.calls.append("create")
        return super().create(path, content)

    def version(self, path: str) -> Version | None:
        """Count it."""
        self.calls.append("version")
        return super().version(path)


def test_waiting_for_a_lock_writes_nothing(memory: CharacterLibrary) -> None:
    """After the first attempt, each costs one request."""
    counting = Counting(objects_of(memory))
    waiting, watched = ObjectStore(counting, lock_seconds=60.0), list[Any]()
    key = f".aurashot/locks/{lock_key('snow')}"
    with memory.store.lock("snow"):
        for _ in range(5):
            assert waiting._try_lock(key, watched) is None
    assert ["create", *["version"] * 5] == counting.calls
    assert waiting._try_lock(key, watched) is not None


def test_a_lock_is_taken_in_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever had to wait for it lets the others have it first the next time; an unwanted one is taken at once."""
    events: list[str] = []
    now = [0.0]

    def sleep(seconds: float) -> None:
        events.append("pause")
        now[0] += seconds

    clock = SimpleNamespace(sleep=sleep, monotonic=lambda: now[0])
    monkeypatch.setattr("aurashot.characters._held.time", clock)
    turns, answers = Turns(), [True, None, True, True, True]

    def try_to() -> bool | None:
        events.append("try")
        return answers.pop(0)

    def taken() -> list[str]:
        events.clear()
        assert turns.acquired("snow", try_to, 10.0)
        return list(events)

    assert ["try"] == taken()
    answers.insert(0, None)
    assert ["try", "try", "pause", "try"] == taken()
    assert ["pause", "try"] == taken()
    now[0] += 2.0
    assert ["try"] == taken()


def test_a_killed_rename_is_finished_or_undone() -> None:
    """Whenever it is killed: one of the two is complete at any time, and the next operation ends the matter."""
    for alive in range(40):
        library = empty()
        made = library.create("Snow", face=FACE, anchor=ANCHOR)
        library.store.create("avatars/Snow/gallery/1.png", OTHER)
        was_killed = killed(library, alive, lambda dying: dying.rename("Snow", "Dora"))
        (seen,) = library.list()
        assert (made.id, FACE, ANCHOR) == (seen.id, seen.read_face(), seen.read_anchor())
        assert OTHER == library.store.read(f"avatars/{seen.slug}/gallery/1.png")
        assert () == library.check()
        library.update(seen.slug, description="next")
        assert [seen.slug] == [each.slug for each in library.list()]
        assert 4 == len(list(library.store.files("avatars")))
        assert [] == unfinished(library)
        if not was_killed:
            assert "Dora" == seen.slug
            return
    pytest.fail("it was killed each time")


def test_a_killed_creation_leaves_nothing_or_all() -> None:
    """And the name can be used again."""
    for alive in range(40):
        library = empty()
        was_killed = killed(library, alive, lambda dying: dying.create("Snow", face=FACE, anchor=ANCHOR))
        seen = library.list()
        assert [FACE] * len(seen) == [each.read_face() for each in seen]
        if not seen:
            library.create("snow", face=OTHER)
        assert 1 == len(library.list())
        assert () == library.check()
        if not was_killed:
            assert [] == unfinished(library)
            return
    pytest.fail("it was killed each time")


def test_a_killed_removal_is_finished() -> None:
    """Once it has begun; the character is complete until then."""
    for alive in range(40):
        library = empty()
        library.create("Snow", face=FACE, anchor=ANCHOR)
        was_killed = killed(library, alive, lambda dying: dying.forget("Snow"))
        seen = library.list()
        assert [FACE] * len(seen) == [each.read_face() for each in seen]
        assert () == library.check()
        if not seen or unfinished(library):
            with pytest.raises(CharacterNotFoundError):
                library.update("Snow", description="next")
            library.create("Snow")
            assert ["character.json"] == [each.path.rpartition("/")[2] for each in library.store.files("avatars")]
        assert [] == unfinished(library)
        if not was_killed:
            return
    pytest.fail("it was killed each time")


def test_a_sweep_finishes_what_nobody_is_doing(memory: CharacterLibrary) -> None:
    """What is still locked is left to its process."""
    objects = objects_of(memory)
    memory.create("Snow", face=FACE)
    objects.create(".aurashot/pending/1", b'["remove", "avatars/Snow", ""]')
    assert ["avatars/Snow/profile/face-reference.png"] == memory.store.sweep()
    other = CharacterLibrary(ObjectStore(objects, lock_seconds=60))
    with other.store.lock("dora"):
        objects.create(".aurashot/pending/2", b'["remove", "avatars/Dora", ""]')
        assert ([], 1) == (memory.store.sweep(), len(unfinished(memory)))
    assert ([], 0) == (memory.store.sweep(), len(unfinished(memory)))


def test_a_lock_of_a_killed_process_is_taken_over(remote: CharacterLibrary) -> None:
    """When it has not changed for as long as a lock lasts, by the clock of the one that waits."""
    remote.create("Snow")
    objects_of(remote).create(f".aurashot/locks/{lock_key('snow')}", b"")
    start = time.monotonic()
    remote.update("Snow", description="x")
    assert SHORT <= time.monotonic() - start < 20
    assert "x" == remote.get("Snow").description


def test_a_lock_that_is_used_is_not_taken_over(memory: CharacterLibrary) -> None:
    """It is renewed by what is written under it."""
    memory.create("Snow")
    other = CharacterLibrary(ObjectStore(objects_of(memory), lock_seconds=SHORT / 10))
    with memory.locked("Snow"):
        for each in range(4):
            time.sleep(SHORT / 4)
            memory.store.create(f"avatars/Snow/gallery/{each}.png", OTHER)
        assert other.get("Snow").slug == "Snow"


def test_a_process_that_stood_still_writes_nothing_more(memory: CharacterLibrary) -> None:
    """Its lock was taken over: what the other one wrote is not overwritten by what it knew before."""
    memory.create("Snow")
    other = CharacterLibrary(ObjectStore(objects_of(memory), lock_seconds=SHORT))
    with memory.locked("Snow"):
        thread = threading.Thread(target=lambda: other.update("Snow", description="of the other"))
        thread.start()
        thread.join()
        with pytest.raises(LibraryError, match="stood still for more than") as caught:
            memory.update("Snow", description="of the first")
    assert "snow" == caught.value.character
    assert "of the other" == memory.get("Snow").description


def test_what_another_tool_put_there_meanwhile_stays(memory: CharacterLibrary, monkeypatch: pytest.MonkeyPatch) -> None:
    """A creation that fails removes its own objects only."""
    objects = objects_of(memory)
    original = Objects.create

    def meanwhile(self: Objects, path: str, content: bytes) -> Version:
        if path.endswith("id-photo.png"):
            original(self, path, OTHER)
        return original(self, path, content)

    monkeypatch.setattr(Objects, "create", meanwhile)
    with pytest.raises(CharacterExistsError):
        memory.create("Snow", face=FACE, anchor=ANCHOR)
    assert ["avatars/Snow/profile/id-photo.png"] == [each.path for each in objects.below("avatars")]
    assert [] == unfinished(memory)


def test_a_pending_note_knows_its_locks() -> None:
    """Those of both names, for a rename."""
    assert {"snow"} == Pending("create", "avatars/Snow").locks
    assert {"snow", "dora"} == Pending("rename", "avatars/Snow", "avatars/Dora").locks


def at(url: str, **options: Any) -> CharacterLibrary:
    """Return a library in S3 at a server's URL, which waits for nothing."""
    given = {
        "endpoint": url,
        "region": "us-east-1",
        "access_key_id": "testing",
        "secret_access_key": "sk-secret-1234",
        "client_options": {"allow_http": True, "timeout": timedelta(seconds=5)},
        "retry_config": {
            "max_retries": 2,
            "retry_timeout": timedelta(seconds=0.5),
            "backoff": {
                "init_backoff": timedelta(milliseconds=5),
                "max_backoff": timedelta(milliseconds=10),
                "base": 2,
            },
        },
    } | options
    return CharacterLibrary(ObjectStore(Objects.at("s3://bucket/library", given, 10), lock_seconds=SHORT))


@pytest.mark.parametrize(
    "response",
    [status(503), RESET, CLOSE, body(b"<html>not S3</html>", "text/html")],
    ids=["503", "reset", "closed", "HTML"],
)
def test_a_store_that_fails_is_told_after_some_attempts(server: ScriptedServer, response: Response) -> None:
    """503, a dropped connection and HTML of a proxy are errors that name the character and the file."""
    server.always(response)
    library = at(server.url)
    calls: list[Callable[[], object]] = [
        lambda: library.get("Snow"),
        lambda: library.create("Snow", face=FACE),
        lambda: library.update("Snow", description="x"),
        lambda: library.forget("Snow"),
    ]
    for call in calls:
        with pytest.raises(LibraryError) as caught:
            call()
        assert caught.value.path
        assert "secret" not in caught.value.message
        assert len(caught.value.message) < 1_000
    with pytest.raises(LibraryError) as caught:
        library.get("Snow")
    assert ("Snow", "avatars/Snow/profile/character.json") == (caught.value.character, caught.value.path)


def test_an_extra_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A library in a folder needs none."""
    monkeypatch.setitem(sys.modules, "obstore.store", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'aurashot\[characters\]'"):
        CharacterLibrary("s3://bucket/library")
