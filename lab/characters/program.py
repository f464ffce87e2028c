"""The program: changes a library until it is killed, and writes down each change before and after it is made.

Characters and images are paid for. A program that was killed within a change makes that change first when it is started
again, under the same idempotency key.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias
from uuid import uuid4

from aurashot import AuraShot, AuraShotError, CharacterNotFoundError, UnresolvedError
from aurashot.characters import CharacterLibrary, ObjectStore
from aurashot.characters._objects import Objects
from aurashot.ledger import SQLiteLedger
from lab.billing import API_KEY
from lab.characters.images import face_of
from lab.characters.service import RunningService, image_url

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

Change: TypeAlias = dict[str, str]
"""A change: `change` is its kind, `name` the character, `mark` its idempotency key, `new` the new name."""

NAMES: Final = ("Snow", "林小雪", "Zoë", "Álvaro", "Дарья", "ひかり")
"""The names that are created, renamed and removed again and again."""
SHARES: Final = {"create": 4, "update": 3, "save": 4, "rename": 3, "remove": 1}
"""How often each kind of change is made."""


def opened(place: Mapping[str, Any]) -> CharacterLibrary:
    """Return the library at a place: `root`, and for an object store `options` and `lock_seconds`."""
    if "options" not in place:
        return CharacterLibrary(place["root"])
    seconds = float(place["lock_seconds"])
    objects = Objects.at(place["root"], place["options"], 30)
    return CharacterLibrary(ObjectStore(objects, lock_seconds=seconds))


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What a run of the program is given.

    Attributes:
        place: Where the library is, as `opened` takes it.
        url: The base URL of the service.
        ledger: The file of the ledger.
        log: The file that the changes are written down in.
        seed: The seed of the random changes.
        pending: The change within which an earlier run was killed.
    """

    place: Mapping[str, Any]
    url: str
    ledger: str
    log: str
    seed: int
    pending: Change | None = None

    def dump(self) -> str:
        """Return it as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def load(cls, text: str) -> Self:
        """Create it from the output of `dump`."""
        fields: dict[str, Any] = json.loads(text)
        return cls(**fields)


class Program:
    """The library, the client and the ledger of one run."""

    def __init__(self, task: Task) -> None:
        self.library: CharacterLibrary = opened(task.place)
        self._ledger = SQLiteLedger(task.ledger)
        self._service = RunningService(task.url)
        self._client = AuraShot(API_KEY, base_url=task.url, ledger=self._ledger)
        self._changes: Mapping[str, Callable[[Change], object]] = {
            "create": self._create,
            "update": self._update,
            "save": self._save,
            "rename": self._rename,
            "remove": self._remove,
        }

    def make(self, change: Change) -> None:
        """Make a change."""
        self._changes[change["change"]](change)

    def resume(self, change: Change) -> None:
        """Make a change within which an earlier run was killed, and pay for it unless that run has.

        Raises:
            AuraShotError: The client or the library refuses.
        """
        try:
            self.make(change)
        except UnresolvedError:
            self._resolve(change["mark"])
            self.make(change)
        except CharacterNotFoundError:
            if change["change"] != "remove":  # whoever takes the lock of the name next finishes a removal
                raise

    def _resolve(self, key: str) -> None:
        """Tell the ledger what the bill says about a key."""
        if key in self._service.bills():
            self._ledger.resolve(key, "paid", urls=[image_url(self._service.url, key)], request_id=key)
        else:
            self._ledger.resolve(key, "not_paid")

    def close(self) -> None:
        """Close the client and the ledger."""
        self._client.close()
        self._ledger.close()

    def _create(self, change: Change) -> None:
        mark = change["mark"]
        self._client.create_character(
            change["name"],
            face=face_of(mark),
            library=self.library,
            check=False,
            idempotency_key=mark,
            description=mark,
        )

    def _update(self, change: Change) -> None:
        self.library.update(change["name"], description=change["mark"])

    def _save(self, change: Change) -> None:
        character = self.library.get(change["name"])
        shot = self._client.generate(change["mark"], face=character, idempotency_key=change["mark"])
        self._client.download(shot, character)

    def _rename(self, change: Change) -> None:
        self.library.rename(change["name"], change["new"])

    def _remove(self, change: Change) -> None:
        self.library.forget(change["name"])


def make_changes(task: Task) -> None:
    """Make changes until the process is killed; after one that fails, wait for that."""
    program, rng = Program(task), random.Random(task.seed)
    descriptor = os.open(task.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    change, make = task.pending, program.resume
    while True:
        if change is None:
            change, make = _next(program.library, rng), program.make
        _write(descriptor, {"begin": change})
        try:
            make(change)
        except AuraShotError as error:
            _write(descriptor, {"failed": change, "error": f"{type(error).__name__}: {error}"})
            signal.pause()
        _write(descriptor, {"end": change})
        change = None


def _write(descriptor: int, line: Mapping[str, object]) -> None:
    os.write(descriptor, json.dumps(line).encode() + b"\n")  # one call: whole, also if the process is killed


def _next(library: CharacterLibrary, rng: random.Random) -> Change:
    """Choose a change that is possible."""
    there = [each.slug for each in library.list()]
    free = sorted(set(NAMES) - set(there))
    kind = rng.choices(list(SHARES), list(SHARES.values()))[0]
    if not there or (kind in {"create", "rename"} and not free):
        kind = "create" if free else "remove"
    change = {"change": kind, "name": rng.choice(free if kind == "create" else there), "mark": uuid4().hex}
    return change | ({"new": rng.choice(free)} if kind == "rename" else {})


def warm_up(folder: Path, service: RunningService) -> None:
    """Make each kind of change once, so that processes that are forked from this one need not import anything."""
    task = Task(
        place={"root": str(folder / "library")}, url=service.url, ledger=str(folder / "ledger.db"), log="", seed=0
    )
    program, name = Program(task), NAMES[0]
    for kind in SHARES:
        program.make({"change": kind, "name": name, "mark": uuid4().hex, "new": NAMES[1]})
        name = NAMES[1] if kind == "rename" else name
    program.close()


def main() -> None:
    """Make changes: `python -m lab.characters.program TASK`, where TASK is JSON."""
    with AuraShot(API_KEY):  # imports what the first call needs
        pass
    make_changes(Task.load(sys.argv[1]))


if __name__ == "__main__":
    main()
