from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

    from aurashot.sandbox import SandboxServer
    from tests.examples.conftest import Run


def pixels(path: Path) -> bytes:
    """Return the content of an image, after checking that it is a large one and marked by the sandbox."""
    with Image.open(path) as image:
        assert min(image.size) >= 512
        assert image.info["aurashot:sandbox"] == "true"
        return image.tobytes()


def test_quickstart_makes_three_images_of_a_photo(run: Run, grace_hopper: Path, tmp_path: Path) -> None:
    """The quickstart saves an ID photo, a scene and an edit, and prints where they are."""
    done = run("quickstart.py", str(grace_hopper), "out")
    assert (done.returncode, done.stderr) == (0, "")
    paths = [tmp_path / line for line in done.stdout.splitlines()]
    assert [path.name for path in paths] == ["id-photo.png", "cafe.png", "rooftop.png"]
    assert len({pixels(path) for path in paths}) == 3


@pytest.mark.usefixtures("plain_drawings")
def test_quickstart_draws_a_portrait_when_it_gets_no_photo(run: Run, tmp_path: Path) -> None:
    """Without a photo, the quickstart draws one, and says so."""
    done = run("quickstart.py")
    assert (done.returncode, done.stderr) == (0, "")
    assert "drawn by code" in done.stdout
    assert len(list((tmp_path / "quickstart-images").iterdir())) == 3


@pytest.mark.usefixtures("plain_drawings")
def test_quickstart_says_what_a_failure_cost(run: Run, sandbox_server: SandboxServer, grace_hopper: Path) -> None:
    """A lost response ends the quickstart with a sentence, the cost, and no traceback."""
    sandbox_server.fault("drop", times=1, operations=["id-photo"])
    done = run("quickstart.py", str(grace_hopper))
    assert done.returncode == 1
    assert done.stderr.endswith("It may be on the bill.\n")
    assert "Traceback" not in done.stderr


def test_async_quickstart_makes_a_cast(run: Run, grace_hopper: Path, astronaut: Path, tmp_path: Path) -> None:
    """Each photo becomes a character with an ID photo and three scenes, in a folder of its own."""
    done = run("async_quickstart.py", str(grace_hopper), str(astronaut))
    assert (done.returncode, done.stderr) == (0, "")
    names = {"id-photo.png", "cafe.png", "forest.png", "stage.png"}
    for name in ("grace_hopper", "astronaut"):
        assert names == {path.name for path in (tmp_path / "cast" / name).iterdir()}
    assert len({pixels(path) for path in (tmp_path / "cast").glob("*/*")}) == 8


@pytest.mark.usefixtures("plain_drawings")
def test_async_quickstart_keeps_the_rest_of_the_cast(run: Run, sandbox_server: SandboxServer, tmp_path: Path) -> None:
    """One lost image is reported with its cost, and all others are made."""
    sandbox_server.fault("drop", times=1, operations=["generate"])
    done = run("async_quickstart.py")
    assert done.returncode == 0
    assert "may be on the bill" in done.stderr
    assert len(list((tmp_path / "cast").glob("*/*"))) == 7
