from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import httpx
import pytest

from aurashot import UnresolvedError
from aurashot.characters import CharacterLibrary
from aurashot.ledger import Settle, SQLiteLedger
from lab.characters.__main__ import CROWD_HEAD, HEAD, SIZE_HEAD, crowd_row, row, size_row
from lab.characters.crowd import Additions
from lab.characters.images import face_of, image_of, png
from lab.characters.killer import Killer, Result
from lab.characters.program import Program, Task
from lab.characters.service import image_url, key_of, running
from lab.characters.size import Sizes, build, measure
from lab.characters.state import Known, after, state_of
from tests.characters.disk import DiskStore

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from aurashot import AuraShotError
    from aurashot.ledger import Entry, Write

GOOD = Result(kills=1, changes=5, bills=2)
ADDITIONS = Additions(processes=2, reported=4, lost=0, seconds=1.0)
SIZES = Sizes(
    characters=3,
    images=9,
    found=1,
    wanted=1,
    first=0.9,
    second=0.5,
    list_memory=10**8,
    index=1.0,
    search=0.1,
    index_memory=10**8,
)


def cells(line: str) -> list[str]:
    """Return the cells of a row."""
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_a_killed_program_loses_nothing_and_pays_nothing_twice() -> None:
    """After 4 kills at random times, all that was reported is there, and nothing half done; no addition is lost."""
    options = [
        "--kills",
        "4",
        "--s3-kills",
        "0",
        "--processes",
        "2",
        "--changes",
        "5",
        "--s3-changes",
        "0",
        "--no-size",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "lab.characters", *options], capture_output=True, text=True, check=False, timeout=240
    )
    assert (0, "") == (done.returncode, done.stderr), done.stdout
    killed, crowd = (cells(line) for line in done.stdout.splitlines() if line.startswith("| folder"))
    found = dict(zip(HEAD, killed, strict=True))
    assert ("4", "0", "0", "0") == tuple(found[name] for name in ("kills", "paid twice", "problems", "files left"))
    assert ["folder", "2", "10", "0"] == crowd[:4]


def test_a_large_library_is_measured() -> None:
    """Everything is listed and found; how long it takes is another matter."""
    sizes = measure(characters=20, images=50)
    assert (20, 50, 1) == (sizes.characters, sizes.images, sizes.found)
    assert sizes.is_complete
    assert min(sizes.first, sizes.second, sizes.index, sizes.search) > 0


def test_a_list_reads_one_file_of_each_character(tmp_path: Path) -> None:
    """It looks into no gallery."""
    build(tmp_path, characters=30, images=60)
    store = DiskStore(tmp_path)
    assert 30 == len(CharacterLibrary(store).list())
    assert [] == store.lists
    assert {f"avatars/character {each}/profile/character.json" for each in range(30)} == set(store.reads)
    assert 30 == len(store.reads)


def test_a_written_library_is_sound(tmp_path: Path) -> None:
    """It is what the library itself would have written."""
    build(tmp_path, characters=3, images=4)
    library = CharacterLibrary(tmp_path)
    assert () == library.check()
    assert 3 == len({each.id for each in library.list()})
    first, second = library.gallery("character 0")
    assert {"0", "3"} == {first.tags["order"], second.tags["order"]}


def test_the_service_bills_a_key_as_often_as_it_is_used() -> None:
    """A double payment shows; each key has an image of its own."""
    with running() as service, httpx.Client(base_url=service.url, trust_env=False) as client:
        for path in ("id-photo", "generate", "generate"):
            response = client.post(f"/v1/character/{path}", json={}, headers={"Idempotency-Key": path}).json()
            assert image_url(service.url, path) == response["outputs"][0]["url"]
            assert path == response["taskType"]
        upload = client.post("/v1/uploads", files={"file": ("a.png", png(1), "image/png")}).json()["url"]
        assert upload.startswith(f"{service.url}/image/")
        assert {"id-photo": ["id-photo"], "generate": ["generate"] * 2} == service.bills()
        assert image_of("generate") == client.get(image_url("", "generate")).content
        assert 404 == client.post("/elsewhere").status_code
        assert 404 == client.get("/elsewhere").status_code
    assert image_of("generate") != image_of("id-photo")
    assert "a" == key_of(image_url("http://127.0.0.1:1", "a"))


class KilledError(BaseException):
    """Stands for the end of a process."""


class Dying(SQLiteLedger):
    """A ledger in a process that is killed before the request is sent, or before the response is recorded."""

    is_sent: ClassVar[bool]

    def write(self, writes: Sequence[Write], *, timeout: float = 5.0) -> list[Entry | AuraShotError | None]:
        """Record a request and be killed, or be killed instead of recording its outcome."""
        if any(isinstance(each, Settle) for each in writes):
            raise KilledError
        written = super().write(writes, timeout=timeout)
        if not self.is_sent:
            raise KilledError
        return written


