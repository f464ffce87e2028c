"""The program: changes a library until it is killed, and writes down each change before and after it is made."""

from __future__ import annotations

import hashlib
import json
import os
import random
import sys
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from aurashot.characters import CharacterLibrary, ObjectStore
from aurashot.characters._objects import Objects

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

NAMES: Final = ("Snow", "林小雪", "Zoë", "Álvaro", "Дарья", "ひかり")
"""The names that are created, renamed and removed again and again."""
SHARES: Final = {"create": 4, "update": 3, "save": 4, "rename": 3, "remove": 1}
"""How often each kind of change is made."""


def png(number: int) -> bytes:
    """Return a small PNG image that is different for each number."""
    row = b"\0" + number.to_bytes(6) * 4
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        len(content).to_bytes(4) + kind + content + zlib.crc32(kind + content).to_bytes(4)
        for kind, content in (
            (b"IHDR", (8).to_bytes(4) + (8).to_bytes(4) + b"\x08\x02\0\0\0"),
            (b"IDAT", zlib.compress(row * 8)),
            (b"IEND", b""),
        )
    )


def opened(place: Mapping[str, Any]) -> CharacterLibrary:
    """Return the library at a place: `root`, and for an object store `options` and `lock_seconds`."""
    if "options" not in place:
        return CharacterLibrary(place["root"])
    seconds = float(place["lock_seconds"])
    objects = Objects.at(place["root"], place["options"], 30)
    return CharacterLibrary(ObjectStore(objects, lock_seconds=seconds))


def make_changes(place: Mapping[str, Any], log: Path, seed: int) -> None:
    """Make changes until the process is killed."""
    library, rng = opened(place), random.Random(seed)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    while True:
        change = _next(library, rng)
        _write(descriptor, {"begin": change})
        CHANGES[change["change"]](library, change)
        _write(descriptor, {"end": change})


def _write(descriptor: int, line: Mapping[str, object]) -> None:
    os.write(descriptor, json.dumps(line).encode() + b"\n")  # one call: whole, also if the process is killed


def _next(library: CharacterLibrary, rng: random.Random) -> dict[str, Any]:
    """Choose a change that is possible."""
    there = [each.slug for each in library.list()]
    free = sorted(set(NAMES) - set(there))
    kind = rng.choices(list(SHARES), list(SHARES.values()))[0]
    if not there or (kind in {"create", "rename"} and not free):
        kind = "create" if free else "remove"
    change = {"change": kind, "name": rng.choice(free if kind == "create" else there), "mark": uuid4().hex}
    return change | ({"new": rng.choice(free)} if kind == "rename" else {})


def _create(library: CharacterLibrary, change: Mapping[str, str]) -> None:
    number = int(change["mark"][:12], 16)
    face, anchor = png(number), png(number + 1)
    library.create(change["name"], face=face, anchor=anchor, description=change["mark"], extra={"mark": change["mark"]})


def _update(library: CharacterLibrary, change: Mapping[str, str]) -> None:
    library.update(change["name"], description=change["mark"])


def _save(library: CharacterLibrary, change: Mapping[str, str]) -> None:
    with library.locked(change["name"]) as profile:
        library.store.create(f"avatars/{profile.slug}/gallery/{change['mark']}.png", content_of(change["mark"]))


def _rename(library: CharacterLibrary, change: Mapping[str, str]) -> None:
    library.rename(change["name"], change["new"])


def _remove(library: CharacterLibrary, change: Mapping[str, str]) -> None:
    library.forget(change["name"])


CHANGES: Final[Mapping[str, Callable[[CharacterLibrary, Mapping[str, str]], None]]] = {
    "create": _create,
    "update": _update,
    "save": _save,
    "rename": _rename,
    "remove": _remove,
}


def content_of(mark: str) -> bytes:
    """Return the image that is saved with a mark: long enough to be killed in the middle of."""
    return hashlib.sha256(mark.encode()).digest() * 4_096


def main() -> None:
    """Make changes: `python -m lab.characters.program PLACE LOG SEED`, where PLACE is JSON."""
    make_changes(json.loads(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))


if __name__ == "__main__":
    main()
