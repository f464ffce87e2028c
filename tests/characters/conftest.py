"""Libraries of each kind, and images for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from aurashot.characters import CharacterLibrary, Consent, ObjectStore
from aurashot.characters._objects import Objects
from lab.characters import s3
from lab.characters.images import png
from lab.characters.program import opened
from lab.process import Child

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

FACE, ANCHOR, OTHER = png(1), png(2), png(3)
CONSENT = Consent(who="Snow", purpose="Images of me")
STORES = ("folder", "memory", "s3")


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """Return the address of a server that speaks S3, in a process of its own."""
    with Child("lab.characters.s3") as child:
        yield str(child.receive())


@pytest.fixture
def s3_place(s3_endpoint: str) -> dict[str, Any]:
    """Return the place of an empty library in a new bucket."""
    return s3.bucket(s3_endpoint) | {"lock_seconds": 10.0}


def memory_library(**options: Any) -> CharacterLibrary:
    """Return a library in memory."""
    return CharacterLibrary(ObjectStore(Objects.at("memory:///", {}, 30), lock_seconds=2.0), **options)


@pytest.fixture(params=STORES)
def library(request: pytest.FixtureRequest, tmp_path: Path) -> CharacterLibrary:
    """Return an empty library, in a folder, in memory and in S3."""
    if request.param == "folder":
        return CharacterLibrary(tmp_path / "library")
    if request.param == "memory":
        return memory_library()
    return opened(request.getfixturevalue("s3_place"))


@pytest.fixture
def local(tmp_path: Path) -> CharacterLibrary:
    """Return an empty library in a folder."""
    return CharacterLibrary(tmp_path / "library")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return where the library in a folder is."""
    return tmp_path / "library"


@pytest.fixture
def write(root: Path) -> Callable[[str, bytes | str], Path]:
    """Return a function by which another tool writes into the library."""

    def written(path: str, content: bytes | str) -> Path:
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content if isinstance(content, bytes) else content.encode())
        return place

    return written