@pytest.mark.parametrize("kind", ["create", "save"])
@pytest.mark.parametrize("is_sent", [True, False], ids=["sent", "not sent"])
def test_a_change_is_resumed_under_its_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, *, is_sent: bool
) -> None:
    """The program was killed, and its ledger does not know whether it has paid: it asks, and pays once."""
    create = {"change": "create", "name": "Snow", "mark": "1" * 32}
    change = create if kind == "create" else {"change": "save", "name": "Snow", "mark": "2" * 32}
    monkeypatch.setattr(Dying, "is_sent", is_sent, raising=False)
    with running() as service, ExitStack() as stack:
        task = Task(
            place={"root": str(tmp_path / "library")},
            url=service.url,
            ledger=str(tmp_path / "ledger.db"),
            log="",
            seed=1,
        )
        program = Program(task)
        stack.callback(program.close)
        if change != create:
            program.make(create)
        with monkeypatch.context() as patch:
            patch.setattr("lab.characters.program.SQLiteLedger", Dying)
            killed = Program(task)
        stack.callback(killed.close)
        with pytest.raises(KilledError):
            killed.make(change)
        assert is_sent == (change["mark"] in service.bills())
        with pytest.raises(UnresolvedError):
            program.make(change)
        program.resume(change)
        assert all(1 == len(bills) for bills in service.bills().values())
        problems: list[str] = []
        saved = frozenset({change["mark"]} - {create["mark"]})
        assert {"Snow": Known(create["mark"], create["mark"], saved)} == state_of(program.library, problems)
        assert [] == problems


def test_what_is_wrong_with_a_library_is_found(tmp_path: Path) -> None:
    """Images of another character, and an image or a sidecar alone or of another image."""
    library = CharacterLibrary(tmp_path)
    mark, key, other = "1" * 32, "2" * 32, "3" * 32
    library.create("Snow", face=face_of(mark), anchor=image_of(mark), anchor_url=image_url("https://x.org", mark))
    gallery = "avatars/Snow/gallery"
    library.store.create(f"{gallery}/{key}.png", image_of(key))
    library.store.create(f"{gallery}/{other}.png.json", b"{}")
    problems: list[str] = []
    assert {"Snow": Known(mark, "")} == state_of(library, problems)
    assert [f"{gallery}/{key}.png has no sidecar", f"{gallery}/{other}.png.json has no image"] == problems
    alone: list[str] = []
    state_of(library, alone, {"change": "save", "name": "Snow", "mark": key})
    assert problems[1:] == alone
    library.store.create(f"{gallery}/{other}.png", image_of(key))
    library.store.create(f"{gallery}/{key}.png.json", b"{}")
    library.update("Snow", anchor=image_of(other), anchor_url=image_url("https://x.org", mark))
    found: list[str] = []
    state_of(library, found)
    assert 7 == len(found), found
    assert "Snow has images of another character" == found[0]


def test_bills_are_compared_with_the_changes(tmp_path: Path) -> None:
    """Each paid change has one bill of its operation, and there are no others."""
    task = Task(place={"root": str(tmp_path)}, url="", ledger=str(tmp_path / "ledger.db"), log="", seed=1)

    def compared(bills: dict[str, list[str]]) -> Result:
        killer = Killer(task, 1, lambda _task, _seconds: None)
        for kind in ("create", "save", "rename"):
            killer.begin({"change": kind, "name": "a", "mark": kind})
            killer.note({"change": kind, "name": "a", "mark": kind})
        killer.begin({"change": "save", "name": "a", "mark": "never made"})
        killer.compare_bills(bills)
        return killer.result

    right = {"create": ["id-photo"], "save": ["generate"]}
    assert compared(right).is_good
    assert 1 == compared(right | {"save": ["generate"] * 2}).paid_twice
    assert 1 == compared(right | {"unknown": ["generate"]}).paid_twice
    assert ["save was not paid for"] == compared({"create": ["id-photo"]}).problems
    assert ["never made is paid for and lost"] == compared(right | {"never made": ["generate"]}).problems
    assert ["save is billed as id-photo, not as generate"] == compared(right | {"save": ["id-photo"]}).problems


@pytest.mark.parametrize(
    "fault", [{"problems": ["lost"]}, {"left": 1}, {"changes": 0}, {"bills": 0}, {"paid_twice": 1}], ids=str
)
def test_a_fault_fails_the_run(fault: dict[str, Any]) -> None:
    """Each invariant is checked; a run without changes fails."""
    assert GOOD.is_good
    assert not replace(GOOD, **fault).is_good


@pytest.mark.parametrize("fault", [{"lost": 1}, {"problems": ("broken",)}, {"reported": 0}], ids=str)
def test_a_lost_addition_fails_the_run(fault: dict[str, Any]) -> None:
    """So does a broken library."""
    assert ADDITIONS.is_good
    assert not replace(ADDITIONS, **fault).is_good


@pytest.mark.parametrize(
    "fault", [{"characters": 0}, {"found": 0}, {"first": 1.1}, {"second": 1.1}, {"list_memory": 2 * 10**8}], ids=str
)
def test_a_large_library_that_is_too_slow_fails_the_run(fault: dict[str, Any]) -> None:
    """So does one that takes too much memory, or of which something is not found."""
    assert SIZES.is_good
    assert not replace(SIZES, **fault).is_good


def test_rows_have_a_cell_for_each_column() -> None:
    """The headers and the rows have the same length."""
    assert len(HEAD) == len(row("folder", GOOD))
    assert len(CROWD_HEAD) == len(crowd_row("folder", ADDITIONS))
    assert len(SIZE_HEAD) == len(size_row(SIZES))


def test_the_model_of_the_killer_knows_every_change() -> None:
    """What is expected after each of them."""
    state = after({}, {"change": "create", "name": "a", "mark": "1"})
    state = after(state, {"change": "update", "name": "a", "mark": "2"})
    state = after(state, {"change": "save", "name": "a", "mark": "3"})
    state = after(state, {"change": "rename", "name": "a", "mark": "4", "new": "b"})
    assert {"b": Known("1", "2", frozenset({"3"}))} == state
    assert {} == after(state, {"change": "remove", "name": "b", "mark": "5"})
