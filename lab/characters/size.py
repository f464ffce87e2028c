"""A library of many characters and images: what it takes to list it, to index it and to search it.

Each is measured in a process of its own, which has imported the library and done nothing else.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from aurashot.characters import CharacterLibrary, Reference, Sidecar
from lab.bench.memory import peak
from lab.characters.images import png
from lab.process import Child, send

if TYPE_CHECKING:
    from collections.abc import Callable

CHARACTERS: Final = 10_000
IMAGES: Final = 100_000
MAX_SECONDS: Final = 1.0
"""How long listing the characters may take."""
MAX_MEMORY: Final = 200_000_000
"""Bytes that a process may take which lists them."""
WORD: Final = "lantern"
"""A word in the prompts of some images."""
_EVERY: Final = 1_000
"""One in so many images has the word in its prompt."""
_SEARCHES: Final = 9
_NAME: Final = "character 0"
_DIGEST: Final = "0" * 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """What was measured. Times are in seconds, and memory is in bytes.

    Attributes:
        characters: The number of characters that were listed.
        images: The number of images in the index.
        found: The number of images that a search has found.
        wanted: The number that it should have found.
        first: The time of the first list.
        second: The time of the second list in the same process.
        list_memory: The peak of a process that lists the characters.
        index: The time of making the index.
        search: The time of a search, the median of several.
        index_memory: The peak of a process that makes the index and searches.
    """

    characters: int
    images: int
    found: int
    wanted: int
    first: float
    second: float
    list_memory: int
    index: float
    search: float
    index_memory: int

    @property
    def is_complete(self) -> bool:
        """Whether everything was listed and found."""
        return self.found == self.wanted > 0 and self.characters > 0 and self.images > 0

    @property
    def is_good(self) -> bool:
        """Whether everything was listed and found, in time and with little memory."""
        return self.is_complete and max(self.first, self.second) < MAX_SECONDS and self.list_memory < MAX_MEMORY


def measure(characters: int = CHARACTERS, images: int = IMAGES) -> Sizes:
    """Write a library into a temporary folder, and measure it.

    Args:
        characters: How many there are.
        images: How many there are in all galleries together.
    """
    with tempfile.TemporaryDirectory() as folder:
        build(Path(folder), characters, images)
        os.sync()  # or else the disk would be busy with it meanwhile
        with Child("lab.characters.size", "list", folder) as child:
            listed = child.receive()
        with Child("lab.characters.size", "search", folder) as child:
            searched = child.receive()
    wanted = min(100, -(-images // _EVERY))
    return Sizes(**listed, **searched, wanted=wanted)


def build(root: Path, characters: int, images: int) -> None:
    """Write a library, file by file."""
    made = CharacterLibrary(root / "template").create(
        _NAME, face=png(1), anchor=png(2), description="x" * 200, styles=["film", "35 mm"], scenes=["in a cafe"]
    )
    profile = (root / f"template/avatars/{_NAME}/profile/character.json").read_bytes()
    sidecar, content = _sidecar().to_bytes(), png(3)
    for number in range(characters):
        folder = root / f"avatars/character {number}"
        (folder / "profile").mkdir(parents=True)
        (folder / "gallery").mkdir()
        own = profile.replace(_NAME.encode(), folder.name.encode()).replace(made.id.encode(), b"%036d" % number)
        _write(folder / "profile/character.json", own)
        _write(folder / "profile/face-reference.png", png(1))
        _write(folder / "profile/id-photo.png", png(2))
        for image in range(number, images, characters):
            facts = sidecar.replace(_DIGEST.encode(), b"%064x" % image).replace(b"@", b"%d" % image)
            place = f"{folder}/gallery/in-a-cafe-{image}.png"
            _write(place, content)
            _write(f"{place}.json", facts.replace(b"#", WORD.encode() if image % _EVERY == 0 else b"umbrella"))


def _sidecar() -> Sidecar:
    """Return the facts about an image, with marks for its number and for a word."""
    return Sidecar(
        sha256=_DIGEST,
        received_sha256=_DIGEST,
        operation="generate",
        prompt="Scene @: in a cozy cafe with a #, warm afternoon light, casual outfit",
        references={"face": Reference(sha256="a" * 64, url="https://cdn.aurashot.art/o/face.png", character=_NAME)},
        parents=("a" * 64,),
        anchor_sha256="a" * 64,
        created_at=datetime(2026, 11, 1, tzinfo=UTC),
        payment="paid",
        request_id="request @",
        idempotency_key="order @",
        url="https://cdn.aurashot.art/o/@.png",
        tags={"order": "@"},
    )


def _write(path: str | Path, content: bytes) -> None:
    Path(path).write_bytes(content)


def _listed(root: str) -> dict[str, Any]:
    """Measure two lists."""
    library = CharacterLibrary(root)
    first, characters = _timed(library.list)
    count = len(characters)
    del characters  # or else the memory of two lists would be measured
    second, _ = _timed(library.list)
    return {"characters": count, "first": first, "second": second, "list_memory": peak()}


def _searched(root: str) -> dict[str, Any]:
    """Measure the making of the index, and searches with it."""
    library = CharacterLibrary(root)
    index, _ = _timed(library.rebuild_index)
    images = sum(1 for _ in library.search(limit=None, refresh=False))
    results = [_timed(lambda: library.search(WORD)) for _ in range(_SEARCHES)]
    return {
        "images": images,
        "found": len(results[0][1]),
        "index": index,
        "search": statistics.median(seconds for seconds, _ in results),
        "index_memory": peak(),
    }


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


if __name__ == "__main__":
    send({"list": _listed, "search": _searched}[sys.argv[1]](sys.argv[2]))
