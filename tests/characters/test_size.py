from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from aurashot.characters import CharacterLibrary
from lab.characters.program import png

if TYPE_CHECKING:
    from pathlib import Path

MANY = 10_000
SCRIPT = """
import json, resource, sys, time
from aurashot.characters import CharacterLibrary
library = CharacterLibrary(sys.argv[1])
seconds = []
for _ in range(5):
    start = time.process_time()
    characters = library.list()
    seconds.append(time.process_time() - start)
print(json.dumps([len(characters), min(seconds), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss]))
"""


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a library of 10,000 characters, each with a gallery; a list looks into none of these."""
    root = tmp_path_factory.mktemp("many")
    library = CharacterLibrary(root)
    library.create("0", face=png(1), anchor=png(2), description="x" * 200, styles=["a", "b"], scenes=["c"])
    profile = (root / "avatars/0/profile/character.json").read_text()
    for number in range(1, MANY):
        folder = root / f"avatars/{number}"
        (folder / "profile").mkdir(parents=True)
        (folder / "gallery").mkdir()
        (folder / "profile/character.json").write_text(profile.replace('"name": "0"', f'"name": "{number}"'))
    return root


def test_a_large_library_is_listed_within_a_second(many: Path) -> None:
    """Of the processor's time, and in less than 200 MB."""
    done = subprocess.run([sys.executable, "-c", SCRIPT, str(many)], capture_output=True, check=True, text=True)
    count, seconds, kibibytes = json.loads(done.stdout)
    assert MANY == count
    assert seconds < 1.0
    assert kibibytes * 1024 < 200_000_000
